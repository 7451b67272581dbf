import Model
import Trust

/// The bundles of one state of the registry by their digests, and the Merkle tree over them, in which each spoke has one
/// place. Pure: the same state gives the same root.
struct Publication: Sendable {
    /// What the bundles are compiled from.
    let state: RegistryState
    let body: BundlesPublished
    /// By the spoke's full name.
    private var bundles: [String: Digest] = [:]
    private let tree: SlotTree

    private struct Digest: Sendable {
        var revision: Int64
        var digest: String
        var identity: SPIFFEID
    }

    /// Compiles every bundle whose revision is not that of `before`; the others have the same bytes.
    init(of state: RegistryState, reusing before: Publication?) throws {
        self.state = state
        for spoke in state.topology.spokes {
            let name = spoke.fullName
            if let known = before?.bundles[name], known.revision == state.revision(ofZone: spoke.zone) {
                bundles[name] = known
            } else if let bundle = compileBundle(spoke: spoke, from: state) {
                let digest = digestText(of: try JSONCoding.canonical(bundle))
                bundles[name] = Digest(revision: bundle.revision, digest: digest, identity: bundle.spoke)
            }
        }
        var leaves: [String: [UInt8]] = [:]
        for bundle in bundles.values {
            let leaf = try PublishedBundle(digest: bundle.digest, spoke: bundle.identity).leaf
            leaves[bundle.identity.description] = MerkleTree.leafHash(leaf)
        }
        tree = try SlotTree(leaves)
        body = BundlesPublished(
            revision: bundles.values.map(\.revision).max() ?? 0, root: digestText(tree.root), count: tree.count)
    }

    var spokes: [String] { Array(bundles.keys) }

    /// - Parameter spoke: Full name.
    func digest(of spoke: String) -> String? { bundles[spoke]?.digest }

    /// The way from a spoke's bundle to the root.
    func leaf(of spoke: String) -> DeliveryProof.Leaf? {
        guard let identity = bundles[spoke]?.identity else { return nil }
        let (index, path) = tree.proof(of: identity.description)
        return DeliveryProof.Leaf(index: index, path: ProofText.encode(path))
    }
}
