import Model
import Synchronization
import Trust

/// The newest checkpoint that this side has seen of a hub's ledger, and the judge of the next: a hub that shortens its
/// ledger, or shows another history than before, is found out by the first answer.
package final class SeenCheckpoint: Sendable {
    /// A note whose signature held when it was taken.
    package struct Held: Hashable, Sendable {
        package let note: String
        let checkpoint: Checkpoint
    }

    /// What the judge found, for whoever keeps checkpoints.
    package enum Finding: Hashable, Sendable {
        /// A newer one that extends what was known: to be kept.
        case newer(note: String)
        /// Signed by keys that our manifest does not name: not compared.
        case unknownKeys
        /// One ledger cannot be both. The notes are evidence.
        case contradiction(held: String, shown: String)
    }

    private let manifest: TrustManifest
    private let held: Mutex<Held?>
    private let found: @Sendable (Finding) -> Void

    /// - Parameters:
    ///   - note: Kept from before; its signature was checked then. Nil, or one that is no checkpoint of the manifest's
    ///     ledger, for nothing known.
    ///   - found: Called after each answer that has news.
    package init(manifest: TrustManifest, note: String?, found: @escaping @Sendable (Finding) -> Void) {
        self.manifest = manifest
        self.found = found
        var known: Held?
        if let note, let text = try? SignedNote(parsing: note).text, let checkpoint = try? Checkpoint(text: text),
            checkpoint.origin == manifest.origin
        {
            known = Held(note: note, checkpoint: checkpoint)
        }
        held = Mutex(known)
    }

    package var current: Held? { held.withLock { $0 } }

    /// Judges the checkpoint on an answer against the one that went with its request; answers may overtake each other.
    /// - Throws: `no-checkpoint`, `checkpoint-older`, `split-view`, `checkpoint-unproved`, `fork`, and what reading a note
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
            // After a rotation of keys that this side has not followed yet.
            if error.code == "below-threshold" { return found(.unknownKeys) }
            throw TransportError("cannot read the checkpoint of the hub's ledger", because: error)
        }
        if let sent {
            do throws(TrustError) {
                try sent.checkpoint.demandExtended(by: newest, proof: try proof.map(CheckpointHeader.decode(proof:)))
            } catch {
                found(.contradiction(held: sent.note, shown: note))
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
