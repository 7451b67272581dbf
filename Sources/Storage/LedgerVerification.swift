import GRDB
import Model
import Trust

/// What verifying a ledger found.
package struct VerificationReport: Hashable, Sendable {
    package struct Problem: Hashable, Sendable {
        /// `ledger`, `checkpoints`, `disclosures`, `artifacts`, or a table of the registry.
        package var table: String
        /// The key of the row, `zone/finance`.
        package var row: String
        package var message: String

        package init(table: String, row: String, message: String) {
            self.table = table
            self.row = row
            self.message = message
        }
    }

    /// Entries in the ledger.
    package internal(set) var size: Int64 = 0
    /// `sha256:…` of the Merkle root over the leaves as they are stored.
    package internal(set) var root = ""
    package var problems: [Problem] = []

    package var isClean: Bool { problems.isEmpty }
}

/// Replays a ledger into a scratch database and compares: leaves with their hashes, roots with the signed checkpoints,
/// every row of the registry with what the leaves fold to, disclosures and artifacts with their digests.
package enum LedgerVerification {
    /// At most so many problems are named for a table.
    private static let maximumProblems = 100

    /// - Parameters:
    ///   - directory: where `hub.sqlite` lies; it is only read, in one transaction, also while the hub runs.
    ///   - epochs: what the versions of the trust manifest say, in order: keys of an epoch sign for that one only.
    /// - Throws: `StorageError` when the database cannot be opened or read at all; what differs is in the report.
    package static func verify(directory: String, epochs: [LedgerEpoch]) throws -> VerificationReport {
        try translating("cannot verify the ledger") {
            let path = "\(directory)/\(HubDatabase.fileName)"
            let stored = try DatabaseFile.openReadOnly(path, migrations: HubSchema.migrations)
            let scratch = try DatabaseFile.scratch(migrations: HubSchema.migrations)
            return try stored.read { db in
                try scratch.write { scratch in
                    var verification = Verification(epochs: epochs)
                    let replayed = try verification.replay(db, into: scratch)
                    try verification.checkDigests(db)
                    // A replay that stopped says nothing about the rows.
                    if replayed {
                        for table in HubSchema.foldTables + [HubSchema.nodes] {
                            try verification.compare(table, db, scratch)
                        }
                        try verification.checkEvidence(db)
                    }
                    return verification.report
                }
            }
        }
    }

    private struct Verification {
        let epochs: [LedgerEpoch]
        var report = VerificationReport()
        /// Evidence that erasing a person replaced.
        var redacted: [String: String] = [:]

        mutating func note(_ table: String, _ row: String, _ message: String) {
            guard report.problems.count(where: { $0.table == table }) < maximumProblems else { return }
            report.problems.append(VerificationReport.Problem(table: table, row: row, message: message))
        }

        /// Folds every leaf and holds the growing root against the checkpoints.
        /// - Returns: whether it came to the end.
        mutating func replay(_ db: Database, into scratch: Database) throws -> Bool {
            let rows = try Row.fetchAll(db, sql: "SELECT size, root, frontier, note FROM checkpoints ORDER BY size")
            let checkpoints = Dictionary(rows.map { ($0["size"] as Int64, $0) }) { first, _ in first }
            // How many of the epochs were met.
            var met = 0
            var frontier = MerkleFrontier()
            var isFolding = true
            let leaves = try Row.fetchCursor(db, sql: "SELECT idx, bytes, hash FROM ledger ORDER BY idx")
            while let row = try leaves.next() {
                let index: Int64 = row["idx"]
                guard index == frontier.size else {
                    note("ledger", "\(frontier.size)", "the entry is missing")
                    isFolding = false
                    break
                }
                let bytes = (row["bytes"] as Blob).bytes
                let hash = MerkleTree.leafHash(bytes)
                if hash != (row["hash"] as Blob).bytes {
                    note("ledger", "\(index)", "the hash is not that of the bytes")
                }
                let before = frontier
                try frontier.append(hash, keepingNodesIn: scratch)
                if isFolding {
                    do {
                        let leaf = try Leaf(stored: bytes)
                        if let opened = Self.epoch(leaf.entry.event) {
                            compare(opened, with: epochs.dropFirst(met).first, before)
                            met += 1
                        }
                        try Fold.apply(leaf, at: index, to: scratch)
                        if case .personErased(let erased) = leaf.entry.event {
                            for redaction in erased.artifacts { redacted[redaction.from] = redaction.to }
                        }
                    } catch {
                        note("ledger", "\(index)", "replay stops here: \(error)")
                        isFolding = false
                    }
                }
                if let row = checkpoints[frontier.size] { try check(row, frontier, epochs.prefix(met).last) }
            }
            for size in checkpoints.keys.sorted() where size > frontier.size {
                note("checkpoints", "\(size)", "the ledger has only \(frontier.size) entries")
            }
            if frontier.size > 0, checkpoints[frontier.size] == nil {
                note("checkpoints", "\(frontier.size)", "the newest entries have no checkpoint")
            }
            if isFolding {
                for epoch in epochs.dropFirst(max(met, 1)) {
                    note("epochs", epoch.origin, "the trust manifest begins this epoch, the ledger does not")
                }
            }
            report.size = frontier.size
            report.root = digestText(frontier.root)
            return isFolding
        }

        /// An entry that begins an epoch.
        private static func epoch(_ event: Event) -> LedgerEpoch? {
            switch event {
            case .ledgerOpened(let body): LedgerEpoch(origin: body.origin, start: nil, keys: [])
            case .epochOpened(let body):
                LedgerEpoch(
                    origin: body.origin, start: TrustManifest.Start(size: body.size, root: body.root), keys: [])
            default: nil
            }
        }

        /// - Parameter before: The tree that the entry was appended to.
        private mutating func compare(_ opened: LedgerEpoch, with known: LedgerEpoch?, _ before: MerkleFrontier) {
            if opened.origin != known?.origin || opened.start != known?.start {
                note("ledger", "\(before.size)", "the trust manifest does not begin the epoch `\(opened.origin)` here")
            }
            if let start = opened.start, start.root != digestText(before.root) {
                note("ledger", "\(before.size)", "the epoch `\(opened.origin)` goes on from another tree")
            }
        }

        private mutating func check(_ row: Row, _ frontier: MerkleFrontier, _ epoch: LedgerEpoch?) throws {
            let name = "\(frontier.size)"
            if (row["root"] as Blob).bytes != frontier.root {
                note("checkpoints", name, "the root is not that of the leaves")
            }
            let canonical = String(decoding: try JSONCoding.canonical(frontier), as: UTF8.self)
            if row["frontier"] as String != canonical {
                note("checkpoints", name, "the frontier is not that of the leaves")
            }
            // A missing signature is no fault: the process may have died before it was stored.
            guard let signed = row["note"] as String? else { return }
            do {
                let checkpoint = try Checkpoint.verified(
                    note: signed, origin: epoch?.origin ?? "", keys: epoch?.keys ?? [])
                guard checkpoint.size == frontier.size, checkpoint.root == frontier.root else {
                    note("checkpoints", name, "the signed note is of another tree")
                    return
                }
            } catch {
                note("checkpoints", name, "\(error)")
            }
        }

        mutating func checkDigests(_ db: Database) throws {
            let disclosures = try Row.fetchCursor(db, sql: "SELECT commitment, salt, value FROM disclosures")
            while let row = try disclosures.next() {
                let commitment: String = row["commitment"]
                if Leaf.commitment(salt: (row["salt"] as Blob).bytes, value: row["value"]) != commitment {
                    note("disclosures", commitment, "the value is not what the ledger committed to")
                }
            }
            let artifacts = try Row.fetchCursor(db, sql: "SELECT digest, bytes FROM artifacts")
            while let row = try artifacts.next() {
                let digest: String = row["digest"]
                if digestText(of: (row["bytes"] as Blob).bytes) != digest {
                    note("artifacts", digest, "the bytes do not have this digest")
                }
            }
        }

        /// Frozen evidence that a review names must be there.
        mutating func checkEvidence(_ db: Database) throws {
            let sql =
                "SELECT id, evidence FROM reviews WHERE evidence NOT IN (SELECT digest FROM artifacts) ORDER BY id"
            for row in try Row.fetchAll(db, sql: sql) {
                var digest: String = row["evidence"]
                for _ in 0..<redacted.count { digest = redacted[digest] ?? digest }
                let kept = try Bool.fetchOne(
                    db, sql: "SELECT EXISTS (SELECT 1 FROM artifacts WHERE digest = ?)", arguments: [digest])
                if kept == true { continue }
                note("artifacts", row["evidence"], "the evidence of the review `\(row["id"] as String)` is missing")
            }
            let manifests = "SELECT version FROM manifests WHERE digest NOT IN (SELECT digest FROM artifacts)"
            for version in try Int64.fetchAll(db, sql: manifests) {
                note("artifacts", "manifest \(version)", "version \(version) of the trust manifest is missing")
            }
        }

        /// Walks both sides in the order of the key.
        mutating func compare(_ table: HubSchema.FoldTable, _ db: Database, _ scratch: Database) throws {
            let sql = "SELECT * FROM \(table.name) ORDER BY \(table.key.joined(separator: ", "))"
            let stored = try Row.fetchCursor(db, sql: sql)
            let replayed = try Row.fetchCursor(scratch, sql: sql)
            // A cursor's row is good until its next one; only that side is moved on.
            var left = try stored.next()
            var right = try replayed.next()
            while left != nil || right != nil {
                let order = Self.order(left, right, table.key)
                if order == 0, left != right {
                    note(table.name, Self.name(left, table.key), "the row is not what the ledger folds to")
                } else if order < 0 {
                    note(table.name, Self.name(left, table.key), "the ledger does not make this row")
                } else if order > 0 {
                    note(table.name, Self.name(right, table.key), "the row is missing")
                }
                if order <= 0 { left = try stored.next() }
                if order >= 0 { right = try replayed.next() }
            }
        }

        /// Negative when the left key comes first, in SQLite's BINARY order; the end comes last.
        private static func order(_ left: Row?, _ right: Row?, _ key: [String]) -> Int {
            guard let left else { return 1 }
            guard let right else { return -1 }
            for column in key {
                switch ((left[column] as DatabaseValue).storage, (right[column] as DatabaseValue).storage) {
                case (.int64(let one), .int64(let other)) where one != other: return one < other ? -1 : 1
                case (.string(let one), .string(let other)) where one != other:
                    return one.utf8.lexicographicallyPrecedes(other.utf8) ? -1 : 1
                default: continue
                }
            }
            return 0
        }

        private static func name(_ row: Row?, _ key: [String]) -> String {
            key.map { column in
                switch (row?[column] as DatabaseValue?)?.storage {
                case .int64(let number): "\(number)"
                case .string(let text): text
                default: "?"
                }
            }.joined(separator: "/")
        }
    }
}
