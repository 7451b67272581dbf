import Foundation
import GRDB
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct ReplayTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func replayGivesTheSameRegistry(seed: UInt64) async throws {
        let (hub, events) = try await TestHub.filled(seed: seed, appends: 150)
        let report = try hub.verify()
        #expect(report.problems == [])
        #expect(report.size == hub.ledger.snapshot.size)
        #expect(report.size > 100)

        let leaves = try hub.leaves()
        #expect(!events.personal.isEmpty)
        for value in Set(events.personal) {
            #expect(!leaves.contains { $0.contains(value) }, "\(value) stands in a leaf")
        }
    }

    @Test(arguments: [11, 12] as [UInt64])
    func theSnapshotAfterEachAppendIsWhatAStartReads(seed: UInt64) async throws {
        let hub = try await TestHub.opened()
        var events = PlausibleEvents(seed: seed)
        for _ in 0..<60 {
            try await hub.append(try events.next())
            let reopened = try hub.reopened()
            #expect(try hub.ledger.snapshot.facts == reopened.ledger.snapshot.facts)
        }
    }

    @Test func valuesComeBack() async throws {
        let hub = try await TestHub.opened()
        var zone = Zone(name: "finance", description: "Money", classification: .internal, networks: [])
        zone.place = nil
        let set = ObjectSet(kind: .zone, name: "finance", value: try JSONCoding.encode(zone))
        let organization = ObjectSet(
            kind: .organization, name: "corp.example",
            value: try JSONCoding.encode(Organization(domain: "corp.example")))
        let invitation = Invitation(
            id: "in-1", kind: .user, zone: nil, name: "k3v9", secretHash: digestText(of: [1]), expires: TestHub.start,
            address: "ana@corp.example")
        let receipt = try await hub.ledger.append(by: .hub, why: "first") { _ in
            [.objectSet(organization), .objectSet(set), .invitationCreated(invitation)]
        }
        #expect(receipt?.first == 1)
        #expect(receipt?.last == 3)
        #expect(receipt?.snapshot.state.topology.zones == [zone])
        #expect(receipt?.snapshot.addresses == ["k3v9": "ana@corp.example"])
        #expect(receipt?.snapshot.invitations == [invitation])
        #expect(receipt?.snapshot.state.changes == ["organization": 2])
        #expect(receipt?.snapshot.authors[ObjectName(kind: .zone, name: "finance")] == .hub)
    }

    @Test func erasedValuesLeaveReplayAndRegistryStanding() async throws {
        let (hub, _) = try await TestHub.filled(seed: 21, appends: 80)
        try hub.sql("DELETE FROM disclosures")
        #expect(try hub.verify().problems == [])
        let snapshot = try hub.reopened().ledger.snapshot
        #expect(snapshot.addresses.isEmpty)
        #expect(snapshot.state.topology.zones.allSatisfy { $0.description == "[erased]" })
    }

    struct Corruption: Sendable, CustomTestStringConvertible {
        var sql: String
        var table: String
        /// The row's key; nil where the sequence decides it.
        var row: String?
        var testDescription: String { sql }

        init(_ sql: String, _ table: String, _ row: String? = nil) {
            self.sql = sql
            self.table = table
            self.row = row
        }
    }

    static let corruptions = [
        Corruption(
            "UPDATE objects SET revision = revision + 1 WHERE kind = 'organization'", "objects",
            "organization/corp.example"),
        Corruption(
            "UPDATE objects SET author = '{\"robot\":\"x\"}' WHERE kind = 'organization'", "objects",
            "organization/corp.example"),
        Corruption("DELETE FROM changes WHERE scope = 'organization'", "changes", "organization"),
        Corruption("UPDATE opened SET organization = 'evil.example'", "opened", "0"),
        Corruption(
            "INSERT INTO roles VALUES ('spiffe://corp.example/user/eve', 'owner', 2)", "roles",
            "spiffe://corp.example/user/eve/owner"),
        Corruption("INSERT INTO changes VALUES ('a-zone', 2)", "changes", "a-zone"),
        Corruption("UPDATE certificates SET previous = 1", "certificates"),
        Corruption("UPDATE newest_certificates SET idx = idx - 1", "newest_certificates"),
        Corruption("DELETE FROM newest_certificates", "newest_certificates"),
        Corruption("UPDATE invitations SET spent = NULL WHERE spent IS NOT NULL", "invitations"),
        Corruption("DELETE FROM revocations", "revocations"),
        Corruption("DELETE FROM revoked_identities", "revoked_identities"),
        Corruption("DELETE FROM revoked_serials", "revoked_serials"),
        Corruption("UPDATE users SET idx = idx + 1", "users"),
        Corruption("UPDATE reviews SET due = due + 1", "reviews"),
        Corruption("UPDATE review_items SET verdict = 'keep'", "review_items"),
        Corruption("UPDATE disclosures SET value = value || '.'", "disclosures"),
        Corruption("UPDATE artifacts SET bytes = x'00'", "artifacts"),
        Corruption("DELETE FROM artifacts", "artifacts"),
        Corruption("UPDATE ledger SET hash = zeroblob(32) WHERE idx = 3", "ledger", "3"),
        Corruption(
            "UPDATE ledger SET bytes = CAST(replace(CAST(bytes AS TEXT), '2026', '2025') AS BLOB) WHERE idx = 3",
            "ledger", "3"),
        Corruption("UPDATE ledger SET bytes = CAST(CAST(bytes AS TEXT) || ' ' AS BLOB) WHERE idx = 3", "ledger", "3"),
        Corruption(
            "UPDATE ledger SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"v\":1', '\"v\":2') AS BLOB) WHERE idx = 3",
            "ledger", "3"),
        Corruption("DELETE FROM ledger WHERE idx = 3", "ledger", "3"),
        Corruption("UPDATE nodes SET hash = zeroblob(32) WHERE level = 5 AND idx = 1", "nodes", "5/1"),
        Corruption("DELETE FROM nodes WHERE level = 4 AND idx = 0", "nodes", "4/0"),
        Corruption("UPDATE publications SET root = 'sha256:00'", "publications"),
        Corruption("UPDATE anchors SET root = 'sha256:00' WHERE idx = (SELECT max(idx) FROM anchors)", "anchors"),
        Corruption("DELETE FROM anchors WHERE idx = (SELECT max(idx) FROM anchors)", "anchors"),
        Corruption("UPDATE authorities SET state = 'old' WHERE state = 'active'", "authorities"),
        Corruption("DELETE FROM authorities WHERE state = 'active'", "authorities"),
        Corruption("DELETE FROM ledger WHERE idx = (SELECT max(idx) FROM ledger)", "checkpoints"),
        // Reordered: two leaves with their hashes change places.
        Corruption(
            """
            CREATE TEMP TABLE swapped AS SELECT * FROM ledger WHERE idx IN (4, 5);
            UPDATE ledger SET (bytes, hash) = (SELECT bytes, hash FROM swapped s WHERE s.idx = 9 - ledger.idx)
            WHERE idx IN (4, 5)
            """, "checkpoints"),
        // Truncated: the end of the ledger with its checkpoints, so that only what was folded gives it away.
        Corruption(
            "DELETE FROM ledger WHERE idx > 60; DELETE FROM checkpoints WHERE size > 61", "certificates"),
        Corruption("DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)", "checkpoints"),
        Corruption("UPDATE checkpoints SET root = zeroblob(32) WHERE size = 1", "checkpoints", "1"),
        Corruption("UPDATE checkpoints SET frontier = '{}' WHERE size = 1", "checkpoints", "1"),
        Corruption("UPDATE checkpoints SET note = replace(note, 'corp', 'cora') WHERE size = 1", "checkpoints", "1"),
        Corruption("UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 1)", "checkpoints"),
    ]

    /// Filled once for all corruptions.
    private static let filled = Task { try await TestHub.filled(seed: 42, appends: 160).hub }

    private static func copyOfFilled() async throws -> TestHub {
        let copy = try TemporaryDirectory()
        try await filled.value.sql("VACUUM INTO '\(copy.file(HubDatabase.fileName))'")
        return try TestHub(directory: copy)
    }

    @Test(arguments: corruptions)
    func verifyNamesWhatWasChanged(corruption: Corruption) async throws {
        let hub = try await Self.copyOfFilled()
        #expect(try hub.verify().isClean)
        try hub.sql(
            "PRAGMA foreign_keys = OFF; DROP TRIGGER ledger_keeps; DROP TRIGGER ledger_stays; DROP TRIGGER nodes_keep; DROP TRIGGER nodes_stay; \(corruption.sql)"
        )
        let problems = try hub.verify().problems
        #expect(problems.contains { $0.table == corruption.table && corruption.row ?? $0.row == $0.row }, "\(problems)")
    }

    @Test func aRewrittenHistoryContradictsItsCheckpoints() async throws {
        let (hub, _) = try await TestHub.filled(seed: 43, appends: 30)
        let changed = try hub.leaves()[5].replacing("2026-", with: "2025-")
        try hub.sql("DROP TRIGGER ledger_keeps")
        try hub.change { db in
            try db.execute(
                sql: "UPDATE ledger SET bytes = CAST(? AS BLOB), hash = leaf_hash(?) WHERE idx = 5",
                arguments: [changed, changed])
        }
        let problems = try hub.verify().problems
        #expect(problems.contains { $0.table == "checkpoints" && $0.message.contains("root") })
        #expect(!problems.contains { $0.table == "ledger" })
    }

    @Test func anotherKeysSignaturesAreRefused() async throws {
        let (hub, _) = try await TestHub.filled(seed: 44, appends: 5)
        let other = try PrivateKey.generateEd25519()
        let report = try hub.verify(keys: [other.publicKey])
        #expect(report.problems.contains { $0.table == "checkpoints" })
        #expect(!report.isClean)
    }
}

extension TestHub {
    /// Every leaf as text.
    func leaves() throws -> [String] {
        try DatabaseQueue(path: directory.file(HubDatabase.fileName)).read { db in
            try String.fetchAll(db, sql: "SELECT CAST(bytes AS TEXT) FROM ledger ORDER BY idx")
        }
    }

    /// Changes the file behind the ledger's back. `leaf_hash(TEXT)` is the Merkle leaf hash.
    func change(_ body: (Database) throws -> Void) throws {
        let queue = try DatabaseQueue(path: directory.file(HubDatabase.fileName))
        try queue.writeWithoutTransaction { db in
            db.add(
                function: DatabaseFunction("leaf_hash", argumentCount: 1, pure: true) { values in
                    String.fromDatabaseValue(values[0]).map { Data(MerkleTree.leafHash(Array($0.utf8))) }
                })
            try body(db)
        }
    }

    func sql(_ text: String) throws { try change { db in try db.execute(sql: text) } }
}
