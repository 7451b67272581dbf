import ArgumentParser
import Model
import Transport

struct ToolApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approves the definitions of tools that a server lists now.",
        discussion: """
            From then on every spoke of the server takes these definitions of the tools, and no others. Without names: \
            every tool that is listed and not as it was approved. Look at `nave tool diff` first.

              nave tool approve finance/ledger read_entry --why "new wording, FIN-7"
              nave tool approve finance/ledger --dry-run

            In bulk, to begin with: of each tool of a zone that nobody approved yet, what was seen first.

              nave tool approve --zone finance --first-seen --before 2026-11-21 --why "introducing pins"
            """)

    @Argument(help: ArgumentHelp("The server.", valueName: "zone/name"))
    var server: MemberName?

    @Argument(help: "The tools' names.")
    var tools: [String] = []

    @Option(name: .long, help: "With --first-seen: every server of this zone.")
    var zone: String?

    @Flag(name: .long, help: "Approve what was seen first of each tool that nobody approved yet.")
    var firstSeen = false

    @Option(
        name: .long,
        help: ArgumentHelp("With --first-seen: only what was seen before this day or time.", valueName: "day|time"))
    var before: Beginning?

    @OptionGroup var reason: WhyOption
    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var acknowledgement: AcknowledgementOptions

    func validate() throws {
        if server != nil {
            guard zone == nil, !firstSeen, before == nil else {
                throw ValidationError("give a server, or `--zone ZONE --first-seen --before DAY`")
            }
        } else {
            guard let zone, isLabel(zone), firstSeen, before != nil else {
                throw ValidationError("give a server, or `--zone ZONE --first-seen --before DAY`")
            }
        }
    }

    func run() async throws {
        let terminal = Terminal.current
        try await hub.hub { hub in
            guard let request = try await request(hub, terminal) else { return }
            let answer = try await hub.post("/v1/tools/approve", request, as: ApproveToolsAnswer.self)
            try terminal.showForPrograms(answer, as: output.output)
            terminal.say(changeLine(answer.change))
            try await acknowledged(answer.change, within: acknowledgement.wait, except: nil, hub, terminal)
        }
    }

    /// What is approved, after somebody said yes to it; nil where there is nothing to do.
    private func request(_ hub: HubClient, _ terminal: Terminal) async throws -> ApproveToolsRequest? {
        let request: ApproveToolsRequest
        let lines: [String]
        if let server {
            let rows = try await hub.get(
                "/v1/tools", query: [("server", server.description), ("limit", "100000")], as: [ToolRow].self)
            let chosen = try chosen(rows, server.description)
            // Exactly what is shown here is approved, whatever the server lists by then.
            let picks = chosen.map { row in
                ApproveToolsRequest.Pick(
                    tool: row.tool, digests: row.definitions.filter { !$0.spokes.isEmpty }.map(\.digest))
            }
            request = ApproveToolsRequest(server: server.description, tools: picks, why: reason.why)
            lines = chosen.map(approvalLine)
        } else {
            guard let zone, let before else { return nil }
            let firstSeen = ApproveToolsRequest.FirstSeen(zone: zone, before: before.moment)
            let wanted = try await hub.post(
                "/v1/tools/approve", ApproveToolsRequest(firstSeen: firstSeen, dryRun: true),
                as: ApproveToolsAnswer.self)
            request = ApproveToolsRequest(firstSeen: firstSeen, why: reason.why)
            lines = wanted.approved.map { "\($0.server): \(counted(Set($0.definitions.map(\.name)).count, "tool"))" }
        }
        guard !lines.isEmpty else {
            terminal.say("nothing to do")
            return nil
        }
        for line in lines { terminal.say("  " + printable(line)) }
        if change.dryRun { return nil }
        try terminal.confirm("Approve?", unless: change.yes)
        return request
    }

    private func chosen(_ rows: [ToolRow], _ server: String) throws -> [ToolRow] {
        guard !tools.isEmpty else { return rows.filter { $0.state == .changed || $0.state == .unapproved } }
        return try tools.map { name in
            guard let row = rows.first(where: { $0.tool == name }), row.state != .missing else {
                throw AdminError(
                    "unknown-tool", "no spoke lists a tool \(backticked(name)) of \(backticked(server))",
                    hint: suggestionHint(for: name, among: rows.map(\.tool)) ?? "`nave tool list \(server)`")
            }
            return row
        }
    }
}

/// A moment before which something was: the beginning of a day (UTC), or a time.
struct Beginning: ExpressibleByArgument, Hashable, Sendable {
    var moment: Instant

    init?(argument: String) {
        if let day = CivilDate(argument) {
            moment = Instant(milliseconds: day.daysSinceEpoch * 86_400_000)
        } else if let time = Instant(argument) {
            moment = time
        } else {
            return nil
        }
    }
}
