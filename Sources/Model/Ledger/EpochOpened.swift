/// The ledger went back: it goes on from its first entries under another origin, and what it had beyond is given up. The
/// trust manifest that says the same is published in the same append.
package struct EpochOpened: Hashable, Sendable, Codable {
    package var epoch: Int64
    /// Of the checkpoints from here on, `corp.example/nave/2`.
    package var origin: String
    /// How many entries stay: the index of this one.
    package var size: Int64
    /// `sha256:…`, the Merkle root over them.
    package var root: String

    package init(epoch: Int64, origin: String, size: Int64, root: String) {
        self.epoch = epoch
        self.origin = origin
        self.size = size
        self.root = root
    }
}
