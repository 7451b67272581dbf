import Foundation
import Model

/// Seconds that the processor worked for this process, in all threads, and for the kernel on its behalf.
func processorSeconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

private let start = ContinuousClock.now

func wallSeconds() -> Double { (ContinuousClock.now - start) / .seconds(1) }

extension Figure.Clock {
    func now() -> Double {
        switch self {
        case .processor: processorSeconds()
        case .wall: wallSeconds()
        }
    }

    /// How long a body takes.
    func time(_ body: () async throws -> Void) async rethrows -> Double {
        let start = now()
        try await body()
        return now() - start
    }

    /// How often a second a body can be run, from at least so many seconds of it.
    func rate(seconds: Double, _ body: () throws -> Void) rethrows -> Double {
        let start = now()
        var count = 0.0
        var spent = 0.0
        while spent < seconds {
            for _ in 0..<16 { try body() }
            count += 16
            spent = now() - start
        }
        return count / spent
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// Rounds of a peer and ours, one after the other, so that both meet the same minutes of the machine.
struct Rounds {
    private var ours: [Double] = []
    private var peers: [Double] = []

    mutating func add(_ value: Double, peer: Double) {
        ours.append(value)
        peers.append(peer)
    }

    var value: Double { median(ours) }
    var peer: Double { median(peers) }
    var ratio: Double { median(zip(ours, peers).map { $0 / $1 }) }
}

/// The machine's clock, for what TLS libraries check by it.
@Sendable func wallClock() -> Instant {
    Instant(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
}
