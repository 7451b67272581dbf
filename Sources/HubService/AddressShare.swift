import Model
import NIOConcurrencyHelpers

/// How many connections each address has open at a listener that asks for no certificate, so that no single one takes them all.
package final class AddressShare: Sendable {
    /// Far more than enrol at once behind one address.
    package static let standard = 256

    private let maximum: Int
    /// By `IPAddress.host`.
    private let open = NIOLockedValueBox<[String: Int]>([:])

    package init(maximum: Int = AddressShare.standard) { self.maximum = maximum }

    /// - Returns: whether there is room for one more, which is counted until `leave`.
    package func enter(_ address: IPAddress) -> Bool {
        let host = address.host
        return open.withLockedValue { open in
            guard open[host, default: 0] < maximum else { return false }
            open[host, default: 0] += 1
            return true
        }
    }

    package func leave(_ address: IPAddress) {
        let host = address.host
        open.withLockedValue { open in
            let rest = open[host, default: 1] - 1
            open[host] = rest > 0 ? rest : nil
        }
    }
}
