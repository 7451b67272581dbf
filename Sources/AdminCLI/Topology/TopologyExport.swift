import ArgumentParser
import Foundation
import Model
import Transport

struct TopologyExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes the topology in force as files, or shows it.",
        discussion: """
            With a directory: the files that `nave topology plan` finds no change in. Without: the hub's own form.

              nave topology export topology
              nave topology export -o json
            """)

    @Argument(help: ArgumentHelp("Where to write the files; it must be empty or missing.", valueName: "dir"))
    var directory: String?

    @OptionGroup var hub: HubOptions

    @Option(name: [.customShort("o"), .long], help: "The form of what is shown: json or yaml.")
    var output: ExportFormat = .yaml

    enum ExportFormat: String, ExpressibleByArgument, CaseIterable { case json, yaml }

    func run() async throws {
        if let directory, !((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).isEmpty {
            throw AdminError(
                "not-empty", "refused to write into \(backticked(directory)), which is not empty",
                hint: "give a directory that does not exist yet")
        }
        let topology = try await hub.hub { try await $0.get("/v1/topology", as: Topology.self) }
        let terminal = Terminal.current
        guard let directory else {
            try terminal.show(topology, as: output == .json ? .json : .yaml) { _ in "" }
            return
        }
        let files = topologyFiles(topology)
        for (name, content) in files {
            try PrivateFile.replace("\(directory)/\(name)", with: Array(yamlText(content, keepsOrder: true).utf8))
        }
        terminal.say("wrote \(files.count) files below \(directory)")
    }
}
