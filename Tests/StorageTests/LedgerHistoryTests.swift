import Model
import Storage
import Testing

@Suite struct LedgerHistoryTests {
    /// After each append the past is what the snapshot was then.
    @Test(arguments: [31, 32] as [UInt64])
    func thePastIsWhatTheSnapshotWas(seed: UInt64) async throws {
        let hub = try await TestHub.opened()
        var events = PlausibleEvents(seed: seed)
        var then: [(state: RegistryState, size: Int64)] = []
        for _ in 0..<60 {
            try await hub.append(try events.next())
            then.append((hub.ledger.snapshot.state, hub.ledger.snapshot.size))
        }
        let history = LedgerHistory(database: hub.database)
        var compared = 0
        // In no order: what was learnt for one moment serves the others.
        for (state, size) in then.prefix(20) + then.reversed() {
            let entry = try #require(try await hub.ledger.entries(from: size - 1, type: nil, limit: 1).first)
            let at = try #require(entry.1["at"]?.string.flatMap { Instant($0) })
            let past = try await history.state(at: at)
            guard past.size == size else { continue }
            compared += 1
            #expect(past.state.topology == state.topology && past.state.masks == state.masks)
            #expect(past.state.pins == state.pins)
        }
        #expect(compared > 30)
        #expect(then.contains { !$0.state.pins.isEmpty } && then.contains { !$0.state.masks.isEmpty })
        #expect(
            await failureCode { _ = try await history.state(at: TestHub.start - .days(1)) } == "before-the-ledger")
        let short = LedgerHistory(database: hub.database, maximumEntries: 3)
        for _ in 0..<2 {
            #expect(
                await failureCode { _ = try await short.state(at: TestHub.start + .days(9)) } == "history-too-long")
            // The opening is the first entry, a second after the start.
            #expect(try await short.state(at: TestHub.start + .seconds(1)).size == 1)
        }
    }
}
