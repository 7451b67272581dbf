import ArgumentParser
import Model
import Transport

struct DecisionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists what spokes decided, newest first.",
        discussion: """
            Examples:
              nave decision list --denied --since 1h
              nave decision list --server finance/ledger --limit 20 -o json
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: ZoneFilter
    @OptionGroup var limit: ListLimit

    @Option(name: .long, help: ArgumentHelp("Only about this server.", valueName: "zone/name"))
    var server: MemberName?

    @Option(
        name: .long, help: ArgumentHelp("Only by this caller: client:ZONE/NAME or a SPIFFE ID.", valueName: "caller"))
    var caller: String?

    @Flag(name: .long, help: "Only denials.")
    var denied = false

    @Option(name: .long, help: ArgumentHelp("Only what is younger: 10m, 1h, 7d.", valueName: "time"))
    var since: Duration?

    func run() async throws {
        let caller = try caller.map { try callerKey($0, organization: hub.opened().context.organization) }
        let rows = try await hub.hub { hub in
            try await hub.get(
                "/v1/decisions",
                query: query(
                    ("zone", filter.zone), ("server", server?.description), ("caller", caller),
                    ("verdict", denied ? DecisionRecord.Verdict.deny.rawValue : nil),
                    ("since", since.map { (Instant.now - $0.span).description }),
                    ("limit", limit.limit.map { String($0) })),
                as: [DecisionRow].self)
        }
        try Terminal.current.list(rows, as: output.output, "decisions") { decisionTable(rows).text($0) }
    }
}

/// What spokes write for a caller: the SPIFFE ID of `client:ZONE/NAME`; everything else as it is.
package func callerKey(_ caller: String, organization: String) throws(ModelError) -> String {
    guard case .client(let zone, let name)? = try? Principal(caller) else { return caller }
    return try SPIFFEID(trustDomain: "\(zone).\(organization)", path: ["client", name]).description
}
