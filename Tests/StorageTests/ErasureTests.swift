import Foundation
import GRDB
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct ErasureTests {
    private static let ana = "ana@corp.example"

    @Test(arguments: [
        ("ana@corp.example", true), ("asked by Ana@Corp.Example.", true), ("user:ana@corp.example", true),
        ("<ana@corp.example>, bo@corp.example", true), ("ana@corp.example\n", true), ("joana@corp.example", false),
        ("ana@corp.example.org", false), ("ana@corp.examples", false), ("x.ana@corp.example", false),
        ("ana@corp", false), ("", false),
    ])
    func anAddressIsAWholeWord(text: String, names: Bool) throws {
        let address = try PersonalAddress(Self.ana)
        #expect(address.occurs(in: text) == names)
        let replaced = address.replaced(in: text, by: "x")
        #expect((replaced != text) == names)
        #expect(!address.occurs(in: replaced))
    }

    @Test func whatIsNoAddressIsRefused() async {
        for text in ["", "a b", "*", String(repeating: "a", count: 300)] {
            #expect(await failureCode { _ = try PersonalAddress(text) } == "bad-address")
        }
    }

    /// A hub that knows Ana by an invitation, a reason, a revoked grant and a review's evidence.
    private func hub() async throws -> TestHub {
        let hub = try await TestHub.opened()
        let grant = Grant(
            principal: try Principal("user:\(Self.ana)"), server: "finance/ledger", capabilities: [], rule: "finance/r")
        _ = try await hub.ledger.append(by: .hub, why: "asked by \(Self.ana)") { registry in
            let evidence: JSON = ["items": [["principal": .string("user:\(Self.ana)")]]]
            return [
                .objectSet(
                    ObjectSet(
                        kind: .organization, name: "corp.example",
                        value: try JSONCoding.encode(Organization(domain: "corp.example")))),
                .invitationCreated(
                    Invitation(
                        id: "in-1", kind: .user, zone: nil, name: "u-1", secretHash: digestText(of: [1]),
                        expires: TestHub.start, address: Self.ana)),
                .invitationCreated(
                    Invitation(
                        id: "in-2", kind: .user, zone: nil, name: "u-2", secretHash: digestText(of: [2]),
                        expires: TestHub.start, address: "joana@corp.example")),
                .grantRevoked(
                    GrantRevoked(
                        id: "rv-1", principal: grant.principal, server: grant.server,
                        capabilities: [try CapabilityPattern("*")], cause: .revoked, item: nil)),
                .reviewOpened(
                    ReviewOpened(
                        id: "ar-1", zone: "finance", due: TestHub.start, items: [ReviewItem(number: 1, grant: grant)],
                        evidence: try registry.keep(artifact: evidence.canonicalBytes))),
            ]
        }
        return hub
    }

    private func erase(_ hub: TestHub) async throws {
        let address = try PersonalAddress(Self.ana)
        _ = try await hub.ledger.append(by: .hub, why: "DSR-17") { registry in
            try registry.erase(address, pseudonym: "erased.7").map { [.personErased($0)] } ?? []
        }
        try await hub.ledger.compact()
    }

    @Test func aPersonIsForgottenAndProofsHold() async throws {
        let hub = try await hub()
        #expect(try holds(hub.directory, Self.ana))
        let evidence = try #require(hub.ledger.snapshot.reviews["ar-1"]?.opened.evidence)
        let leaves = try hub.leaves()
        try await erase(hub)
        #expect(try !holds(hub.directory, Self.ana), "a byte of the address stands in a file")
        #expect(try holds(hub.directory, "joana@corp.example"), "another person was erased too")
        #expect(try hub.verify().problems == [])
        #expect(try Array(hub.leaves().prefix(leaves.count)) == leaves)
        #expect(hub.ledger.snapshot.addresses == ["u-2": "joana@corp.example"])
        // Its mask still stands, over somebody whom nobody is.
        let mask = try #require(hub.ledger.snapshot.state.masks.first { $0.id == "rv-1" })
        #expect(mask.principal.description.hasPrefix("user:erased."))
        let kept = try #require(try await hub.ledger.read { try $0.artifact(evidence) })
        #expect(String(decoding: kept, as: UTF8.self) == #"{"items":[{"principal":"user:erased.7"}]}"#)
        // A start reads the same, and doing it again appends nothing.
        #expect(try hub.reopened().ledger.snapshot.facts == hub.ledger.snapshot.facts)
        let size = hub.ledger.snapshot.size
        try await erase(hub)
        #expect(hub.ledger.snapshot.size == size)
    }

    @Test func missingEvidenceIsStillNamedByVerify() async throws {
        let hub = try await hub()
        try await erase(hub)
        try hub.sql("DELETE FROM artifacts")
        #expect(try hub.verify().problems.map(\.table) == ["artifacts"])
    }

    @Test func bundlesAreCompiledAnew() async throws {
        let hub = try await hub()
        let before = hub.ledger.snapshot.state.revision(ofZone: "finance")
        try await erase(hub)
        #expect(hub.ledger.snapshot.state.revision(ofZone: "finance") > before)
    }

    struct Naming: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var rule: @Sendable () throws -> Rule
    }

    /// Each would let pass, after erasure, what it was written to stop.
    static let namings = [
        Naming(testDescription: "a deny's principal") {
            Rule(
                id: "no-ana", effect: .deny, capabilities: [try CapabilityPattern("*")],
                to: [try Principal("user:\(ana)")])
        },
        Naming(testDescription: "an allow's exception") {
            Rule(
                id: "not-ana", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone],
                except: [try Principal("user:\(ana)")])
        },
        Naming(testDescription: "a deny's argument test") {
            Rule(
                id: "no-mail", effect: .deny, capabilities: [try CapabilityPattern("*")], to: [.anyone],
                when: Conditions(arguments: ["to": try ArgumentTest(ana)]))
        },
        Naming(testDescription: "a reason") {
            Rule(
                id: "told", effect: .deny, capabilities: [try CapabilityPattern("*")], to: [.anyone],
                reason: "reported by \(ana)")
        },
    ]

    @Test(arguments: namings)
    func aRuleInForceIsNotChangedBehindItsBack(naming: Naming) async throws {
        let hub = try await hub()
        let rule = try naming.rule()
        _ = try await hub.ledger.append(by: .hub) { _ in
            [.objectSet(ObjectSet(kind: .rule, name: rule.id, value: try JSONCoding.encode(rule)))]
        }
        let before = try hub.ledger.snapshot.facts
        #expect(await failureCode { try await erase(hub) } == "still-named")
        #expect(try hub.ledger.snapshot.facts == before)
        #expect(hub.ledger.snapshot.state.topology.rules == [rule])
        // Once the files no longer say it, the person can be erased, and the rules are those of the files.
        _ = try await hub.ledger.append(by: .hub) { _ in [.objectRemoved(ObjectName(kind: .rule, name: rule.id))] }
        try await erase(hub)
        #expect(hub.ledger.snapshot.state.topology.rules.isEmpty)
        #expect(try !holds(hub.directory, Self.ana))
        #expect(try hub.verify().problems == [])
    }

    @Test func reportsForgetToo() async throws {
        let directory = try TemporaryDirectory()
        let store = try UsageStore(directory: directory.path)
        let principal = "user:\(Self.ana)"
        let counter = { (principal: String) in
            UsageCounter(
                day: "2026-09-21", rule: "finance/r", principal: principal, caller: "c", server: "finance/ledger",
                capability: "tool:read", count: 3, last: TestHub.start)
        }
        let report = Report(
            journal: "j1", sequence: 1, applied: nil, refused: nil, servers: [],
            usage: [counter(principal), counter("zone:analytics")],
            decisions: [
                DecisionRecord(
                    number: 1, at: TestHub.start, caller: principal, address: nil, server: "finance/ledger",
                    aim: "tool:read", verdict: .allow, principal: principal)
            ], checkpoint: nil, listener: nil, since: TestHub.start, at: TestHub.start)
        _ = try await store.merge(report, spoke: "finance/fin-1", now: TestHub.start)
        #expect(try holds(directory, Self.ana))
        try await store.erase(try PersonalAddress(Self.ana), pseudonym: "erased.7")
        #expect(try !holds(directory, Self.ana))
        let decisions = try await store.decisions(DecisionFilter(), limit: 10)
        #expect(decisions.map(\.record.principal) == ["user:erased.7"])
        #expect(decisions.map(\.record.caller) == ["user:erased.7"])
    }
}

/// Whether any file below a directory holds the bytes of the address, in whatever case, but as a part of `jo…`, the address
/// of another person.
private func holds(_ directory: TemporaryDirectory, _ text: String) throws -> Bool {
    try FileManager.default.subpathsOfDirectory(atPath: directory.path).contains { name in
        let bytes = try Data(contentsOf: URL(fileURLWithPath: directory.file(name)))
        // One character a byte, so that nothing is lost whatever stands beside it.
        let file = String(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) })).lowercased()
        let others = text.hasPrefix("jo") ? 0 : file.components(separatedBy: "jo\(text)").count - 1
        return file.components(separatedBy: text).count - 1 > others
    }
}
