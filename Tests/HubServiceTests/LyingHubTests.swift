import Foundation
import HubService
import Model
import Storage
import TestSupport
import Testing
import Trust

/// Hubs with the same keys and two histories, as whoever stole a hub's disk could run them.
@Suite struct LyingHubTests {
    /// The same hub from a copy of its data directory, which goes its own way from here on.
    private func copied(_ hub: TestHub) async throws -> HubParts {
        let path = hub.directory.file("copy-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: hub.directory.file("hub"), toPath: path)
        let start = hub.now
        return try await HubParts(quietly: path) { start }
    }

    private func report(_ hub: HubParts, _ checkpoint: String, at: Instant) async throws {
        let identity = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        let member = try #require(Member(identity, kind: .spoke, organization: "corp.example"))
        let report = Report(
            journal: "j-1", sequence: 0, applied: nil, refused: nil, servers: [], usage: [], decisions: [],
            checkpoint: checkpoint, listener: nil, since: at, at: at)
        _ = try await hub.services.reports.merge(report, from: member)
    }

    private func codes(_ hub: HubParts) async throws -> [String] {
        try await hub.usage.contradictions(of: .ledger, limit: 20).map(\.code)
    }

    @Test func everyOwnCheckpointIsExplained() async throws {
        let hub = try await TestHub.made()
        var notes = [hub.parts.ledger.snapshot.checkpoint]
        for text in ["a", "b", "c"] {
            try await hub.apply(TestHub.topology { $0.servers[0].description = text })
            notes.append(hub.parts.ledger.snapshot.checkpoint)
        }
        for note in notes {
            let answer = await hub.parts.services.checkpoints.compare(note, from: "test")
            #expect(answer.contradiction == nil)
            #expect(answer.consistency?.size == answer.size)
            let seen = try Checkpoint(claimedBy: note)
            let newest = try Checkpoint(claimedBy: answer.note)
            try seen.demandExtended(by: newest, proof: ProofText.decode(answer.consistency?.path ?? []))
        }
        #expect(try await codes(hub.parts) == [])
    }

    @Test func aHubThatWentBackIsFoundOut() async throws {
        let hub = try await TestHub.applied()
        let older = try await copied(hub)
        for text in ["a", "b", "c"] { try await hub.apply(TestHub.topology { $0.servers[0].description = text }) }
        let seen = hub.parts.ledger.snapshot.checkpoint
        try await report(older, seen, at: hub.now)
        #expect(try await codes(older) == ["checkpoint-older"])
        // What cannot be proved is not sent.
        #expect(await code { try await older.publisher.delivery(for: "finance/fin-1") } == "cannot-prove")
        let evidence = try #require(try await older.usage.contradictions(of: .ledger, limit: 1).first)
        #expect(evidence.seen == seen)
        #expect(evidence.ours == older.ledger.snapshot.checkpoint)
        #expect(evidence.source == "spoke finance/fin-1")
        let status = try await older.services.lists.status(hub.owner)
        #expect(status.contradictions == [evidence])
    }

    @Test func twoHistoriesAreFoundWhenTheirViewsMeet() async throws {
        let hub = try await TestHub.applied()
        let fork = try await copied(hub)
        try await hub.apply(TestHub.topology { $0.servers[0].description = "here" })
        for text in ["there", "and", "on"] {
            _ = try await fork.services.topology.apply(
                TopologyRequest(topology: TestHub.topology { $0.servers[0].description = text }, allowRemovals: false),
                by: hub.owner)
        }
        #expect(fork.ledger.snapshot.size > hub.parts.ledger.snapshot.size)
        // A spoke that was shown the one history reports to the hub that shows the other: larger, so sizes say nothing.
        try await report(fork, hub.parts.ledger.snapshot.checkpoint, at: hub.now)
        #expect(try await codes(fork) == ["fork"])
        // And again: the alarm is the same one.
        try await report(fork, hub.parts.ledger.snapshot.checkpoint, at: hub.now)
        #expect(try await codes(fork).count == 1)
        // A person whose commands saw the fork comes to the first hub.
        let answer = await hub.parts.services.checkpoints.compare(
            fork.ledger.snapshot.checkpoint, from: hub.owner.identity.description)
        #expect(answer.contradiction == "checkpoint-older")
    }

    @Test func whatOurKeysDidNotSignAccusesNobody() async throws {
        let hub = try await TestHub.applied()
        let snapshot = hub.parts.ledger.snapshot
        let stranger = try PrivateKey.generateEd25519()
        let forged = try Checkpoint(
            origin: "corp.example/nave/1", size: snapshot.size + 5, root: SHA256.hash([1])
        ).signed(by: [stranger])
        for note in [forged, "no note", ""] {
            let answer = await hub.parts.services.checkpoints.compare(note, from: "test")
            #expect(answer.contradiction == nil)
            #expect(answer.note == snapshot.checkpoint)
        }
        #expect(try await codes(hub.parts) == [])
    }
}
