import ArgumentParser
import Model
import Transport

struct ToolWithdraw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw", abstract: "Takes approvals of tools back.",
        discussion: """
            From then on no definition of these tools is approved on any spoke of the server: where the policy pins with \
            `enforce`, they are hidden and refused at once. `nave tool approve` with their names approves them again; \
            --first-seen passes them over.

              nave tool withdraw finance/ledger read_entry --why "sends data out, SEC-3" --wait 30s
            """)

    @Argument(help: ArgumentHelp("The server.", valueName: "zone/name"))
    var server: MemberName

    @Argument(help: "The tools' names.")
    var tools: [String]

    @OptionGroup var options: RevocationOptions

    func run() async throws {
        let terminal = Terminal.current
        let change = options.change
        try await options.hub.hub { hub in
            let rows = try await hub.get(
                "/v1/tools", query: [("server", server.description), ("limit", "100000")], as: [ToolRow].self)
            let approved = rows.filter { $0.definitions.contains(where: \.isApproved) }
            for name in tools {
                guard let row = approved.first(where: { $0.tool == name }) else {
                    throw AdminError(
                        "unknown-tool",
                        "no definition of \(backticked(name)) of \(backticked(server.description)) is approved",
                        hint: suggestionHint(for: name, among: approved.map(\.tool)) ?? "`nave tool list \(server)`")
                }
                terminal.say("  " + printable(approvalLine(row)))
            }
            if change.dryRun { return }
            try terminal.confirm("Withdraw the approval?", unless: change.yes)
            let request = WithdrawToolsRequest(server: server.description, tools: tools, why: options.reason.why)
            let answer = try await hub.post("/v1/tools/withdraw", request, as: ChangeAnswer.self)
            try await tell(answer, as: options.output, options.acknowledgement, hub, terminal)
        }
    }
}
