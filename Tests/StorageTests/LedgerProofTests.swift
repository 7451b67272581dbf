import Foundation
import GRDB
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct LedgerProofTests {
    @Test func everyProofOfEverySizeHolds() async throws {
        let (hub, _) = try await TestHub.filled(seed: 7, appends: 24)
        let leaves = try hub.leaves().map { MerkleTree.leafHash(Array($0.utf8)) }
        // Some nodes are kept, some are hashed again.
        #expect(leaves.count > 16)
        for size in 1...leaves.count {
            let root = MerkleTree.root(of: leaves.prefix(size))
            for index in 0..<size {
                let proof = try await hub.ledger.inclusionProof(index: Int64(index), size: Int64(size))
                try MerkleTree.verifyInclusion(
                    leafHash: leaves[index], index: Int64(index), size: Int64(size), proof: proof, root: root)
            }
            for first in 0...size {
                let proof = try await hub.ledger.consistencyProof(first: Int64(first), second: Int64(size))
                try MerkleTree.verifyConsistency(
                    first: (Int64(first), MerkleTree.root(of: leaves.prefix(first))), second: (Int64(size), root),
                    proof: proof)
            }
        }
    }

    @Test func whatTheLedgerDoesNotHaveIsNotProved() async throws {
        let hub = try await TestHub.opened()
        let ledger = hub.ledger
        #expect(await failureCode { _ = try await ledger.inclusionProof(index: 1, size: 1) } == "out-of-range")
        #expect(await failureCode { _ = try await ledger.inclusionProof(index: 0, size: 2) } == "ledger-damaged")
        #expect(await failureCode { _ = try await ledger.consistencyProof(first: 2, second: 1) } == "out-of-range")
        #expect(await failureCode { _ = try await ledger.consistencyProof(first: 1, second: 2) } == "ledger-damaged")
    }

    /// Puts the whole certificates back where they stood before.
    private static let wholeCertificates = """
        CREATE TABLE old (
            serial TEXT PRIMARY KEY, identity TEXT NOT NULL, invitation TEXT, value TEXT NOT NULL, idx INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO old
        SELECT c.serial, json_extract(CAST(l.bytes AS TEXT), '$.body.identity'), c.invitation,
            json_extract(CAST(l.bytes AS TEXT), '$.body'), c.idx
        FROM certificates c JOIN ledger l ON l.idx = c.idx;
        DROP TABLE certificates; DROP TABLE newest_certificates;
        ALTER TABLE old RENAME TO certificates;
        CREATE INDEX certificates_identity ON certificates (identity, idx);
        CREATE UNIQUE INDEX certificates_invitation ON certificates (invitation) WHERE invitation IS NOT NULL;
        """

    /// A database of the version with whole certificates: later steps keep what they are found by, and few nodes.
    @Test func anOlderDatabaseKeepsItsCertificates() async throws {
        let (hub, _) = try await TestHub.filled(seed: 11, appends: 120)
        let before = try hub.ledger.snapshot.facts
        #expect(!hub.ledger.snapshot.certificates.isEmpty)
        try hub.sql(
            """
            \(Self.wholeCertificates)
            ALTER TABLE pins RENAME TO kept_pins;
            CREATE TABLE kept_keys AS SELECT serial, retired_key FROM authorities;
            ALTER TABLE authorities DROP COLUMN retired_key;
            INSERT INTO nodes VALUES (1, 0, zeroblob(32)), (3, 0, zeroblob(32));
            PRAGMA user_version = 6
            """)
        // Younger steps begin with empty tables: what they held is put back.
        try hub.reopened().sql(
            """
            INSERT INTO pins SELECT * FROM kept_pins;
            UPDATE authorities SET retired_key =
                (SELECT kept.retired_key FROM kept_keys kept WHERE kept.serial = authorities.serial);
            DROP TABLE kept_pins; DROP TABLE kept_keys;
            """)
        let migrated = try hub.reopened()
        #expect(try migrated.ledger.snapshot.facts == before)
        #expect(try migrated.verify().problems == [])
    }

    /// A database of the version before proofs: the step fills the nodes from the leaves.
    @Test func anOlderDatabaseGetsItsNodes() async throws {
        let hub = try await TestHub.opened()
        for number in 0..<40 {
            let identity = try SPIFFEID("spiffe://corp.example/user/u\(number)")
            _ = try await hub.ledger.append(by: .hub) { _ in
                [.roleGranted(RoleGranted(identity: identity, role: .auditor))]
            }
        }
        try hub.sql(
            """
            \(Self.wholeCertificates)
            DROP TABLE nodes; DROP TABLE publications; DROP TABLE epochs; DROP TABLE authorities; DROP TABLE anchors;
            DROP TABLE pins;
            PRAGMA user_version = 2
            """)
        #expect(await failureCode { _ = try hub.verify() } == "database-older")
        let migrated = try hub.reopened()
        #expect(try migrated.verify().problems == [])
        let size = migrated.ledger.snapshot.size
        _ = try await migrated.ledger.append(by: .hub) { _ in
            [.bundlesPublished(BundlesPublished(revision: 1, root: digestText(of: [1]), count: 1))]
        }
        #expect(migrated.ledger.snapshot.publication?.index == size)
        let proof = try await migrated.ledger.consistencyProof(first: size, second: size + 1)
        #expect(!proof.isEmpty)
        #expect(try migrated.verify().problems == [])
    }

    @Test func aPublicationRaisesNoRevision() async throws {
        let (hub, _) = try await TestHub.filled(seed: 9, appends: 20)
        let changes = hub.ledger.snapshot.state.changes
        let body = BundlesPublished(revision: 3, root: digestText(of: [1]), count: 1)
        let receipt = try await hub.ledger.append(by: .hub) { _ in [.bundlesPublished(body)] }
        #expect(receipt?.snapshot.state.changes == changes)
        #expect(receipt?.snapshot.publication?.body == body)
        #expect(try hub.reopened().ledger.snapshot.publication == receipt?.snapshot.publication)
    }

    @Test(arguments: ["UPDATE nodes SET hash = x'00'", "DELETE FROM nodes"])
    func completeNodesStay(sql: String) async throws {
        let (hub, _) = try await TestHub.filled(seed: 10, appends: 20)
        #expect(throws: DatabaseError.self) { try hub.sql(sql) }
    }

    @Test func valuesAreRevealedToAuditorsAndNotInLeaves() async throws {
        let hub = try await TestHub.opened()
        let invitation = Invitation(
            id: "in-1", kind: .user, zone: nil, name: "k3v9", secretHash: digestText(of: [1]), expires: TestHub.start,
            address: "ana@corp.example")
        _ = try await hub.ledger.append(by: .hub, why: "a ticket") { _ in [.invitationCreated(invitation)] }
        let found = try await hub.ledger.entries(from: 0, type: "invitation.created", limit: 10)
        #expect(found.map(\.0) == [1])
        #expect(found.first?.1["why"]?.string == "a ticket")
        #expect(found.first?.1["body"]?["address"]?.string == "ana@corp.example")
        let leaf = try await hub.ledger.leaves(from: 1, limit: 1, size: 2).first
        #expect(leaf.map { !String(decoding: $0.bytes, as: UTF8.self).contains("ana@") } ?? false)
        #expect(try await hub.ledger.notes(sizes: 1...2).count == 2)
    }
}
