import Model

/// Proofs to one checkpoint: made once, since most spokes hold the same checkpoint and leases are renewed for all of them.
struct LedgerProofCache {
    private(set) var size: Int64 = -1
    private var inclusion: [Int64: [String]] = [:]
    private var consistency: [Int64: ConsistencyProof] = [:]

    /// Forgets everything when the head has moved.
    mutating func move(to size: Int64) {
        guard size != self.size else { return }
        self = LedgerProofCache()
        self.size = size
    }

    func inclusion(of index: Int64) -> [String]? { inclusion[index] }
    func consistency(from first: Int64) -> ConsistencyProof? { consistency[first] }

    /// - Parameter size: of the head that the proof leads to; one of an older head is not kept.
    mutating func keep(inclusion proof: [String], of index: Int64, size: Int64) {
        if size == self.size { inclusion[index] = proof }
    }

    mutating func keep(_ proof: ConsistencyProof, size: Int64) {
        if size == self.size { consistency[proof.size] = proof }
    }
}
