import GRDB
import Model
import Trust

/// How far the ledger has come: its Merkle tree's frontier, and the signed note if one was stored.
struct LedgerHead: Sendable {
    var frontier: MerkleFrontier
    var note: String?

    var size: Int64 { frontier.size }

    /// Reads the newest checkpoint row and holds it against the ledger's length.
    /// - Throws: `StorageError` `ledger-damaged`.
    init(_ db: Database) throws {
        let row = try Row.fetchOne(db, sql: "SELECT size, frontier, note FROM checkpoints ORDER BY size DESC LIMIT 1")
        let frontier =
            try row.map { try JSONCoding.decode(MerkleFrontier.self, from: Array(($0["frontier"] as String).utf8)) }
            ?? MerkleFrontier()
        let size = try Int64.fetchOne(db, sql: "SELECT coalesce(max(idx) + 1, 0) FROM ledger") ?? 0
        guard frontier.size == size, row == nil || row?["size"] == size else {
            throw StorageError(
                "ledger-damaged", "the ledger has \(size) entries, its newest checkpoint \(frontier.size)",
                hint: "`nave-hub verify` names what differs; restore a backup")
        }
        self.frontier = frontier
        note = row?["note"]
    }

    /// Appends a leaf, its disclosures and what it folds to.
    /// - Returns: the nodes to be kept that it completes, for the caller to store in the same transaction.
    mutating func append(
        _ leaf: Leaf, _ disclosures: [PersonalData.Disclosure], to db: Database
    ) throws -> [MerkleFrontier.Completed] {
        let hash = MerkleTree.leafHash(leaf.bytes)
        let index = frontier.size
        try db.run("INSERT INTO ledger (idx, bytes, hash) VALUES (?, ?, ?)", [index, Blob(leaf.bytes), Blob(hash)])
        for disclosure in disclosures {
            try db.run(
                "INSERT INTO disclosures (commitment, salt, value) VALUES (?, ?, ?)",
                [disclosure.commit, Blob(disclosure.salt), disclosure.value])
        }
        try Fold.apply(leaf, at: index, to: db)
        note = nil
        return frontier.append(hash)
    }

    /// Stores size, root and frontier, without a signature.
    func store(in db: Database) throws {
        let frontierText = String(decoding: try JSONCoding.canonical(frontier), as: UTF8.self)
        try db.run(
            "INSERT INTO checkpoints (size, root, frontier) VALUES (?, ?, ?)",
            [frontier.size, Blob(frontier.root), frontierText])
    }

    /// The signed note. Ed25519 is deterministic (RFC 8032): the same head always gives the same bytes.
    func signed(origin: String, by signer: PrivateKey) throws -> String {
        try Checkpoint(origin: origin, size: frontier.size, root: frontier.root).signed(by: [signer])
    }
}
