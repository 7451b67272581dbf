import Foundation
import Model
import Storage
import Trust

/// What a backup says about itself, in `backup.json`.
package struct BackupNote: Hashable, Sendable, Codable {
    static let fileName = "backup.json"

    package var v: Int64
    package var organization: String
    package var origin: String
    /// When it was made.
    package var made: Instant
    /// Entries of the ledger.
    package var size: Int64
    /// `sha256:…`, the Merkle root over them.
    package var root: String
    /// When the newest entry was made.
    package var newest: Instant?
    /// Whether keys and the trust manifest are in it.
    package var keys: Bool

    /// For programs.
    package func json() throws(ModelError) -> [UInt8] { try JSONCoding.canonical(self) }
}

/// `nave-hub backup`: both databases as of one moment each, also while the hub serves, and on demand what makes a hub of
/// them: keys and trust manifest.
package struct HubBackup: Sendable {
    private let directory: HubDirectory
    private let target: String
    private let withKeys: Bool

    /// - Parameter target: Directory to make.
    package init(data: String, target: String, withKeys: Bool, passphrase: [UInt8]? = nil) {
        directory = HubDirectory(data, passphrase: passphrase)
        self.target = target
        self.withKeys = withKeys
    }

    /// The backup gets its name when it is whole, verified and on disk.
    /// - Throws: `not-a-hub`, `exists`, `not-writable`, `disk-full`, `database-damaged`; `not-verified` when the ledger or
    ///   the registry in the copy is not what it should be.
    package func run(now: Instant) throws -> BackupNote {
        umask(0o077)
        let settings = try directory.settings()
        guard !FileManager.default.fileExists(atPath: target) else {
            throw HubError(
                .conflict, "exists", "\(quoted(target)) exists", hint: "a backup never replaces another: name a new one"
            )
        }
        return try PrivateFile.makeWhole(target, suffix: "draft") { try fill(HubDirectory($0), settings, now) }
    }

    private func fill(_ draft: HubDirectory, _ settings: HubSettings, _ now: Instant) throws -> BackupNote {
        try DatabaseCopy.copy(from: directory.path, to: draft.path)
        try HubFiles.demandSound(draft, keys: directory)
        let extent = try DatabaseCopy.extent(of: draft.path)
        for name in try DatabaseCopy.names(in: draft.path) { try HubFiles.flush(draft.file(name)) }
        let noted = EpochNeed.isNoted(in: directory) ? [EpochNeed.fileName] : []
        let origin = try ManifestChain(try HubDatabase.manifests(directory: draft.path)).newest.origin
        let files = withKeys ? try HubFiles.small(in: directory.path) : ["settings.json"] + noted
        try HubFiles.copy(files, from: directory.path, to: draft.path)
        let note = BackupNote(
            v: 1, organization: settings.organization, origin: origin, made: now, size: extent.size,
            root: digestText(extent.root), newest: extent.newest, keys: withKeys)
        try PrivateFile.create(draft.file(BackupNote.fileName), try note.json())
        PrivateFile.flushDirectory(of: draft.file(BackupNote.fileName))
        return note
    }
}
