import Model

/// Epochs. A ledger only grows, so a hub that lost entries looks like one that lies. The way out is a version of the manifest
/// with the next origin, and with the tree that history goes on from: who walks to it gives up what the epoch before had
/// beyond, and nothing else makes anybody do that.
extension TrustManifest {
    /// Where an epoch begins.
    package struct Start: Codable, Hashable, Sendable {
        /// How many entries of the epochs before stay.
        package var size: Int64
        /// `sha256:<hex>`, the Merkle root over them.
        package var root: String

        package init(size: Int64, root: String) {
            self.size = size
            self.root = root
        }
    }

    /// The number at the end of `origin`; nil for one that is not `ORGANIZATION/nave/EPOCH`.
    package var epoch: Int64? {
        let prefix = "\(organization)/nave/"
        guard origin.hasPrefix(prefix) else { return nil }
        let digits = origin.dropFirst(prefix.count)
        return Int64(digits).flatMap { $0 > 0 && String($0) == digits ? $0 : nil }
    }

    /// The tree that the epoch goes on from, as a checkpoint of this epoch; nil in the first.
    package var startCheckpoint: Checkpoint? {
        guard let start, let root = Hex.decode(String(start.root.dropFirst("sha256:".count))) else { return nil }
        return try? Checkpoint(origin: origin, size: start.size, root: root)
    }

    func nextOrigin() throws(TrustError) -> String {
        guard let epoch, epoch < .max else {
            throw TrustError("not-next-epoch", "the origin \(backticked(origin)) counts no epochs")
        }
        return "\(organization)/nave/\(epoch + 1)"
    }

    /// Demands the epoch of the version before, or the next one with its start.
    func demandEpoch(after current: TrustManifest) throws(TrustError) {
        guard !sameBytes(origin, current.origin) else {
            guard start == current.start else {
                throw TrustError(
                    "start-moved",
                    "version \(version) of the trust manifest lets the epoch of version "
                        + "\(current.version) begin elsewhere")
            }
            return
        }
        guard sameBytes(origin, try current.nextOrigin()) else {
            throw TrustError(
                "not-next-epoch",
                "the trust manifest names the ledger \(backticked(origin)), which is not the epoch after "
                    + backticked(current.origin))
        }
        guard start != nil else {
            throw TrustError("no-start", "the trust manifest does not say where \(backticked(origin)) begins")
        }
    }
}

extension Checkpoint {
    /// Demands that epochs which begin with these versions leave what was seen as it is, as far as that can be told by sizes
    /// and roots alone: a start of the same size has the same root.
    /// - Parameter manifests: Walked over since, in order; versions of the same epoch are passed over.
    /// - Throws: `split-view`.
    package func demandKept(by manifests: [TrustManifest]) throws(TrustError) {
        var known = self
        for manifest in manifests where !sameBytes(manifest.origin, known.origin) {
            guard let start = manifest.startCheckpoint else { continue }
            guard start.size != known.size || start.root == known.root else {
                throw TrustError(
                    "split-view",
                    "\(backticked(manifest.origin)) begins at \(start.size) entries with another root than was seen",
                    hint: "the restored ledger is not the one that was lost: keep both as evidence")
            }
            // What lies behind the start is given up; what lies before it is still known.
            known = start.size < known.size ? start : known
            known.origin = manifest.origin
        }
    }
}
