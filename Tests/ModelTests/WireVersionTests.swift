import Foundation
import Model
import TestSupport
import Testing

/// An older spoke is played by the record of what it reads: every key path that the decoder of version 1 accepted, and the
/// values of its enumerations, written down once from that code (`Tests/Vectors/bundle-v1.json`).
@Suite struct WireVersionTests {
    private let recorded: Set<String>
    private let values: [String: Set<String>]

    init() throws {
        let json = try JSON(parsing: Array(try Checkout.text("Tests/Vectors/bundle-v1.json").utf8))
        recorded = Set((json["keys"]?.array ?? []).compactMap(\.string))
        values = Dictionary(
            uniqueKeysWithValues: (json["values"]?.object?.pairs ?? []).map { path, list in
                (path, Set((list.array ?? []).compactMap(\.string)))
            })
    }

    /// A bundle in which no optional part is left out. `theSampleLeavesNothingOut` fails when a new one is.
    func sample() throws -> PolicyBundle {
        let policy = Policy(
            headers: Policy.Headers(
                response: ["X-Frame-Options": "DENY"], request: Policy.RequestHeaders(remove: ["Cookie"])),
            limits: Limits(rate: Limits.Rate(requests: 1, per: .seconds(1), burst: 2), sessions: 4),
            stale: Staleness(after: .hours(1), then: .readOnly, until: .hours(2)),
            tools: Policy.ToolPolicy(pin: .enforce), serverRequests: [.elicitation],
            egress: [Egress(tools: ["fetch"], arguments: ["url"], to: ["https://a/**"], allowPrivate: true)],
            checks: [ArgumentCheck(.sql, tools: ["query"], arguments: ["statement"], then: .report)])
        let limits = Limits(
            rate: Limits.Rate(requests: 1, per: .seconds(1), burst: 2), concurrency: 1, sessions: 1,
            requestBody: ByteCount(1), responseBody: ByteCount(1),
            timeouts: Limits.Timeouts(connect: .seconds(1), request: .seconds(1), idle: .seconds(1)))
        let place = Place(file: "f.yaml", line: 3, column: 5)
        let everything = try CapabilityPattern("*")
        return PolicyBundle(
            organization: "corp.example", origin: "corp.example/nave/1",
            spoke: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"), revision: 7,
            domains: ["corp.example", "finance.corp.example"], environment: "production",
            zones: [ZoneFacts(name: "finance", region: "eu-west-1", classification: .confidential)],
            servers: [
                BundleServer(
                    name: "finance/ledger", classification: .confidential, networks: [try Network("10.0.0.0/8")],
                    policy: EffectivePolicy(layers: [policy]), callers: ["finance.corp.example"],
                    enforcement: Enforcement(
                        mode: .observe, until: Instant(milliseconds: 1), reason: "left out when compiled"),
                    pins: [ToolDefinition(name: "t", digest: "sha256:00", readOnly: true)])
            ],
            rules: [
                Rule(
                    id: "finance/r", effect: .allow, capabilities: [everything], servers: ["finance/ledger"],
                    to: [.anyone], except: [.group("g")],
                    when: Conditions(
                        readOnly: true, networks: [try Network("10.0.0.0/8")],
                        hours: try Hours("Mon-Fri 07:00-19:00 Europe/Berlin"), environment: ["production"],
                        sameRegion: true, clearance: true, arguments: ["a": try ArgumentTest("4*")]
                    ), limits: limits, from: Instant(milliseconds: 0), until: Instant(milliseconds: 1),
                    reason: "left out when compiled",
                    place: place)
            ],
            masks: [
                Mask(
                    id: "rv-1", principal: .anyone, server: "finance/ledger", capabilities: [everything],
                    at: Instant(milliseconds: 0), cause: .revoked)
            ], revokedSerials: ["0a"],
            revokedIdentities: [
                IdentityRevocation(
                    identity: try SPIFFEID("spiffe://finance.corp.example/client/c"),
                    issuedBefore: Instant(milliseconds: 1))
            ])
    }

    // MARK: the walk

    /// Every key path of a tree; members of the recorded free-key objects are `*`, elements `[]`.
    private func paths(_ json: JSON, _ path: String = "") -> [String: [JSON]] {
        var found: [String: [JSON]] = [:]
        switch json {
        case .object(let object):
            for (key, value) in object.pairs {
                let name = recorded.contains("\(path).*") ? "*" : key
                found["\(path).\(name)", default: []].append(value)
                found.merge(paths(value, "\(path).\(name)")) { $0 + $1 }
            }
        case .array(let elements):
            for element in elements { found.merge(paths(element, "\(path)[]")) { $0 + $1 } }
        default: break
        }
        return found
    }

    /// What the recorded decoder would not read.
    private func unread(_ bundle: PolicyBundle) throws -> [String] {
        let found = paths(try JSONCoding.encode(bundle))
        let keys = found.keys.filter { !recorded.contains($0) }
        let words = values.flatMap { path, known in
            (found[path] ?? []).filter { !known.contains($0.string ?? "") }.map { "\(path) = \($0)" }
        }
        return (keys + words).sorted()
    }

    /// The bundle without a key, wherever it stands.
    private func without(_ path: String, _ json: JSON, _ here: String = "") -> JSON {
        switch json {
        case .object(let object):
            .object(
                JSONObject(
                    object.pairs.filter { "\(here).\($0.key)" != path }.map {
                        ($0.key, without(path, $0.value, "\(here).\($0.key)"))
                    }))
        case .array(let elements): .array(elements.map { without(path, $0, "\(here)[]") })
        default: json
        }
    }

    private func newKeys() throws -> [String] {
        let all = try unread(sample()).filter { !$0.contains(" = ") }
        // What lies below a new key comes and goes with it.
        return all.filter { key in !all.contains { key != $0 && (key.hasPrefix("\($0).") || key.hasPrefix("\($0)[")) } }
    }

    // MARK: the tests

    @Test func theSampleLeavesNothingOut() throws {
        func check(_ value: Any, _ json: JSON, _ path: String) {
            let mirror = Mirror(reflecting: value)
            if mirror.displayStyle == .optional {
                if let inner = mirror.children.first {
                    check(inner.value, json, path)
                } else {
                    Issue.record("\(path) is left out")
                }
            }
            if case .object(let object) = json, mirror.displayStyle == .struct {
                for child in mirror.children {
                    let label = child.label ?? ""
                    guard let member = object[label] else {
                        Issue.record("\(path).\(label) is left out")
                        continue
                    }
                    check(child.value, member, "\(path).\(label)")
                }
            }
            if case .array(let elements) = json, mirror.displayStyle == .collection {
                #expect(!elements.isEmpty, "\(path) is empty")
                for (child, element) in zip(mirror.children, elements) { check(child.value, element, "\(path)[]") }
            }
        }
        let sample = try sample()
        check(sample, try JSONCoding.encode(sample), "")
    }

    @Test func whatUsesNothingNewIsOfVersion1AndReadByTheRecordedDecoder() throws {
        var bundle = try sample()
        #expect(bundle.v == 2)
        bundle.environment = nil
        bundle.zones = nil
        bundle.servers[0].policy.sessions = nil
        bundle.servers[0].policy.pin = nil
        bundle.servers[0].policy.serverRequests = nil
        bundle.servers[0].policy.egress = nil
        bundle.servers[0].policy.checks = nil
        bundle.servers[0].callers = nil
        bundle.servers[0].enforcement = nil
        bundle.servers[0].pins = nil
        bundle.rules[0].limits = nil
        bundle.rules[0].when?.environment = nil
        bundle.rules[0].when?.sameRegion = nil
        bundle.rules[0].when?.clearance = nil
        #expect(bundle.neededWireVersion == 1)
        #expect(try unread(bundle) == [])
        // The record is whole: there is nothing in it that today's bundles lost.
        let all = Set(paths(try JSONCoding.encode(bundle)).keys)
        #expect(recorded.subtracting(all) == [])
    }

    /// A key that is added without its line in `WireVersion.features` would reach spokes that refuse it.
    @Test func everyKeyThatTheRecordedDecoderRefusesHasItsVersion() throws {
        let keys = try newKeys()
        #expect(!keys.isEmpty)
        let whole = try JSONCoding.encode(sample())
        for key in keys {
            let alone = keys.filter { $0 != key }.reduce(whole) { without($1, $0) }
            let bundle = try JSONCoding.decode(PolicyBundle.self, from: alone)
            #expect(bundle.neededWireVersion > WireVersion.first, "\(key) has no line in WireVersion.features")
        }
        let none = keys.reduce(whole) { without($1, $0) }
        #expect(try JSONCoding.decode(PolicyBundle.self, from: none).neededWireVersion == WireVersion.first)
    }

    /// A test that version 1 would read as another one, or not at all, though its key is known there.
    @Test(arguments: ["/deep/down", "several bounds", "a choice", "presence"])
    func aYoungerTestOfArgumentsHasItsVersion(_ kind: String) throws {
        let test: ArgumentTest =
            switch kind {
            case "several bounds": try ArgumentTest("> 0, <= 10")
            case "a choice": try ArgumentTest(oneOf: [.string("a")])
            case "presence": .present(true)
            default: try ArgumentTest("4*")
            }
        var bundle = try sample()
        bundle.rules[0].when = Conditions(arguments: [kind.hasPrefix("/") ? kind : "a": test])
        let feature = try #require(WireVersion.features.first { $0.name == "when.arguments" })
        #expect(feature.isUsed(by: bundle))
        bundle.rules[0].when = Conditions(arguments: ["a": try ArgumentTest("<= 10")])
        #expect(!feature.isUsed(by: bundle))
    }

    @Test func wordsOfTheEnumerationsAreRecorded() {
        #expect(values[".rules[].effect"] == ["allow", "deny"])
        #expect(values[".masks[].cause"] == ["revoked", "lapsed"])
        #expect(values[".servers[].classification"] == Set(Classification.allCases.map(\.rawValue)))
        #expect(values[".servers[].policy.stale.then"] == Set(Staleness.Mode.allCases.map(\.rawValue)))
    }

    @Test func featuresAreOfVersionsThatThisProgramReads() {
        #expect(WireVersion.read == Array(1...(WireVersion.features.map(\.version).max() ?? 1)))
        #expect(Set(WireVersion.features.map(\.name)).count == WireVersion.features.count)
        #expect(WireVersion.features.allSatisfy { $0.version > WireVersion.first })
    }

    @Test func whoNeedsAFeatureIsNamedWithItsPlace() throws {
        let limited = Policy(limits: Limits(sessions: 3))
        let at = { Place(file: "f.yaml", line: $0, column: 1) }
        let topology = Topology(
            organization: Organization(domain: "corp.example", policy: limited, place: at(1)),
            zones: [Zone(name: "finance", classification: .internal, networks: [], place: at(2))],
            spokes: [Spoke(zone: "finance", name: "fin-1")],
            servers: [
                Server(
                    zone: "finance", name: "ledger", spokes: ["fin-1"], classification: .internal, policy: limited,
                    place: at(3))
            ],
            rules: [
                Rule(
                    id: "finance/r", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone],
                    from: Instant(milliseconds: 1), place: at(4)),
                Rule(id: "finance/s", effect: .deny, capabilities: [try CapabilityPattern("*")], to: [.anyone]),
            ])
        let state = RegistryState(origin: "corp.example/nave/1", topology: topology, changes: ["finance": 3])
        let bundle = try #require(compileBundle(spoke: topology.spokes[0], from: state))
        #expect(bundle.v == 2)
        let users = WireVersion.features.flatMap { $0.users(in: bundle, of: topology) }
        #expect(users == ["organization `corp.example` (f.yaml:1:1)", "server `finance/ledger` (f.yaml:3:1)"])
        let byRule = WireFeature("from", since: 9, rule: { $0.from != nil })
        #expect(byRule.isUsed(by: bundle))
        #expect(byRule.users(in: bundle, of: topology) == ["rule `finance/r` (f.yaml:4:1)"])
        let unused = WireFeature("until", since: 9, rule: { $0.until != nil })
        #expect(!unused.isUsed(by: bundle) && unused.users(in: bundle, of: topology) == [])
    }
}
