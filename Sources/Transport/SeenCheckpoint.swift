import Model
import Synchronization
import Trust

/// The newest checkpoint that this side has seen of a hub's ledger, and the judge of the next: a hub that shortens its
/// ledger, or shows another history than before, is found out by the first answer.
package final class SeenCheckpoint: Sendable {
    /// What was seen: a note whose signature held when it was taken, or the start of the epoch, which the manifest vouches for.
    package struct Held: Hashable, Sendable {
        /// Nil for the start.
        package let note: String?
        let checkpoint: Checkpoint
    }

    /// What the judge found, for whoever keeps checkpoints.
    package enum Finding: Hashable, Sendable {
        /// A newer one that extends what was known: to be kept.
        case newer(note: String)
        /// One ledger cannot be both. The notes are evidence.
        case contradiction(held: String, shown: String)
    }

    private let manifest: TrustManifest
    private let held: Mutex<Held?>
    private let found: @Sendable (Finding) -> Void

    /// - Parameters:
    ///   - note: Kept from before; its signature was checked then. Nil, or one that is no checkpoint of the manifest's
    ///     epoch, for nothing known but where that begins.
    ///   - found: Called after each answer that has news.
    package init(manifest: TrustManifest, note: String?, found: @escaping @Sendable (Finding) -> Void) {
        self.manifest = manifest
        self.found = found
        var known = manifest.startCheckpoint.map { Held(note: nil, checkpoint: $0) }
        if let note, let checkpoint = try? Checkpoint(claimedBy: note),
            checkpoint.origin == manifest.origin
        {
            known = Held(note: note, checkpoint: checkpoint)
        }
        held = Mutex(known)
    }

    package var current: Held? { held.withLock { $0 } }

    /// Judges the checkpoint on an answer against the one that went with its request; answers may overtake each other.
    /// - Throws: `no-checkpoint`, `foreign-origin`, `checkpoint-older`, `split-view`, `checkpoint-unproved`, `fork`, and what reading a note
    ///   throws.
    func judge(_ header: String?, after sent: Held?, proof: String?) throws(TransportError) {
        guard let header, let note = CheckpointHeader.decode(header) else {
            throw TransportError(
                "no-checkpoint", "the hub's answer does not say how far its ledger is",
                hint: "hub and program may be of different versions")
        }
        let newest: Checkpoint
        do throws(TrustError) {
            newest = try manifest.verifyCheckpoint(note)
        } catch {
            guard error.code == "below-threshold" else {
                throw TransportError("cannot read the checkpoint of the hub's ledger", because: error)
            }
            let origin = note.prefix { $0 != "\n" }
            guard sameBytes(String(origin), manifest.origin) else {
                throw TransportError(
                    "foreign-origin",
                    "the hub's ledger is \(backticked(String(origin))), the trust manifest names "
                        + backticked(manifest.origin),
                    hint: "a ledger goes back only by a new trust manifest: ask who changed the hub")
            }
            // The manifest was followed before anything else was asked: only a rotation in between explains it.
            throw TransportError(
                "unknown-checkpoint-key",
                "the hub's checkpoint is signed by keys that the trust manifest does not name",
                hint: "give the command again; if it stays, ask who changed the hub")
        }
        if let sent {
            do throws(TrustError) {
                try sent.checkpoint.demandExtended(by: newest, proof: try proof.map(CheckpointHeader.decode(proof:)))
            } catch {
                found(.contradiction(held: sent.note ?? sent.checkpoint.text, shown: note))
                throw TransportError("the hub's ledger is not the one that was seen before", because: error)
            }
        }
        let isNewer = held.withLock { held in
            guard held.map({ newest.size > $0.checkpoint.size }) ?? true else { return false }
            held = Held(note: note, checkpoint: newest)
            return true
        }
        if isNewer { found(.newer(note: note)) }
    }
}
