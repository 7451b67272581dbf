import HubService
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct JournalAnchoringTests {
    /// A hub with two enrolled spokes and their keys.
    private func enrolled() async throws -> (TestHub, [String: PrivateKey]) {
        let hub = try await TestHub.applied()
        var keys: [String: PrivateKey] = [:]
        for name in ["fin-1", "fin-2"] {
            let key = try PrivateKey.generateP256()
            _ = try await hub.enrol(try await hub.invite(.spoke, "finance", name), key)
            keys[name] = key
        }
        return (hub, keys)
    }

    private func checkpoint(
        _ line: Int64, _ name: String = "fin-1", journal: String = "j-1", head: UInt8? = nil, at: Instant
    ) throws -> JournalCheckpoint {
        JournalCheckpoint(
            spoke: try SPIFFEID("spiffe://finance.corp.example/spoke/\(name)"), journal: journal, segment: 1,
            line: line, number: line, head: digestText(of: [head ?? UInt8(line)]), at: at)
    }

    private func report(
        _ hub: HubParts, _ checkpoint: JournalCheckpoint, signed key: PrivateKey, from name: String = "fin-1",
        journal: String = "j-1", trouble: JournalTrouble? = nil, beside: [DSSEEnvelope.Signature] = []
    ) async throws {
        let identity = try SPIFFEID("spiffe://finance.corp.example/spoke/\(name)")
        let member = try #require(Member(identity, kind: .spoke, organization: "corp.example"))
        var envelope = try checkpoint.signed(by: key)
        envelope.signatures += beside
        let report = Report(
            journal: journal, sequence: 0, applied: nil, refused: nil, servers: [], usage: [], decisions: [],
            checkpoint: nil, listener: nil, since: checkpoint.at, at: checkpoint.at,
            head: try JSONCoding.encode(envelope), trouble: trouble)
        _ = try await hub.services.reports.merge(report, from: member)
    }

    private func anchors(_ hub: TestHub, _ spoke: String = "finance/fin-1") async throws -> [JournalAnchor] {
        try await hub.parts.services.anchoring.anchors(try Query(parsing: "spoke=\(spoke)"), hub.owner)
    }

    private func entries(_ hub: TestHub) async throws -> [(Int64, JSON)] {
        try await hub.parts.ledger.proofs.entries(from: 0, type: "journals.anchored", limit: 100)
    }

    @Test func oneEntryForAllSpokesAndNoneWhenNothingChanged() async throws {
        let (hub, keys) = try await enrolled()
        let (one, two) = (try #require(keys["fin-1"]), try #require(keys["fin-2"]))
        #expect(try await hub.parts.services.anchoring.anchor() == nil)
        for line in 1...5 {
            try await report(hub.parts, try checkpoint(Int64(line), at: hub.now), signed: one)
            hub.advance(by: .seconds(1))
        }
        try await report(
            hub.parts, try checkpoint(3, "fin-2", journal: "j-2", at: hub.now), signed: two, from: "fin-2",
            journal: "j-2")
        let entry = try #require(try await hub.parts.services.anchoring.anchor())
        #expect(try await entries(hub).map(\.0) == [entry])
        for _ in 0..<3 {
            hub.advance(by: .minutes(1))
            #expect(try await hub.parts.services.anchoring.anchor() == nil)
        }
        // A head that was told already is no news.
        try await report(hub.parts, try checkpoint(5, at: hub.now), signed: one)
        #expect(try await hub.parts.services.anchoring.anchor() == nil)
        #expect(try await entries(hub).count == 1)

        guard case .journalsAnchored(let body) = try Entry(try #require(try await entries(hub).first).1).event else {
            Issue.record("not an anchor")
            return
        }
        #expect(body.count == 2)
        let root = try #require(Hex.decode(String(body.root.dropFirst("sha256:".count))))
        for (spoke, key, line) in [("finance/fin-1", one, 5), ("finance/fin-2", two, 3)] {
            let anchor = try #require(try await anchors(hub, spoke).first)
            let proved = try JournalCheckpoint.verified(
                try JSONCoding.decode(DSSEEnvelope.self, from: anchor.checkpoint), key: key.publicKey)
            #expect(proved.line == Int64(line))
            try MerkleTree.verifyInclusion(
                leafHash: MerkleTree.leafHash(try proved.leaf()), index: anchor.leaf, size: body.count,
                proof: try ProofText.decode(anchor.path), root: root)
            #expect(anchor.entry == entry)
        }
        let verified = try LedgerVerification.verify(
            directory: hub.directory.file("hub"),
            epochs: hub.parts.chain.current.epochs)
        #expect(verified.isClean, "\(verified.problems)")
    }

    @Test func onlyWhatTheSpokesOwnKeySigned() async throws {
        let (hub, keys) = try await enrolled()
        let (one, two) = (try #require(keys["fin-1"]), try #require(keys["fin-2"]))
        try await report(hub.parts, try checkpoint(1, at: hub.now), signed: try PrivateKey.generateP256())
        try await report(hub.parts, try checkpoint(1, at: hub.now), signed: two)
        try await report(hub.parts, try checkpoint(1, "fin-2", at: hub.now), signed: two)
        try await report(hub.parts, try checkpoint(1, journal: "j-9", at: hub.now), signed: one)
        // What nobody verifies would be kept with it.
        let ballast = DSSEEnvelope.Signature(keyid: String(repeating: "x", count: 9000), sig: "")
        try await report(hub.parts, try checkpoint(1, at: hub.now), signed: one, beside: [ballast])
        #expect(try await hub.parts.services.anchoring.anchor() == nil)
        try await report(hub.parts, try checkpoint(1, at: hub.now), signed: one)
        #expect(try await hub.parts.services.anchoring.anchor() != nil)
    }

    @Test func aRewrittenJournalIsAnAlarmOnce() async throws {
        let (hub, keys) = try await enrolled()
        let key = try #require(keys["fin-1"])
        try await report(hub.parts, try checkpoint(7, at: hub.now), signed: key)
        // Late, as after a lost answer: it was said before.
        try await report(hub.parts, try checkpoint(5, at: hub.now - .seconds(5)), signed: key)
        #expect(try await hub.parts.usage.contradictions(of: .journals, limit: 9).isEmpty)
        hub.advance(by: .seconds(10))
        try await report(hub.parts, try checkpoint(7, head: 99, at: hub.now), signed: key)
        hub.advance(by: .seconds(10))
        try await report(hub.parts, try checkpoint(6, at: hub.now), signed: key)
        try await report(hub.parts, try checkpoint(6, at: hub.now), signed: key)
        #expect(
            try await hub.parts.usage.contradictions(of: .journals, limit: 9).map(\.code) == [
                "journal-rewritten", "journal-rewritten",
            ])
        let status = try await hub.parts.services.lists.status(hub.owner)
        #expect(status.contradictions.isEmpty)
        #expect(status.alarms?.count { $0.contains("journal j-1") } == 2, "\(status.alarms ?? [])")
    }

    @Test func aJournalRewrittenWithoutEndHidesNoFork() async throws {
        let (hub, keys) = try await enrolled()
        let fork = LedgerContradiction(
            at: hub.now, source: "spoke finance/fin-2", code: "fork", problem: "two", seen: "a", ours: "b")
        _ = try await hub.parts.usage.keep(fork)
        for head in 0..<30 {
            hub.advance(by: .seconds(1))
            try await report(
                hub.parts, try checkpoint(7, head: UInt8(head), at: hub.now), signed: try #require(keys["fin-1"]))
        }
        let status = try await hub.parts.services.lists.status(hub.owner)
        #expect(status.contradictions == [fork])
        let alarms = status.alarms?.filter { $0.contains("journal j-1") } ?? []
        #expect(alarms.count == 8 && alarms.first?.hasSuffix("and 21 times before that") == true, "\(alarms)")
    }

    @Test func aFullJournalIsAnAlarmWhileItLasts() async throws {
        let (hub, keys) = try await enrolled()
        let key = try #require(keys["fin-1"])
        let trouble = JournalTrouble(state: .full, since: hub.now, lost: 3, detail: "no room")
        try await report(hub.parts, try checkpoint(1, at: hub.now), signed: key, trouble: trouble)
        let alarms = try #require(try await hub.parts.services.lists.status(hub.owner).alarms)
        #expect(alarms.contains { $0.contains("finance/fin-1 is full, calls are denied") && $0.contains("3 lines") })
        hub.advance(by: .seconds(1))
        try await report(hub.parts, try checkpoint(2, at: hub.now), signed: key)
        #expect(try await hub.parts.services.lists.status(hub.owner).alarms?.contains { $0.contains("full") } == false)
    }

    /// Dead between the steps of a turn: prepared but not appended, and appended but not settled.
    @Test(arguments: [false, true]) func aTurnThatDied(isAppended: Bool) async throws {
        let (hub, keys) = try await enrolled()
        let checkpoint = try checkpoint(1, at: hub.now)
        try await report(hub.parts, checkpoint, signed: try #require(keys["fin-1"]))
        let envelope = try #require(try await hub.parts.usage.head(spoke: "finance/fin-1", journal: "j-1"))
        let hash = MerkleTree.leafHash(try checkpoint.leaf())
        let root = digestText(MerkleTree.root(of: [hash]))
        let head = ReportedHead(spoke: "finance/fin-1", checkpoint: checkpoint, envelope: envelope)
        try await hub.parts.usage.prepare(root: root, [AnchorLeaf(head: head, path: [])], now: hub.now)
        if isAppended {
            try await hub.parts.ledger.append(by: .hub) { _ in
                [.journalsAnchored(JournalsAnchored(root: root, count: 1))]
            }
        }
        #expect(try await anchors(hub).isEmpty, "not settled, not shown")
        let index = try await hub.parts.services.anchoring.anchor()
        #expect((index == nil) == isAppended)
        #expect(try await entries(hub).count == 1)
        #expect(try await anchors(hub).map(\.entry) == [try #require(try await entries(hub).first).0])
        #expect(try await hub.parts.services.anchoring.anchor() == nil)
    }

    @Test func afterAWeekOnlyTheNewestOfASegmentIsKept() async throws {
        let (hub, keys) = try await enrolled()
        let key = try #require(keys["fin-1"])
        for line in 1...4 {
            try await report(hub.parts, try checkpoint(Int64(line), at: hub.now), signed: key)
            _ = try await hub.parts.services.anchoring.anchor()
            if line == 2 { hub.advance(by: .days(8)) }
        }
        #expect(try await anchors(hub).count == 2)
        try await hub.parts.usage.prune(before: hub.now + .days(1))
        #expect(try await anchors(hub).isEmpty)
    }

    @Test func whoMayAsk() async throws {
        let (hub, _) = try await enrolled()
        #expect(await code { try await anchors(hub, "") } == "bad-query")
        let nobody = try SPIFFEID("spiffe://corp.example/user/u-nobody")
        let standing = Standing(of: nobody, hub.parts.ledger.snapshot)
        #expect(
            await code {
                try await hub.parts.services.anchoring.anchors(try Query(parsing: "spoke=finance/fin-1"), standing)
            } == "forbidden")
    }
}
