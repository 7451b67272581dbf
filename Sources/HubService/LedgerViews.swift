import Model
import Storage
import Trust

/// What auditors read of the ledger: rows with the values revealed, the bytes as they are, the newest checkpoint.
package struct LedgerViews: Sendable {
    /// Of leaves in one answer, so that it stays below what a client takes.
    private static let maximumBytes = 8 << 20

    private let ledger: HubLedger

    package init(ledger: HubLedger) { self.ledger = ledger }

    /// - Throws: `bad-query`.
    package func entries(_ query: Query) async throws -> [LedgerRow] {
        let limit = try query.limit()
        let found = try await ledger.proofs.entries(
            from: try query.index("since") ?? 0, type: query["type"], limit: limit)
        return found.map { index, json in
            LedgerRow(
                index: index, type: json["type"]?.string ?? "", at: json["at"]?.string ?? "", by: json["by"] ?? .null,
                why: json["why"]?.string, body: json["body"] ?? .null)
        }
    }

    /// Leaves below `size`, from `since` on, as many as fit; and the notes of sizes that they reach.
    /// - Throws: `bad-query`.
    package func leaves(_ query: Query) async throws -> LedgerLeaves {
        let first = try query.index("since") ?? 0
        let newest = ledger.snapshot.size
        let size = min(try query.index("size") ?? newest, newest)
        let found = try await ledger.proofs.leaves(from: first, limit: try query.limit(standard: 1000), size: size)
        var entries: [String] = []
        var bytes = 0
        for leaf in found where entries.isEmpty || bytes + leaf.bytes.count <= Self.maximumBytes {
            guard leaf.index == first + Int64(entries.count) else { break }
            bytes += leaf.bytes.count
            entries.append(Base64.encode(leaf.bytes))
        }
        let last = first + Int64(entries.count)
        let notes = entries.isEmpty ? [] : try await ledger.proofs.notes(sizes: (first + 1)...last)
        return LedgerLeaves(first: first, entries: entries, checkpoints: notes)
    }

    /// - Throws: `bad-query`; `out-of-range` for a size that this ledger never had.
    package func checkpoint(_ query: Query) async throws -> CheckpointAnswer {
        let newest = ledger.snapshot
        guard let since = try query.index("since") else { return CheckpointAnswer(checkpoint: newest.checkpoint) }
        let proof = try await ledger.proofs.consistencyProof(first: since, second: newest.size)
        return CheckpointAnswer(
            checkpoint: newest.checkpoint,
            consistency: ConsistencyProof(size: since, path: ProofText.encode(proof)))
    }
}

extension Query {
    /// A ledger index or size.
    /// - Throws: `bad-query`.
    fileprivate func index(_ name: String) throws(HubError) -> Int64? {
        guard let text = self[name] else { return nil }
        guard let index = Int64(text), index >= 0 else {
            throw HubError(.invalid, "bad-query", "\(quoted(text)) is not an index of the ledger")
        }
        return index
    }
}
