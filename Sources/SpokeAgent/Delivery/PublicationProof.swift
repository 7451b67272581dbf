import Model
import Trust

/// Shows that a bundle's digest was published in the ledger that a checkpoint signs. Pure. Three steps, each on hashes that
/// the one before has proved: the entry is in the ledger, the root is in the entry, the digest is under the root.
struct PublicationProof {
    /// An entry of that type is short; a hub that sends more means no good.
    private static let maximumEntryBytes = 4096

    private let proof: DeliveryProof

    init(_ proof: DeliveryProof) { self.proof = proof }

    /// - Parameter checkpoint: one whose signature held.
    /// - Throws: `bad-proof`; `not-logged` when the ledger has no such entry; `not-published` when the entry does not hold the
    ///   digest for that spoke in the one place that it has there.
    func demand(_ digest: String, for spoke: SPIFFEID, in checkpoint: Checkpoint) throws {
        guard proof.entry.utf8.count <= Self.maximumEntryBytes, let entry = Base64.decode(proof.entry) else {
            throw SpokeError("bad-proof", "the publication's entry is not Base 64 of at most 4096 characters")
        }
        do throws(TrustError) {
            try MerkleTree.verifyInclusion(
                leafHash: MerkleTree.leafHash(entry), index: proof.index, size: checkpoint.size,
                proof: try ProofText.decode(proof.inclusion), root: checkpoint.root)
        } catch {
            throw SpokeError("not-logged", "the ledger has no such publication: \(error.message)")
        }
        let published = try published(entry)
        guard isDigestText(published.root), let root = Hex.decode(String(published.root.dropFirst("sha256:".count)))
        else { throw SpokeError("not-published", "the publication names no root") }
        let leaf = try PublishedBundle(digest: digest, spoke: spoke).leaf
        do throws(TrustError) {
            try SlotTree.verify(
                MerkleTree.leafHash(leaf), of: spoke.description, index: proof.leaf.index, count: published.count,
                proof: try ProofText.decode(proof.leaf.path), root: root)
        } catch {
            throw SpokeError("not-published", "the publication does not hold this bundle: \(error.message)")
        }
    }

    private func published(_ bytes: [UInt8]) throws -> BundlesPublished {
        guard case .bundlesPublished(let published) = try Entry(JSON(parsing: bytes)).event else {
            throw SpokeError("not-published", "entry \(proof.index) of the ledger is no publication")
        }
        return published
    }
}
