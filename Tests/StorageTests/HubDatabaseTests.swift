import GRDB
import Model
import Storage
import TestSupport
import Testing

@Suite struct HubDatabaseTests {
    @Test(arguments: [HubDatabase.fileName, UsageStore.fileName])
    func aNewerDatabaseIsRefusedAndLeftAlone(file: String) async throws {
        let directory = try TemporaryDirectory()
        _ = try HubDatabase(directory: directory.path)
        _ = try UsageStore(directory: directory.path)
        let queue = try DatabaseQueue(path: directory.file(file))
        try await queue.write { try $0.execute(sql: "PRAGMA user_version = 99") }
        let failure = await failureCode {
            if file == HubDatabase.fileName {
                _ = try HubDatabase(directory: directory.path)
            } else {
                _ = try UsageStore(directory: directory.path)
            }
        }
        #expect(failure == "database-newer")
        #expect(try await queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 99)
    }

    @Test func aDirectoryThatIsNotThereIsNamed() async throws {
        let directory = try TemporaryDirectory()
        let missing = directory.file("missing")
        let failure = await failureCode { _ = try HubDatabase(directory: missing) }
        #expect(failure == "not-writable")
    }

    @Test func aFileThatIsNoDatabaseIsRefused() async throws {
        let directory = try TemporaryDirectory()
        try directory.write(HubDatabase.fileName, String(repeating: "not a database ", count: 100))
        #expect(await failureCode { _ = try HubDatabase(directory: directory.path) } == "database-damaged")
    }

    @Test func anotherLedgersOriginIsRefused() async throws {
        let hub = try await TestHub.opened()
        let failure = await failureCode {
            _ = try Ledger(
                database: hub.database, signer: hub.key, origin: "corp.example/nave/2", now: { TestHub.start },
                random: { [UInt8](repeating: 0, count: $0) })
        }
        #expect(failure == "other-origin")
    }

    @Test func aLedgerWithoutItsCheckpointDoesNotStart() async throws {
        let hub = try await TestHub.opened()
        try hub.sql("DELETE FROM checkpoints")
        #expect(await failureCode { _ = try hub.reopened() } == "ledger-damaged")
    }
}
