import ArgumentParser
import Model
import Transport

struct AccessWhat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "what", abstract: "Lists what somebody may use, where, and under which conditions.",
        discussion: """
            Of a client, a zone, a person, a group or a domain. The hub does not know who is in which group: say so.

              nave access what client:analytics/reporting-bot
              nave access what user:ana@corp.example --group finance-analysts --server finance/ledger
              nave access what group:finance-analysts --at 2026-03-03
            """)

    @Argument(help: ArgumentHelp("As a rule names it: client:ZONE/NAME, group:NAME, …", valueName: "principal"))
    var principal: PrincipalName

    @Option(
        name: .customLong("group"),
        help: ArgumentHelp("A group that the person is in; may be given again.", valueName: "name"))
    var groups: [String] = []

    @Option(name: .long, help: ArgumentHelp("Only on this server.", valueName: "zone/name"))
    var server: MemberName?

    @Option(
        name: .long, help: ArgumentHelp("Only this: tool:NAME, resource:URI or prompt:NAME.", valueName: "capability"))
    var capability: CapabilityName?

    @Option(name: .long, help: ArgumentHelp("At the end of this day (UTC), or at this time.", valueName: "time"))
    var at: Deadline?

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard groups.isEmpty || principal.principal.isPerson else {
            throw ValidationError("`--group` is of a person, as `user:ADDRESS`")
        }
    }

    func run() async throws {
        let request = AccessRequest(
            server: server?.description, principal: principal.principal, groups: groups.isEmpty ? nil : groups,
            capability: capability?.text, at: at?.asked(now: .now))
        let answer = try await hub.hub { try await $0.post("/v1/access/list", request, as: AccessAnswer.self) }
        let terminal = Terminal.current
        if at != nil, output.output == .table { terminal.say("as of \(answer.at)") }
        if answer.rows.isEmpty, output.output == .table { terminal.say("nothing") }
        try terminal.show(answer, as: output.output) { accessText(answer, of: .what, $0) }
    }
}
