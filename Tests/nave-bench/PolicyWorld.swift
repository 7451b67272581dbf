import Foundation
import Model
import TestSupport

/// One server's rules of forty zones' clients, and calls that they allow: the same for us and for the peer.
struct PolicyWorld {
    static let organization = "corp.example"
    static let server = "finance/ledger"
    static let now = TestPKI.now

    let count: Int

    /// A twentieth denies, a tenth names everybody, a fifth has a condition; every rule names tools of its own.
    private struct Row {
        var number: Int
        var isDeny: Bool { number % 20 == 7 }
        var client: String? { number % 10 == 0 ? nil : "zone\(number % 40)/bot-\(number / 4)" }
        var pattern: String { "\(isDeny ? "drop" : "read")_\(number)_*" }
        var tool: String { "\(isDeny ? "purge" : "get")_\(number)" }
        var hasNetwork: Bool { number % 5 == 3 }
    }

    private var rows: [Row] { (0..<count).map { Row(number: $0) } }

    func rules() throws -> [Rule] {
        let network = [try Network("10.0.0.0/8")]
        return try rows.map { row in
            Rule(
                id: "finance/rule-\(row.number)", effect: row.isDeny ? .deny : .allow,
                capabilities: [
                    try CapabilityPattern("tool:\(row.pattern)"), try CapabilityPattern("tool:\(row.tool)"),
                ],
                servers: [Self.server], to: [try row.client.map { try Principal("client:\($0)") } ?? .anyone],
                when: row.hasNetwork ? Conditions(networks: network) : nil,
                place: Place(file: "zones/finance.yaml", line: row.number, column: 5))
        }
    }

    func bundle() throws -> PolicyBundle {
        PolicyBundle(
            organization: Self.organization, origin: "corp.example/nave/1",
            spoke: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"), revision: 1,
            domains: [Self.organization, "finance.corp.example"] + (0..<40).map { "zone\($0).corp.example" },
            servers: [
                BundleServer(
                    name: Self.server, classification: .confidential, networks: [try Network("10.0.0.0/8")],
                    policy: EffectivePolicy(layers: []))
            ], rules: try rules(), masks: [], revokedSerials: [], revokedIdentities: [])
    }

    /// Calls that are allowed, of rules from all over.
    func requests() throws -> [Request] {
        try asked.map { row in
            let client = (row.client ?? "zone1/bot-1").split(separator: "/")
            return Request(
                caller: Caller(workload: try SPIFFEID("spiffe://\(client[0]).corp.example/client/\(client[1])")),
                aim: .use(Capability(.tool, row.tool)),
                facts: Facts(now: Self.now, address: IPAddress("10.1.2.3"), readOnly: true))
        }
    }

    private var asked: [Row] {
        stride(from: 1, to: count, by: max(1, count / 97)).map { Row(number: $0) }.filter { !$0.isDeny }
    }

    /// As `Tests/nave-bench/cedar.py` reads them: the policies, and who calls what.
    func cedar() throws -> (policies: String, calls: String) {
        let policies = rows.map { row in
            let principal = row.client.map { "principal == Client::\"\($0)\"" } ?? "principal"
            let network = row.hasNetwork ? " && context.address.isInRange(ip(\"10.0.0.0/8\"))" : ""
            return """
                \(row.isDeny ? "forbid" : "permit") (\(principal), action == Action::"call", resource == Server::"ledger")
                when { (context.tool like "\(row.pattern)" || context.tool == "\(row.tool)")\(network) };
                """
        }
        let calls = JSON.array(
            asked.map { .array([.string($0.client ?? "zone1/bot-1"), .string($0.tool)]) })
        return (policies.joined(separator: "\n"), "\(calls)")
    }
}
