import ArgumentParser
import Model
import Transport

struct AccessWho: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "who", abstract: "Lists who may use a server, and under which conditions.",
        discussion: """
            Complete: everyone whom a rule singles out, by name or as one of many, with what denies, revocations and the zone \
            take away. Where a server is only observed, `no rule` says who gets through besides. Also as it was: the hub folds its ledger again up to that time.

              nave access who finance/ledger
              nave access who finance/ledger tool:write_entry --at 2026-03-03
            """)

    @Argument(help: ArgumentHelp("The server.", valueName: "zone/name"))
    var server: MemberName

    @Argument(help: ArgumentHelp("Only this: tool:NAME, resource:URI or prompt:NAME.", valueName: "capability"))
    var capability: CapabilityName?

    @Option(name: .long, help: ArgumentHelp("At the end of this day (UTC), or at this time.", valueName: "time"))
    var at: Deadline?

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let request = AccessRequest(
            server: server.description, capability: capability?.text, at: at?.asked(now: .now))
        let answer = try await hub.hub { try await $0.post("/v1/access/list", request, as: AccessAnswer.self) }
        let terminal = Terminal.current
        if at != nil, output.output == .table { terminal.say("as of \(answer.at)") }
        if answer.rows.isEmpty, output.output == .table { terminal.say("nobody") }
        try terminal.show(answer, as: output.output) { accessText(answer, of: .who, $0) }
    }
}
