import Foundation
import Model
import Testing

@Suite("the bundle of the language")
struct CompiledBundleTests {
    /// Every feature that reaches a spoke.
    private static let all = TopologyFixture.base(
        organization: """
            environment: production
            policy: { tools: { pin: report } }
            rules: [{ id: never, deny: ["tool:drop"], to: [anyone], when: { environment: [production] } }]

            """,
        finance: """
            callers: [analytics]
            region: eu
            rules:
              - { id: same, allow: ["tool:a"], to: [anyone], when: { sameRegion: true } }
              - { id: clear, allow: ["tool:b"], to: [anyone], when: { clearance: true } }
              - { id: deep, allow: ["tool:c"], to: [anyone], when: { arguments: { "/a/b": [x, 7, true], c: { present: true } } } }
              - { id: safe, allow: ["tool:d"], to: [anyone], when: { readOnly: true } }
              - { id: bound, allow: ["tool:e"], to: [anyone], limits: { rate: { requests: 1, per: 1s } } }

            """,
        analytics: "region: eu\n")

    private func state(_ files: [String: String]) -> RegistryState {
        let reading = TopologyFixture.read(files)
        #expect(reading.errors == [])
        return RegistryState(
            origin: "corp.example/nave/1", topology: reading.topology,
            pins: ["finance/ledger": [ToolDefinition(name: "d", digest: "sha256:dd", readOnly: true)]],
            changes: ["finance": 7])
    }

    @Test("a spoke decides from its bundle's bytes as the registry does")
    func same() throws {
        let state = state(Self.all)
        var allowed = 0
        for spoke in state.topology.spokes {
            let compiled = try #require(compileBundle(spoke: spoke, from: state))
            let bundle = try JSONCoding.decodeCanonical(PolicyBundle.self, from: try JSONCoding.canonical(compiled))
            #expect(bundle == compiled)
            for server in bundle.servers {
                let theirs = try #require(bundle.ruleset(for: server.name))
                let ours = try #require(
                    state.topology.ruleset(
                        for: server.name, masks: [], pins: state.pins[server.name] ?? [], revision: 7))
                for caller in [
                    "analytics.corp.example/client/reporting-bot", "finance.corp.example/client/housekeeping",
                    "x.example/client/y",
                ] {
                    for tool in ["a", "b", "c", "d", "e", "drop"] {
                        for arguments in [["a": ["b": "x"], "c": 1], ["a": ["b": 7.0]]] as [JSON] {
                            let request = Request(
                                caller: Caller(workload: try SPIFFEID("spiffe://\(caller)")),
                                aim: .use(Capability(.tool, tool)),
                                facts: Facts(
                                    now: TopologyFixture.now, address: IPAddress("10.20.1.1"), readOnly: nil,
                                    definitions: ["sha256:dd"], arguments: .given(arguments)))
                            switch (decide(request, under: theirs), decide(request, under: ours)) {
                            case (.allow(let one), .allow(let other)):
                                #expect(one == other)
                                allowed += 1
                            case (.deny(let one), .deny(let other)): #expect(one == other)
                            default: Issue.record("\(request)")
                            }
                        }
                    }
                }
            }
        }
        #expect(allowed > 20)
    }

    @Test("every new key is there when it is used")
    func keys() throws {
        let state = state(Self.all)
        let json = try JSONCoding.encode(try #require(compileBundle(spoke: state.topology.spokes[0], from: state)))
        #expect(json["environment"] == "production" && json["zones"]?.array?.count == 2)
        let server = try #require(json["servers"]?.array?.last)
        #expect(server["callers"] == ["analytics.corp.example", "finance.corp.example"])
        #expect(server["policy"]?["pin"] == "report" && server["pins"]?.array?.count == 1)
        #expect(json["rules"]?.array?.contains { $0["limits"] != nil } == true)
    }

    /// The bytes that the first release compiled from these files: what a bundle without new parts must stay, to the byte.
    @Test("a bundle that uses nothing new keeps its bytes")
    func bytes() throws {
        let reading = TopologyFixture.read(
            TopologyFixture.base(
                organization: "policy: { limits: { rate: { requests: 9, per: 1s } } }\n",
                finance: """
                    rules:
                      - { id: r, allow: ["tool:read_*"], servers: [ledger], to: [anyone], when: { readOnly: true, arguments: { a: "4*", b: "<= 7" }, hours: Mon-Fri 07:00-19:00 Europe/Berlin }, until: 2027-01-01 }

                    """))
        let state = RegistryState(origin: "corp.example/nave/1", topology: reading.topology, changes: ["finance": 7])
        let bundle = try #require(compileBundle(spoke: reading.topology.spokes[0], from: state))
        #expect(String(decoding: try JSONCoding.canonical(bundle), as: UTF8.self) == Self.firstRelease)
    }

    private static let firstRelease = #"""
        {"domains":["corp.example","analytics.corp.example","finance.corp.example"],"masks":[],"organiza\#
        tion":"corp.example","origin":"corp.example/nave/1","revision":7,"revokedIdentities":[],"revoked\#
        Serials":[],"rules":[{"capabilities":["tool:read_*"],"effect":"allow","id":"finance/r","place":{\#
        "column":5,"file":"finance.yaml","line":10},"servers":["finance/ledger"],"to":["anyone"],"until"\#
        :"2027-01-02T00:00:00.000Z","when":{"arguments":{"a":"4*","b":"<= 7"},"hours":"Mon-Fri 07:00-19:\#
        00 Europe/Berlin","readOnly":true}}],"servers":[{"classification":"internal","name":"finance/git\#
        ","networks":["10.20.0.0/16"],"policy":{"concurrency":32,"connectTimeout":10000,"idleTimeout":30\#
        0000,"rates":[{"per":1000,"requests":9}],"removedRequestHeaders":[],"requestBody":1048576,"reque\#
        stTimeout":30000,"responseBody":16777216,"responseHeaders":{},"stale":{"after":86400000,"then":"\#
        deny"}}},{"classification":"confidential","name":"finance/ledger","networks":["10.20.0.0/16"],"p\#
        olicy":{"concurrency":32,"connectTimeout":10000,"idleTimeout":300000,"rates":[{"per":1000,"reque\#
        sts":9}],"removedRequestHeaders":[],"requestBody":1048576,"requestTimeout":30000,"responseBody":\#
        16777216,"responseHeaders":{},"stale":{"after":86400000,"then":"deny"}}}],"spoke":"spiffe://fina\#
        nce.corp.example/spoke/fin-1","v":1}
        """#
}
