import Foundation
import Model
import Transport
import Trust

/// The newest checkpoint of each hub's ledger that this person's commands have seen, in `~/.cache/nave/checkpoints/`. It is
/// shared by all contexts of the same ledger: the more eyes, the harder it is to show each another history.
package struct KeptCheckpoint: Sendable {
    /// The note itself, as the hub signed it.
    package let path: String

    /// A ledger is its origin under a root: a hub that was made anew under the same name is another ledger.
    package init(cache: String, manifest: TrustManifest, roots: [Certificate]) {
        let keys = roots.map(\.publicKey.spkiDigest).sorted().joined(separator: " ")
        let name = Hex.encode(SHA256.hash(Array("\(manifest.origin) \(keys)".utf8)).prefix(8))
        path = "\(cache)/checkpoints/\(name)"
    }

    package var note: String? {
        (try? PrivateFile.read(path)).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Where the note is kept that contradicts the one kept.
    package var evidence: String { "\(path).contradiction" }

    /// Keeps a note if it is newer than the one there: another command may have kept a newer one meanwhile. A cache that
    /// cannot be written is no reason to fail.
    package func keep(_ note: String) {
        func size(_ note: String) -> Int64? { (try? Checkpoint(claimedBy: note))?.size }
        if let known = self.note.flatMap(size), let new = size(note), new <= known { return }
        try? PrivateFile.replace(path, with: Array(note.utf8))
    }

    /// - Returns: Nil where there is no place to keep anything.
    static func of(_ opened: OpenedContext) -> KeptCheckpoint? {
        guard let store = try? ContextStore(environment: ProcessInfo.processInfo.environment) else { return nil }
        return KeptCheckpoint(cache: store.cache, manifest: opened.manifest, roots: opened.roots)
    }

    /// What was seen under one version of the trust manifest stays known under the next, whatever roots that names; but not
    /// in another epoch, whose ledger is another.
    static func carry(from old: OpenedContext, to new: OpenedContext) {
        guard old.manifest.origin == new.manifest.origin, let note = of(old)?.note else { return }
        of(new)?.keep(note)
    }

    /// What a hub client asks and tells.
    /// - Returns: Nil where there is no place to keep anything.
    static func seen(of opened: OpenedContext) -> SeenCheckpoint? {
        guard let kept = of(opened) else { return nil }
        return SeenCheckpoint(manifest: opened.manifest, note: kept.note) { finding in
            switch finding {
            case .newer(let note): kept.keep(note)
            case .contradiction(_, let shown):
                try? PrivateFile.replace(kept.evidence, with: Array(shown.utf8))
                Terminal.current.say(
                    "ALARM: THE HUB SHOWS A LEDGER THAT CONTRADICTS THE ONE IT SHOWED BEFORE. Do not change anything "
                        + "through it.\n  seen before: \(kept.path)\n  shown now:   \(kept.evidence)")
            }
        }
    }
}
