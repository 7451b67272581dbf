import GRDB
import Model
import Trust

/// What one caller wants to append.
struct AppendRequest: Sendable {
    var author: Author
    var why: String?
    var make: @Sendable (Registry) throws -> [Event]
}

/// Appends that share a transaction.
///
/// A savepoint for each request costs as much as what most of them write. So a group is written without; when a request
/// fails that has written something, the whole transaction is rolled back and the group written again with savepoints.
struct AppendGroup: Sendable {
    /// A request failed that had written something, and there was no savepoint to go back to.
    struct HalfWritten: Error {}

    /// In the order of the requests: the indices appended, nil for none, or why that request failed alone.
    private(set) var outcomes: [Result<ClosedRange<Int64>?, any Error>] = []
    private(set) var head: LedgerHead
    private let isolated: Bool
    /// The registry with the whole group, still without its checkpoint; nil when nothing was appended.
    private(set) var snapshot: Snapshot?
    private var events: [Event] = []
    /// Nodes of the tree to be kept that the group's leaves complete; written with its checkpoint.
    private var nodes: [MerkleFrontier.Completed] = []
    /// The topology until an object changes.
    private var topology: Topology?

    /// Runs every request inside the transaction that the caller opened and will commit.
    /// - Parameters:
    ///   - base: the newest snapshot.
    ///   - isolated: whether each request has a savepoint.
    /// - Throws: `HalfWritten` unless isolated; what makes the whole transaction fail: no space, no access, a damaged file.
    init(
        _ requests: [AppendRequest], on base: Snapshot, isolated: Bool, now: () -> Instant,
        random: (Int) throws -> [UInt8], db: Database
    ) throws {
        self.isolated = isolated
        head = try LedgerHead(db)
        // Another process may have appended since (`nave-hub recover-admin`): then nothing known holds.
        let start = head.size == base.size ? base : try Snapshot(Registry(db))
        topology = start.hasTopology ? start.state.topology : nil
        for request in requests {
            outcomes.append(try outcome(of: request, now: now, random: random, db: db))
        }
        guard !events.isEmpty else { return }
        try nodes.store(in: db)
        try head.store(in: db)
        snapshot = try start.updated(after: events, Registry(db, known: topology))
    }

    private mutating func outcome(
        of request: AppendRequest, now: () -> Instant, random: (Int) throws -> [UInt8], db: Database
    ) throws -> Result<ClosedRange<Int64>?, any Error> {
        var head = head
        var leaves: [Leaf] = []
        var nodes: [MerkleFrontier.Completed] = []
        do {
            try db.allOrNothing(isolated: isolated) {
                let at = now()
                for event in try request.make(Registry(db, known: topology)) {
                    let entry = Entry(at: at, by: request.author, why: request.why, event: event)
                    let (leaf, disclosures) = try Leaf.concealing(entry, random: random)
                    nodes += try head.append(leaf, disclosures, to: db)
                    leaves.append(leaf)
                }
                return !leaves.isEmpty
            }
        } catch {
            // SQLite rolls back the whole transaction by itself when it cannot write; then the group is gone, not only
            // this request's savepoint.
            if error is HalfWritten || !db.isInsideTransaction || (error as? DatabaseError)?.endsTransaction == true {
                throw error
            }
            return .failure(StorageError.wrapping(error, "cannot append to the ledger"))
        }
        guard !leaves.isEmpty else { return .success(nil) }
        let first = self.head.size
        self.head = head
        self.nodes += nodes
        let appended = leaves.map(\.entry.event)
        events += appended
        if appended.contains(where: \.changesObjects) { topology = nil }
        return .success(first...(head.size - 1))
    }
}

extension Event {
    fileprivate var changesObjects: Bool {
        switch self {
        case .objectSet, .objectRemoved, .personErased: true
        default: false
        }
    }
}

extension Database {
    /// As GRDB's `inSavepoint`, with statements that are compiled once.
    /// - Parameters:
    ///   - isolated: whether there is a savepoint.
    ///   - body: says whether what it wrote stays.
    /// - Throws: `HalfWritten` when something was written that must not stay, and there is no savepoint.
    fileprivate func allOrNothing(isolated: Bool, _ body: () throws -> Bool) throws {
        guard isolated else {
            let before = totalChangesCount
            let result = Result { try body() }
            guard (try? result.get()) == true || totalChangesCount == before else { throw AppendGroup.HalfWritten() }
            return try result.map { _ in }.get()
        }
        try run("SAVEPOINT request")
        do {
            if try !body() { try run("ROLLBACK TO request") }
        } catch {
            // When SQLite has rolled back the whole transaction, there is no savepoint any more.
            if isInsideTransaction {
                try run("ROLLBACK TO request")
                try run("RELEASE request")
            }
            throw error
        }
        try run("RELEASE request")
    }
}

extension DatabaseError {
    /// Failures after which no statement of the transaction can be trusted.
    fileprivate var endsTransaction: Bool {
        switch resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_CORRUPT, .SQLITE_READONLY, .SQLITE_INTERRUPT,
            .SQLITE_CANTOPEN, .SQLITE_BUSY, .SQLITE_ABORT:
            true
        default: false
        }
    }
}
