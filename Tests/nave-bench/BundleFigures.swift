import Model
import TestSupport
import Trust

/// What a spoke does with a delivered bundle before anything of it is in force.
enum BundleFigures {
    private static let rounds = 15
    private static let ruleCount = 1000

    static func measure(_ tell: (String) -> Void) throws -> [Figure] {
        tell("a bundle of \(ruleCount) rules")
        let pki = try TestPKI()
        let manifest = try pki.manifest()
        guard let key = pki.signingKeys[.bundle] else { return [] }
        let payload = try JSONCoding.canonical(try bundle())
        let envelope = try DSSE.sign(payload, payloadType: PolicyBundle.payloadType, keys: [key]).encoded
        var times: [Double] = []
        for _ in 0..<rounds {
            let start = processorSeconds()
            for _ in 0..<10 {
                let signed = try manifest.verify(
                    DSSEEnvelope(parsing: envelope), payloadType: PolicyBundle.payloadType, role: .bundle)
                let bundle = try PolicyBundle.decoded(signed)
                guard bundle.rules.count == ruleCount else { throw TimedOut(description: "rules are missing") }
            }
            times.append((processorSeconds() - start) * 100)
        }
        return [
            Figure(
                name: "bundle-of-1000-rules", value: median(times), unit: "ms", clock: .processor,
                target: .valueAtMost(2))
        ]
    }

    /// As a compiler makes it from a topology's files: every rule has its place, some have conditions.
    private static func bundle() throws -> PolicyBundle {
        let place = { Place(file: "zones/finance/zone.yaml", line: $0, column: 5) }
        let networks = [try Network("10.0.0.0/8")]
        let rules = try (0..<ruleCount).map { number in
            Rule(
                id: "finance/rule-\(number)", effect: number % 10 == 0 ? .deny : .allow,
                capabilities: [try CapabilityPattern("tool:read_*"), try CapabilityPattern("tool:list_\(number)")],
                servers: ["finance/ledger"], to: [try Principal("client:analytics/bot-\(number)")],
                when: number % 10 == 5 ? Conditions(networks: networks) : nil, place: place(number))
        }
        let servers = [
            BundleServer(
                name: "finance/ledger", classification: .confidential, networks: networks,
                policy: EffectivePolicy(layers: []))
        ]
        return PolicyBundle(
            organization: "corp.example", origin: "corp.example/nave/1",
            spoke: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"), revision: 1,
            domains: ["corp.example", "finance.corp.example"], servers: servers, rules: rules, masks: [],
            revokedSerials: [], revokedIdentities: [])
    }
}
