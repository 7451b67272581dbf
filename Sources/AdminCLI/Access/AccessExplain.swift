import ArgumentParser
import Model
import Transport

package struct AccessExplain: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Says which rule decides about a call, and why.",
        discussion: """
            Of a decision that was made, or of a call that could be: every rule that was looked at, in order, \
            what became of it, and where the one stands that decided.

              nave access explain j-4f2a:17
              nave access explain --by client:analytics/reporting-bot --server finance/ledger \\
                  --call tool:read_entry --arg account=4711 --from 10.0.0.7 --at 2026-11-21T08:15:30Z
              nave access explain --by user:ana@corp.example --group finance-analysts --through client:analytics/desktop \\
                  --server finance/ledger --call tool:read_entry --read-only
            """)

    @Argument(
        help: ArgumentHelp("A decision that was made, as `nave decision list` shows it.", valueName: "journal:number"))
    var decision: DecisionName?

    @Option(
        name: .long,
        help: ArgumentHelp("Who calls: client:ZONE/NAME, user:ADDRESS or a SPIFFE ID.", valueName: "caller"))
    var by: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The client that a person calls through: client:ZONE/NAME.", valueName: "caller"))
    var through: String?

    @Option(
        name: .customLong("group"),
        help: ArgumentHelp("A group that the person is in; may be given again.", valueName: "name"))
    var groups: [String] = []

    @Option(name: .long, help: ArgumentHelp("Which server is called.", valueName: "zone/name"))
    var server: MemberName?

    @Option(
        name: .long,
        help: ArgumentHelp("What is called: tool:NAME, resource:URI or prompt:NAME.", valueName: "capability"))
    var call: String?

    @Option(
        name: .customLong("arg"), help: ArgumentHelp("An argument of the call; JSON or text.", valueName: "name=value"))
    var arguments: [CallArgument] = []

    @Flag(
        name: .customLong("read-only"), inversion: .prefixedNo,
        help: "Whether the tool says that it only reads; else what was approved, or not known.")
    var readOnly: Bool?

    @Option(name: .long, help: ArgumentHelp("The caller's address.", valueName: "address"))
    var from: String?

    @Option(name: .long, help: ArgumentHelp("When: 2026-11-21T08:15:30Z.", valueName: "time"))
    var at: Time?

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    package init() {}

    package func validate() throws {
        if decision != nil {
            guard by == nil, through == nil, groups.isEmpty, server == nil, call == nil, arguments.isEmpty,
                readOnly == nil, from == nil, at == nil
            else {
                throw ValidationError("a decision that was made says all itself: give nothing else")
            }
            return
        }
        guard let by, server != nil, let call else {
            throw ValidationError("give a decision, or `--by`, `--server` and `--call`")
        }
        guard let principal = try? Principal(by) else { throw ValidationError("\(backticked(by)) names no caller") }
        switch principal {
        case .client, .user, .spiffe: break
        case .zone, .group, .domain, .anyone: throw ValidationError("\(backticked(by)) is more than one caller")
        }
        if through != nil || !groups.isEmpty, !principal.isPerson {
            throw ValidationError("`--through` and `--group` are of a person, as `--by user:ADDRESS`")
        }
        guard (try? Capability(call)) != nil else {
            throw ValidationError("\(backticked(call)) is no capability: tool:NAME, resource:URI or prompt:NAME")
        }
        guard from.map({ IPAddress($0) != nil }) ?? true else {
            throw ValidationError("\(backticked(from ?? "")) is no IP address")
        }
        guard Set(arguments.map(\.name)).count == arguments.count else {
            throw ValidationError("an argument is given twice")
        }
    }

    package var request: ExplainRequest {
        if let decision { return ExplainRequest(decision: decision.id) }
        let given = JSONObject(arguments.map { ($0.name, $0.value) })
        return ExplainRequest(
            by: by, through: through, groups: groups.isEmpty ? nil : groups, server: server?.description,
            capability: call, arguments: given.isEmpty ? nil : .object(given), readOnly: readOnly,
            from: from.flatMap { IPAddress($0) }, at: at?.moment)
    }

    package func run() async throws {
        let explanation = try await hub.hub { try await $0.post("/v1/access/explain", request, as: Explanation.self) }
        try Terminal.current.show(explanation, as: output.output) { explainText(explanation, $0) }
    }
}
