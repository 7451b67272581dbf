import ArgumentParser
import Foundation
import Model

struct TopologyImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Writes servers that other files know as a topology file.",
        discussion: """
            From configurations of MCP clients (`mcp.json`), descriptions of the MCP registry (`server.json`) and tables (CSV \
            with the columns name, description, owner, classification, spokes, endpoint, and one for each label). What a host runs \
            or dials, and its secrets, are never taken over: they belong into `spoke.yaml` on that host.

              nave topology import --zone finance --spoke fin-1 ~/.config/client/mcp.json > topology/zones/finance/imported.yaml
              nave topology import --zone finance servers.csv io.example.ledger/server.json
            """)

    @Argument(help: ArgumentHelp("mcp.json, server.json or a table; `.csv` is a table.", valueName: "file"))
    var files: [String]

    @Option(name: .long, help: ArgumentHelp("The zone that the servers are for.", valueName: "name"))
    var zone: String

    @Option(name: .long, help: ArgumentHelp("A spoke that fronts them; may be given again.", valueName: "name"))
    var spoke: [String] = []

    func validate() throws {
        for name in [zone] + spoke where !isLabel(name) {
            throw ValidationError("\(backticked(name)) is no name: lower-case letters, digits and inner hyphens")
        }
    }

    func run() throws {
        let terminal = Terminal.current
        var imported = ServerImport(zone: zone, spokes: spoke)
        for file in files { try imported.add(try FileBytes.read(file), named: file) }
        for note in imported.notes { terminal.say(note) }
        guard !imported.servers.isEmpty else {
            throw AdminError("nothing-imported", "no server is described in \(files.joined(separator: ", "))")
        }
        terminal.write(yamlText(zoneFragment(zone: zone, servers: imported.servers), keepsOrder: true))
        terminal.say(counted(imported.servers.count, "server"))
    }
}
