import Logging
import Model
import Storage
import Trust

/// What an append changed, for the answer to whoever asked for it.
package struct Commit: Sendable {
    package var first: Int64
    package var last: Int64
    /// Spokes whose bundle it changed, full names.
    package var spokes: [String]

    package var answer: ChangeAnswer { ChangeAnswer(index: last, spokes: spokes) }
}

/// The ledger as the hub's services use it: after every commit the authorities, the listeners' trust and the spokes' bundles follow, before
/// the caller is answered.
package struct HubLedger: Sendable {
    private let ledger: Ledger
    private let trust: HubTrust
    private let publisher: Publisher
    /// Nil where nothing is issued.
    private let authority: Authority?
    private let log: Logger

    package init(
        ledger: Ledger, trust: HubTrust, publisher: Publisher, authority: Authority? = nil, log: Logger
    ) {
        self.ledger = ledger
        self.trust = trust
        self.publisher = publisher
        self.authority = authority
        self.log = log
    }

    package var snapshot: Snapshot { ledger.snapshot }

    /// The ledger itself, for its proofs and its bytes.
    package var proofs: Ledger { ledger }

    /// Reads what the snapshot does not hold.
    package func read<T: Sendable>(_ body: @escaping @Sendable (Registry) throws -> T) async throws -> T {
        try await ledger.read(body)
    }

    /// Signs checkpoints with another key from now on.
    package func sign(with key: PrivateKey) async throws -> Snapshot { try await ledger.sign(with: key) }

    /// Leaves no byte of deleted rows in the database's files.
    package func compact() async throws { try await ledger.compact() }

    /// Appends what the closure decides inside the write transaction.
    /// - Returns: Nil when there was nothing to do.
    @discardableResult
    package func append(
        by author: Author, why: String? = nil, _ make: @escaping @Sendable (Registry) throws -> [Event]
    ) async throws -> Commit? {
        guard let receipt = try await ledger.append(by: author, why: why, make) else { return nil }
        // If the process dies here: the entries stand, and the next start publishes what they mean.
        // The entries stand whatever becomes of a key's file: what failed here is done by the next append, or said by the next
        // step of an authority, which begins with it.
        do { try authority?.follow(receipt.snapshot.authorities) } catch {
            log.error("an authority's key is not in its place, the next change tries again", error: error)
        }
        try trust.follow(receipt.snapshot)
        await publisher.follow()
        return Commit(
            first: receipt.first, last: receipt.last,
            spokes: Publisher.affected(since: receipt.first, receipt.snapshot.state))
    }
}
