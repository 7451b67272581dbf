import ArgumentParser
import Model
import Transport

struct AuthorityList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the root and every intermediate, and how many certificates hang on each.",
        discussion: """
            prepared: certified, not in use; active: issues now; old: believed; tainted: who hangs on it renews; retired: \
            nothing under it is believed.

              nave authority list
              nave authority list -o json
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let rows = try await hub.hub { try await $0.get("/v1/authorities", as: [AuthorityRow].self) }
        try Terminal.current.list(rows, as: output.output, "authorities") { authorityTable(rows).text($0) }
    }
}
