import GRDB
import Model
@testable import Storage
import TestSupport
import Testing
import Trust

private func roleEvent(_ name: String) throws -> Event {
    .roleGranted(RoleGranted(identity: try SPIFFEID("spiffe://corp.example/user/\(name)"), role: .owner))
}

@Suite struct LedgerTests {
    @Test func anEmptyLedgerHasASignedCheckpoint() throws {
        let hub = try TestHub()
        let checkpoint = try Checkpoint.verified(
            note: hub.ledger.snapshot.checkpoint, origin: TestHub.origin, keys: [hub.key.publicKey])
        #expect(checkpoint.size == 0)
        #expect(checkpoint.root == MerkleTree.emptyRoot)
        #expect(!hub.ledger.snapshot.hasTopology)
        #expect(try hub.verify().isClean)
    }

    @Test func aReceiptNamesIndicesAndASignedSize() async throws {
        let hub = try await TestHub.opened()
        let receipt = try await hub.ledger.append(by: .hub) { _ in [try roleEvent("ana"), try roleEvent("bo")] }
        #expect(receipt?.first == 1)
        #expect(receipt?.last == 2)
        let note = try #require(receipt?.checkpoint)
        let checkpoint = try Checkpoint.verified(note: note, origin: TestHub.origin, keys: [hub.key.publicKey])
        #expect(checkpoint.size == 3)
        #expect(hub.ledger.snapshot.checkpoint == note)
        #expect(hub.ledger.snapshot.roles[try SPIFFEID("spiffe://corp.example/user/ana")] == [.owner])
    }

    @Test func noEventsAppendNothing() async throws {
        let hub = try await TestHub.opened()
        let before = try hub.ledger.snapshot.facts
        let receipt = try await hub.ledger.append(by: .hub) { registry in
            _ = try registry.keep(artifact: [1, 2, 3])
            return []
        }
        #expect(receipt?.last == nil)
        #expect(try hub.ledger.snapshot.facts == before)
        #expect(try await hub.ledger.read { try $0.artifact(digestText(of: [1, 2, 3])) } == nil)
    }

    @Test func closuresSeeWhatStandsAndMayRefuse() async throws {
        let hub = try await TestHub.opened()
        _ = try await hub.ledger.append(by: .hub) { _ in [try roleEvent("ana")] }
        let ana = try SPIFFEID("spiffe://corp.example/user/ana")
        let failure = await failureCode {
            _ = try await hub.ledger.append(by: .hub) { registry in
                #expect(try registry.grantedRoles()[ana] == [.owner])
                #expect(try registry.size() == 2)
                _ = try registry.keep(artifact: [1, 2, 3])
                throw ModelError("no-way", "refused")
            }
        }
        #expect(failure == "no-way")
        #expect(hub.ledger.snapshot.size == 2)
        #expect(try await hub.ledger.read { try $0.artifact(digestText(of: [1, 2, 3])) } == nil)
    }

    @Test func everyCallerOfManyGetsItsOwnReceipt() async throws {
        let hub = try await TestHub.opened()
        let answers = await withTaskGroup(of: (Int, Result<Receipt?, any Error>).self) { group in
            for number in 0..<60 {
                group.addTask {
                    do {
                        return (
                            number,
                            .success(
                                try await hub.ledger.append(by: .hub, why: "w\(number)") { _ in
                                    if number % 3 == 0 { throw ModelError("no-\(number)", "refused") }
                                    // Fails when half of it is written.
                                    if number % 4 == 1 {
                                        return [
                                            try roleEvent("lost"),
                                            .objectRemoved(ObjectName(kind: .zone, name: "none")),
                                        ]
                                    }
                                    return [try roleEvent("a\(number)"), try roleEvent("b\(number)")]
                                })
                        )
                    } catch { return (number, .failure(error)) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 60)
        var firsts: Set<Int64> = []
        for (number, answer) in answers {
            switch answer {
            case .failure(let error):
                #expect(code(of: error) == (number % 3 == 0 ? "no-\(number)" : "no-object"))
            case .success(let receipt):
                let receipt = try #require(receipt)
                #expect(number % 3 != 0 && number % 4 != 1)
                #expect(receipt.last == receipt.first + 1)
                #expect(receipt.snapshot.size > receipt.last)
                firsts.insert(receipt.first)
                let leaf = try hub.leaves()[Int(receipt.first)]
                #expect(leaf.contains("/user/a\(number)\""))
            }
        }
        #expect(firsts == Set(stride(from: 1, to: 61, by: 2).map(Int64.init)))
        #expect(hub.ledger.snapshot.size == 61)
        #expect(try hub.verify().problems == [])
    }

    @Test func aGroupSharesOneCheckpointAndAFailureIsItsOwn() async throws {
        let hub = try await TestHub.opened()
        let base = hub.ledger.snapshot
        let request = { @Sendable (name: String) in
            AppendRequest(author: .hub, why: nil) { registry in
                if name == "bad" { throw ModelError("bad", "refused") }
                if name == "clash" {
                    return [try roleEvent("lost"), .objectRemoved(ObjectName(kind: .zone, name: "none"))]
                }
                return name == "none" ? [] : [try roleEvent("\(name)-\(try registry.size())")]
            }
        }
        let write = { @Sendable (names: [String], isolated: Bool) in
            try await hub.database.pool.write { db in
                try AppendGroup(
                    names.map(request), on: base, isolated: isolated, now: { TestHub.start },
                    random: { [UInt8](repeating: 0, count: $0) }, db: db)
            }
        }
        // Without savepoints nothing of a group stands in which a request fails half-way.
        await #expect(throws: AppendGroup.HalfWritten.self) { _ = try await write(["a", "clash", "b"], false) }
        #expect(try hub.leaves().count == 1)
        let group = try await write(["a", "bad", "b", "none", "clash", "c"], true)
        let outcomes = group.outcomes.map { outcome in
            switch outcome {
            case .success(let range): range.map { "\($0)" } ?? "nothing"
            case .failure(let error): code(of: error)
            }
        }
        #expect(outcomes == ["1...1", "bad", "2...2", "nothing", "no-object", "3...3"])
        #expect(group.snapshot?.roles.keys.map(\.name).sorted() == ["a-1", "b-2", "c-3"])
        let sizes = try await hub.database.pool.read { try Int.fetchAll($0, sql: "SELECT size FROM checkpoints") }
        #expect(sizes == [1, 4])
        // Committed and not signed, as if the process had died: a start signs, and shows it.
        #expect(hub.ledger.snapshot.size == 1)
        let reopened = try hub.reopened()
        #expect(reopened.ledger.snapshot.size == 4)
        #expect(try hub.verify().problems == [])
        let note = reopened.ledger.snapshot.checkpoint
        #expect(try Checkpoint.verified(note: note, origin: TestHub.origin, keys: [hub.key.publicKey]).size == 4)
    }

    @Test func aFullDiskChangesNothingAndTheNextAppendWorks() async throws {
        let hub = try await TestHub.opened()
        let before = try hub.ledger.snapshot.facts
        try await hub.database.pool.writeWithoutTransaction { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages + 2)")
        }
        let failure = await failureCode {
            _ = try await hub.ledger.append(by: .hub, why: String(repeating: "long ", count: 20_000)) { _ in
                [try roleEvent("ana")]
            }
        }
        #expect(failure == "disk-full")
        #expect(try hub.ledger.snapshot.facts == before)
        #expect(try hub.reopened().ledger.snapshot.facts == before)
        try await hub.database.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        let receipt = try await hub.ledger.append(by: .hub) { _ in [try roleEvent("bo")] }
        #expect(receipt?.first == 1)
        #expect(try hub.verify().problems == [])
    }

    @Test func aTransactionThatIsTornDownFailsItsWholeGroup() async throws {
        let hub = try await TestHub.opened()
        try hub.sql("CREATE TRIGGER torn BEFORE INSERT ON roles BEGIN SELECT RAISE(ROLLBACK, 'torn'); END")
        let failure = await failureCode { _ = try await hub.ledger.append(by: .hub) { _ in [try roleEvent("ana")] } }
        #expect(failure == "conflict")
        #expect(hub.ledger.snapshot.size == 1)
        try hub.sql("DROP TRIGGER torn")
        #expect(try await hub.ledger.append(by: .hub) { _ in [try roleEvent("ana")] }?.first == 1)
        #expect(try hub.verify().problems == [])
    }

    /// It happened, and the step after it failed: the caller must not be told that it did not happen.
    @Test func aNoteThatCannotBeStoredIsMadeAgain() async throws {
        let hub = try await TestHub.opened()
        try hub.sql("CREATE TRIGGER unsigned BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'no'); END")
        let receipt = try await hub.ledger.append(by: .hub) { _ in [try roleEvent("ana")] }
        #expect(receipt?.first == 1)
        try hub.sql("DROP TRIGGER unsigned")
        #expect(try hub.verify().problems == [])
        #expect(try hub.reopened().ledger.snapshot.checkpoint == receipt?.checkpoint)
    }

    @Test func whatAnotherProcessAppendedIsSeen() async throws {
        let hub = try await TestHub.opened()
        let other = try hub.reopened()
        _ = try await other.ledger.append(by: .hub) { _ in [try roleEvent("ana")] }
        let receipt = try await hub.ledger.append(by: .hub) { _ in [try roleEvent("bo")] }
        #expect(receipt?.first == 2)
        #expect(receipt?.snapshot.roles.count == 2)
        #expect(try hub.verify().problems == [])
    }

    @Test(arguments: [
        "UPDATE ledger SET bytes = x'00' WHERE idx = 0",
        "DELETE FROM ledger",
        "INSERT OR REPLACE INTO ledger (idx, bytes, hash) VALUES (0, x'00', x'00')",
        "INSERT INTO ledger (idx, bytes, hash) VALUES (7, x'00', x'00')",
    ])
    func theLedgerOnlyGrows(sql: String) async throws {
        let hub = try await TestHub.opened()
        #expect(throws: DatabaseError.self) { try hub.sql(sql) }
        #expect(try hub.verify().problems == [])
    }

    @Test func aValueThatLooksLikeACommitmentIsRefused() async throws {
        let hub = try await TestHub.opened()
        let trap: JSON = ["labels": ["commit": "sha256:00"]]
        let failure = await failureCode {
            _ = try await hub.ledger.append(by: .hub) { _ in
                [.objectSet(ObjectSet(kind: .server, name: "finance/ledger", value: trap))]
            }
        }
        #expect(failure == "not-concealable")
        #expect(hub.ledger.snapshot.size == 1)
    }
}
