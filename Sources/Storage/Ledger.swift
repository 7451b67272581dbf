import GRDB
import Model
import Trust

/// What an append did.
package struct Receipt: Sendable {
    /// Index of the first entry, from 0.
    package let first: Int64
    package let last: Int64
    fileprivate let committed: Committed

    /// The registry with the entries.
    package var snapshot: Snapshot { committed.snapshot }
    /// The signed note of a size that includes the entries.
    package var checkpoint: String { committed.snapshot.checkpoint }
}

/// What all callers of a group are answered with, held once for them.
private final class Committed: Sendable {
    let snapshot: Snapshot

    init(_ snapshot: Snapshot) { self.snapshot = snapshot }
}

/// The one writer. Everything the hub decides is appended here, and the registry's rows change in the same transaction.
///
/// Callers that come while a commit runs form the next group: one COMMIT and one signature for all, each still all or nothing.
/// Nobody is answered before COMMIT.
package actor Ledger {
    let database: HubDatabase
    private var signer: PrivateKey
    private let origin: String
    private let now: @Sendable () -> Instant
    private let random: @Sendable (Int) throws -> [UInt8]
    private nonisolated let box: SnapshotBox
    private var waiting: [Waiting] = []
    private var isCommitting = false
    /// The newest note while it is in memory only.
    private var unkept: Note?

    /// How many appends share a commit at most, so that none waits for an endless group.
    private static let maximumGroup = 1024

    /// A signed note and the size that it is of.
    struct Note: Sendable {
        var text: String
        var size: Int64
    }

    private struct Waiting {
        var request: AppendRequest
        var answer: CheckedContinuation<Receipt?, any Error>
    }

    /// Opens the ledger as it stands.
    /// - Parameters:
    ///   - signer: the Ed25519 key of checkpoints.
    ///   - origin: the ledger's name in its newest epoch, `corp.example/nave/1`.
    ///   - random: that many fresh random bytes; they salt commitments.
    /// - Throws: `StorageError` `other-origin`, `ledger-damaged`; `TrustError` when the head cannot be signed.
    package init(
        database: HubDatabase, signer: PrivateKey, origin: String, now: @escaping @Sendable () -> Instant,
        random: @escaping @Sendable (Int) throws -> [UInt8]
    ) throws {
        let (head, known, snapshot) = try translating("cannot read the ledger") {
            try database.pool.read { db in
                let registry = Registry(db)
                return (try LedgerHead(db), try registry.origin(), try Snapshot(registry))
            }
        }
        if let known, known != origin {
            throw StorageError("other-origin", "the ledger is `\(known)`, not `\(origin)`")
        }
        // The process may have died after COMMIT and before signing: then the note is made now, with the bytes it would
        // have had, and the entries are shown from here on.
        var current = snapshot
        current.state.origin = origin
        // The same when it died between the manifest that changes the key and the first note of the new key.
        let note = head.note.flatMap { Self.isSigned($0, origin, by: signer) ? $0 : nil }
        current.checkpoint = try note ?? head.signed(origin: origin, by: signer)
        if note == nil {
            let made = Note(text: current.checkpoint, size: head.size)
            try translating("cannot store a checkpoint") {
                try database.pool.write { db in try Self.keep(made, db) }
            }
        }
        self.database = database
        self.signer = signer
        self.origin = origin
        self.now = now
        self.random = random
        box = SnapshotBox(current)
    }

    /// The registry as of the newest signed checkpoint.
    package nonisolated var snapshot: Snapshot { box.current }

    /// Appends what the closure decides on the registry as it stands, all or nothing.
    ///
    /// The closure runs inside the write transaction; it must have no effect but its result and
    /// `Registry.keep(artifact:)`, for it runs again when a group is written again. What it throws undoes only what it did and
    /// reaches only its caller.
    /// - Returns: nil when the closure returned no events; then nothing was appended.
    /// - Throws: what the closure throws; `StorageError` `disk-full`, `conflict` and what `Fold.apply` throws: nothing was
    ///   appended then. `TrustError` `cannot-sign`: appended, and to be seen with the next checkpoint.
    package func append(
        by author: Author, why: String? = nil, _ make: @escaping @Sendable (Registry) throws -> [Event]
    ) async throws -> Receipt? {
        try await withCheckedThrowingContinuation { answer in
            waiting.append(Waiting(request: AppendRequest(author: author, why: why, make: make), answer: answer))
            guard !isCommitting else { return }
            isCommitting = true
            // Not the caller's task: its cancellation must not roll back what others wait for.
            Task { await self.drain() }
        }
    }

    /// Signs checkpoints with another key from now on, the newest one again at once.
    /// - Returns: the registry under the new note.
    /// - Throws: `TrustError` when the head cannot be signed.
    package func sign(with key: PrivateKey) async throws -> Snapshot {
        guard key.publicKey != signer.publicKey else { return box.current }
        let head = try Checkpoint.verified(
            note: box.current.checkpoint, origin: origin, keys: [signer.publicKey])
        var snapshot = box.current
        snapshot.checkpoint = try head.signed(by: [key])
        signer = key
        box.swap(snapshot)
        await keep(note: snapshot.checkpoint, size: head.size)
        return box.current
    }

    private static func isSigned(_ note: String, _ origin: String, by key: PrivateKey) -> Bool {
        (try? Checkpoint.verified(note: note, origin: origin, keys: [key.publicKey])) != nil
    }

    /// Reads the registry at the newest commit, for what the snapshot does not hold.
    package nonisolated func read<T: Sendable>(_ body: @escaping @Sendable (Registry) throws -> T) async throws -> T {
        do { return try await database.pool.read { db in try body(Registry(db)) } } catch {
            throw StorageError.wrapping(error, "cannot read the registry")
        }
    }

    /// For what is read of the ledger itself.
    nonisolated func reading<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await database.pool.read(body) } catch {
            throw StorageError.wrapping(error, "cannot read the ledger")
        }
    }

    private func drain() async {
        while !waiting.isEmpty {
            let group = Array(waiting.prefix(Self.maximumGroup))
            waiting.removeFirst(group.count)
            let answers = await commit(group.map(\.request))
            for (caller, answer) in zip(group, answers) { caller.answer.resume(with: answer) }
        }
        isCommitting = false
    }

    /// One transaction, one signature. As many answers as requests.
    private func commit(_ requests: [AppendRequest]) async -> [Result<Receipt?, any Error>] {
        let (now, random, unkept) = (now, random, unkept)
        let base = box.current
        do {
            @Sendable func write(isolated: Bool) async throws -> AppendGroup {
                try await database.pool.write { db in
                    // The note before, which nobody waited for: one flush of the disk for both.
                    if let unkept { try Self.keep(unkept, db) }
                    return try AppendGroup(
                        requests, on: base, isolated: isolated, now: now, random: random, db: db)
                }
            }
            var group: AppendGroup
            do { group = try await write(isolated: false) } catch is AppendGroup.HalfWritten {
                group = try await write(isolated: true)
            }
            self.unkept = nil
            // If the process dies here: the entries and the registry are on disk, unsigned and unanswered. The start signs
            // them, and the callers find out by asking again.
            guard var snapshot = group.snapshot else { return group.outcomes.map { $0.map { _ in nil } } }
            snapshot.state.origin = origin
            snapshot.checkpoint = try group.head.signed(origin: origin, by: signer)
            let used = signer
            // Whoever waits appends next, and keeps this note then.
            if waiting.isEmpty {
                await keep(note: snapshot.checkpoint, size: group.head.size)
            } else {
                self.unkept = Note(text: snapshot.checkpoint, size: group.head.size)
            }
            if signer !== used {
                // The key changed while the note was stored.
                snapshot.checkpoint = try group.head.signed(origin: origin, by: signer)
                await keep(note: snapshot.checkpoint, size: group.head.size)
            }
            box.swap(snapshot)
            // If the process dies here: signed and in force, and the callers do not know it.
            let committed = Committed(snapshot)
            return group.outcomes.map { outcome in
                outcome.map { range in
                    range.map { Receipt(first: $0.lowerBound, last: $0.upperBound, committed: committed) }
                }
            }
        } catch {
            // Not committed: neither entries nor rows, the next group begins at the same head.
            let error = StorageError.wrapping(error, "cannot append to the ledger")
            return requests.map { _ in .failure(error) }
        }
    }

    /// Stores a note next to its root. Losing it loses nothing: whoever finds none signs again and gets the same bytes. So
    /// a failure here must not make a committed append look failed.
    private func keep(note: String, size: Int64) async {
        let note = Note(text: note, size: size)
        try? await database.pool.write { db in try Self.keep(note, db) }
    }

    private static func keep(_ note: Note, _ db: Database) throws {
        try db.run("UPDATE checkpoints SET note = ? WHERE size = ?", [note.text, note.size])
    }
}
