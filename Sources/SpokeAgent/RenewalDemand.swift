import Model
import NIOConcurrencyHelpers
import Trust

/// What the hub asked for: whoever shows a certificate under one of these authorities renews now, not when its time comes.
final class RenewalDemand: Sendable {
    /// More are not kept: there are two for each zone that an authority is tainted of.
    private static let maximum = 4_096

    private let issuers = NIOLockedValueBox<Set<String>>([])
    private let wakeup = Wakeup()

    func ask(_ notice: RenewNotice) {
        issuers.withLockedValue { $0 = Set(notice.issuers.prefix(Self.maximum)) }
        wakeup.wake()
    }

    /// Whether one of those is above the leaf; true once, since who fails to renew tries again by its own clock.
    func take(_ chain: [Certificate]) -> Bool {
        let asked = issuers.withLockedValue { issuers in
            defer { issuers = [] }
            return issuers
        }
        return chain.dropFirst().contains { asked.contains($0.serial) || asked.contains($0.publicKey.spkiDigest) }
    }

    /// Until a time has passed, somebody asks, or the task is cancelled.
    func sleep(atMost limit: Milliseconds) async { await wakeup.sleep(atMost: limit) }
}
