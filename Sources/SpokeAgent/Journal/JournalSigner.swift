import Model
import NIOConcurrencyHelpers
import Trust

/// Signs the checkpoints of one spoke's journal, with the key of its newest certificate.
package final class JournalSigner: Sendable {
    package let spoke: SPIFFEID
    private let key: NIOLockedValueBox<PrivateKey>

    package init(spoke: SPIFFEID, key: PrivateKey) {
        self.spoke = spoke
        self.key = NIOLockedValueBox(key)
    }

    /// From now on, after a renewal.
    package func use(_ renewed: PrivateKey) { key.withLockedValue { $0 = renewed } }

    /// - Throws: `weak-key`, `cannot-sign`, `bad-envelope`.
    package func sign(_ checkpoint: JournalCheckpoint) throws(TrustError) -> DSSEEnvelope {
        try checkpoint.signed(by: key.withLockedValue { $0 })
    }
}
