import Model
import Testing

@Suite struct ArgumentPolicyTests {
    private static func policy(_ yaml: String) -> (policy: Policy?, problems: [String]) {
        let reading = TopologyFixture.read([
            "a.yaml": "organization: corp.example\n",
            "z/finance.yaml":
                "zone: finance\nclassification: internal\nnetworks: [10.0.0.0/8]\nspokes: { fin-1: {} }\nservers: { s: { spokes: [fin-1], policy: { \(yaml) } } }\n",
        ])
        return (reading.topology.servers.first?.policy, reading.errors.map(\.code))
    }

    @Test func readsWhatThePolicyPageShows() throws {
        let (policy, problems) = Self.policy(
            "serverRequests: [sampling, elicitation, sampling], "
                + #"egress: [{ tools: ["fetch*"], arguments: [url], to: ["https://*.corp.example/**"], private: allow }], "#
                + "checks: [{ check: pathTraversal, arguments: [path], then: refuse }]")
        #expect(problems.isEmpty)
        #expect(policy?.serverRequests == [.elicitation, .sampling])
        #expect(
            policy?.egress == [
                Egress(tools: ["fetch*"], arguments: ["url"], to: ["https://*.corp.example/**"], allowPrivate: true)
            ])
        #expect(policy?.checks == [ArgumentCheck(.pathTraversal, arguments: ["path"], then: .refuse)])
    }

    @Test(arguments: [
        "serverRequests: [tools]", "serverRequests: sampling", "egress: [{ arguments: [url] }]",
        "egress: [{ arguments: [], to: [\"https://a.example/**\"] }]", "egress: [{ arguments: [url], to: [] }]",
        "egress: [{ arguments: [url], to: [a.example] }]",
        "egress: [{ arguments: [url], to: [\"https://a.example\"] }]",
        "egress: [{ arguments: [url], to: [\"https://a.example/\"], private: maybe }]",
        "checks: [{ check: xss, arguments: [a], then: refuse }]", "checks: [{ check: sql, then: refuse }]",
        "checks: [{ check: sql, arguments: [a] }]", "checks: [{ check: sql, arguments: [a], then: block }]",
    ])
    func refuses(yaml: String) { #expect(!Self.policy(yaml).problems.isEmpty) }

    @Test func layersNarrowWhatServersAskAndAddWhatArgumentsPass() {
        let egress = Egress(arguments: ["url"], to: ["https://a.example/**"])
        let check = ArgumentCheck(.sql, arguments: ["q"], then: .report)
        let outer = Policy(serverRequests: [.elicitation, .roots], egress: [egress])
        let inner = Policy(serverRequests: [.roots, .sampling], egress: [egress], checks: [check])
        let both = EffectivePolicy(layers: [outer, nil, inner])
        #expect(both.serverRequests == [.roots])
        #expect(both.egress == [egress, egress])
        #expect(both.checks == [check])
        #expect(EffectivePolicy(layers: [nil, nil, inner]).serverRequests == [.roots, .sampling])
        #expect(EffectivePolicy(layers: [Policy(serverRequests: []), inner]).serverRequests == nil)
    }

    /// A bundle that uses nothing of this is the same bytes as before there was any.
    @Test func whatNobodyStatesIsNotWritten() throws {
        let plain = String(decoding: try JSONCoding.canonical(EffectivePolicy(layers: [Policy()])), as: UTF8.self)
        for key in ["serverRequests", "egress", "checks"] { #expect(!plain.contains(key)) }
        let stated = EffectivePolicy(layers: [Policy(serverRequests: [.roots], checks: [])])
        let bytes = try JSONCoding.canonical(stated)
        #expect(String(decoding: bytes, as: UTF8.self).contains(#""serverRequests":["roots"]"#))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("checks"))
        #expect(try JSONCoding.decode(EffectivePolicy.self, from: JSON(parsing: bytes)) == stated)
    }
}
