import Model
import Storage
import TestSupport
import Trust

/// What an auditor, and the hub after a restart, do with a long ledger.
enum ReplayFigures {
    private static let callers = 2048

    static func measure(entries: Int, _ tell: (String) -> Void) async throws -> [Figure] {
        let hub = try await BenchLedger.opened()
        let sample = try TestPKI().spoke("finance", "fin-1").leaf
        let step = max(1, entries / 50)
        for start in stride(from: 1, to: entries, by: step) {
            tell("writing a ledger of \(entries) entries: \(start - 1)")
            let numbers = start..<min(start + step, entries)
            let events = try BenchLedger.renewals(numbers, like: sample)
            try await hub.append(numbers, callers: callers) { events[$0 - start] }
        }
        let size = hub.ledger.snapshot.size
        var times: [Double] = []
        for number in 0..<200 {
            let index = Int64(number) * (size - 1) / 199
            let spent = try await Figure.Clock.wall.time {
                _ = try await hub.ledger.inclusionProof(index: index, size: size)
            }
            times.append(spent * 1000)
        }
        tell("replaying \(size) entries")
        let (wall, start) = (wallSeconds(), processorSeconds())
        let epoch = LedgerEpoch(origin: BenchLedger.origin, start: nil, keys: [hub.signer.publicKey])
        let report = try LedgerVerification.verify(directory: hub.directory.path, epochs: [epoch])
        let spent = processorSeconds() - start
        tell("replayed in \(rounded(wallSeconds() - wall)) s on the wall")
        guard report.isClean, report.size == size else {
            throw TimedOut(description: "the ledger does not verify: \(report.problems)")
        }
        return [
            Figure(
                name: "inclusion-proof", value: median(times), unit: "ms", clock: .wall, target: .valueAtMost(1)),
            Figure(name: "replay", value: spent, unit: "s", clock: .processor, target: .valueAtMost(60)),
        ]
    }
}
