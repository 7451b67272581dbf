import GRDB
import Model
import Trust

extension MerkleFrontier {
    /// Nodes from this level up are stored; a lower one is hashed from its at most eight leaves.
    static let lowestKept = 4

    /// A node that is kept, and its hash.
    struct Completed: Sendable {
        var node: MerkleNode
        var hash: [UInt8]
    }

    /// Appends a leaf.
    /// - Returns: the nodes to be kept that it completes.
    mutating func append(_ leafHash: [UInt8]) -> [Completed] {
        var completed: [Completed] = []
        append(leafHash: leafHash) { node, hash in
            if node.level >= Self.lowestKept { completed.append(Completed(node: node, hash: hash)) }
        }
        return completed
    }

    /// Appends a leaf and stores the nodes that it completes, in the caller's transaction.
    mutating func append(_ leafHash: [UInt8], keepingNodesIn db: Database) throws {
        try append(leafHash).store(in: db)
    }
}

extension [MerkleFrontier.Completed] {
    /// Stores the nodes, several with one statement.
    func store(in db: Database) throws {
        var rest = self[...]
        while !rest.isEmpty {
            let rows = rest.prefix(rest.count >= 32 ? 32 : 1)
            rest = rest.dropFirst(rows.count)
            let marks = Array<String>(repeating: "(?, ?, ?)", count: rows.count).joined(separator: ", ")
            try db.run(
                "INSERT INTO nodes (level, idx, hash) VALUES \(marks)",
                rows.flatMap { [$0.node.level, $0.node.index, Blob($0.hash)] as [any DatabaseValueConvertible] })
        }
    }
}

extension Row {
    var hash: [UInt8] { (self["hash"] as Blob).bytes }
}

/// An entry as auditors get it: the leaf's bytes, which hold no personal value.
package struct LedgerLeaf: Hashable, Sendable {
    package var index: Int64
    package var bytes: [UInt8]
    package var hash: [UInt8]
}

/// Proofs over the ledger's tree, made of stored nodes: O(log n) rows each, no other leaf is read. Only what is committed
/// is proved; sizes up to the newest snapshot's are.
extension Ledger {
    /// Leads from the leaf at `index` to the root over the first `size` leaves (RFC 9162, section 2.1.3.1).
    /// - Throws: `TrustError` `out-of-range`; `StorageError` `ledger-damaged` where a node is missing.
    package nonisolated func inclusionProof(index: Int64, size: Int64) async throws -> [[UInt8]] {
        let proof = try MerkleNodes.inclusionProof(index: index, size: size)
        return try await hashes(proof)
    }

    /// Leads from the root over `first` leaves to the root over `second` (section 2.1.4.1); empty for equal sizes and for 0.
    /// - Throws: As `inclusionProof`.
    package nonisolated func consistencyProof(first: Int64, second: Int64) async throws -> [[UInt8]] {
        let proof = try MerkleNodes.consistencyProof(first: first, second: second)
        return try await hashes(proof)
    }

    private nonisolated func hashes(_ folds: [MerkleFold]) async throws -> [[UInt8]] {
        guard !folds.isEmpty else { return [] }
        return try await reading { db in
            let leaf = try db.cachedStatement(sql: "SELECT hash FROM ledger WHERE idx = ?")
            let inner = try db.cachedStatement(sql: "SELECT hash FROM nodes WHERE level = ? AND idx = ?")
            func hash(_ node: MerkleNode) throws -> [UInt8] {
                guard node.level == 0 || node.level >= MerkleFrontier.lowestKept else {
                    let (left, right) = node.children
                    return MerkleTree.nodeHash(try hash(left), try hash(right))
                }
                let row =
                    try node.level == 0
                    ? Row.fetchOne(leaf, arguments: [node.index])
                    : Row.fetchOne(inner, arguments: [node.level, node.index])
                guard let row else {
                    throw StorageError(
                        "ledger-damaged", "node \(node.level)/\(node.index) of the ledger's tree is missing",
                        hint: "`nave-hub verify` names what differs; restore a backup")
                }
                return row.hash
            }
            return try folds.map { try $0.hash(hash) }
        }
    }

    /// Entries in order.
    /// - Parameters:
    ///   - first: index of the first.
    ///   - size: only entries below this index.
    package nonisolated func leaves(from first: Int64, limit: Int, size: Int64) async throws -> [LedgerLeaf] {
        try await reading { db in
            let sql = "SELECT idx, bytes, hash FROM ledger WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: [first, size, limit]).map { row in
                LedgerLeaf(index: row["idx"], bytes: (row["bytes"] as Blob).bytes, hash: row.hash)
            }
        }
    }

    /// The signed notes that were kept of sizes in a range, in order of size.
    package nonisolated func notes(sizes: ClosedRange<Int64>) async throws -> [String] {
        try await reading { db in
            try String.fetchAll(
                db,
                sql: "SELECT note FROM checkpoints WHERE size BETWEEN ? AND ? AND note IS NOT NULL ORDER BY size",
                arguments: [sizes.lowerBound, sizes.upperBound])
        }
    }

    /// Entries with the personal values that are still there, as the registry reveals them.
    /// - Parameter type: only of this type; nil for any.
    package nonisolated func entries(from first: Int64, type: String?, limit: Int) async throws -> [(Int64, JSON)] {
        try await reading { db in
            let registry = Registry(db)
            let rows = try Row.fetchCursor(
                db, sql: "SELECT idx, bytes FROM ledger WHERE idx >= ? ORDER BY idx", arguments: [first])
            var found: [(Int64, JSON)] = []
            while found.count < limit, let row = try rows.next() {
                let json = try JSON(parsing: (row["bytes"] as Blob).bytes)
                guard type == nil || json["type"]?.string == type else { continue }
                found.append((row["idx"], try registry.revealed(json)))
            }
            return found
        }
    }
}
