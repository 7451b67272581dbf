import Model
import Trust

/// The bundles of one state of the registry by their digests, and the Merkle tree over them (RFC 9162). Pure: the same
/// state gives the same root.
struct Publication: Sendable {
    /// What the bundles are compiled from.
    let state: RegistryState
    let body: BundlesPublished
    /// By the spoke's full name.
    private var bundles: [String: Digest] = [:]
    private let nodes: [MerkleNode: [UInt8]]

    private struct Digest: Sendable {
        var revision: Int64
        var digest: String
        var identity: SPIFFEID
        var index: Int64 = 0
    }

    /// Compiles every bundle whose revision is not that of `before`; the others have the same bytes.
    init(of state: RegistryState, reusing before: Publication?) throws {
        self.state = state
        var all: [(name: String, digest: Digest)] = []
        var revision: Int64 = 0
        for spoke in state.topology.spokes {
            let name = spoke.fullName
            if let known = before?.bundles[name], known.revision == state.revision(ofZone: spoke.zone) {
                all.append((name, known))
            } else if let bundle = compileBundle(spoke: spoke, from: state) {
                let digest = digestText(of: try JSONCoding.canonical(bundle))
                all.append((name, Digest(revision: bundle.revision, digest: digest, identity: bundle.spoke)))
            }
        }
        all.sort { $0.digest.identity.description < $1.digest.identity.description }
        var tree = MerkleFrontier()
        var nodes: [MerkleNode: [UInt8]] = [:]
        for (name, digest) in all {
            var digest = digest
            digest.index = tree.size
            let leaf = try PublishedBundle(digest: digest.digest, spoke: digest.identity).leaf
            tree.append(leafHash: MerkleTree.leafHash(leaf)) { nodes[$0] = $1 }
            bundles[name] = digest
            revision = max(revision, digest.revision)
        }
        self.nodes = nodes
        body = BundlesPublished(revision: revision, root: digestText(tree.root), count: tree.size)
    }

    var spokes: [String] { Array(bundles.keys) }

    /// - Parameter spoke: Full name.
    func digest(of spoke: String) -> String? { bundles[spoke]?.digest }

    /// The way from a spoke's bundle to the root.
    func leaf(of spoke: String) throws -> DeliveryProof.Leaf? {
        guard let index = bundles[spoke]?.index else { return nil }
        let path = try MerkleNodes.inclusionProof(index: index, size: body.count).map { fold in
            try fold.hash { node in
                guard let hash = nodes[node] else {
                    throw HubError(.broken, "internal", "the publication lacks a node of its tree")
                }
                return hash
            }
        }
        return DeliveryProof.Leaf(index: index, path: ProofText.encode(path))
    }
}
