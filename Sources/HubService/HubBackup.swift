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
    /// A key takes another's place within a moment and seldom.
    private static let attempts = 5

    private let directory: HubDirectory
    private let target: String
    private let withKeys: Bool
    private let passphrase: [UInt8]?
    private let copyDatabases: @Sendable (_ source: String, _ target: String) throws -> Void

    /// - Parameters:
    ///   - target: Directory to make.
    ///   - passphrase: Of the private keys, which are opened where they are in the backup; nil where they lie in clear.
    package init(
        data: String, target: String, withKeys: Bool, passphrase: [UInt8]? = nil,
        copyDatabases: @escaping @Sendable (_ source: String, _ target: String) throws -> Void = {
            try DatabaseCopy.copy(from: $0, to: $1)
        }
    ) {
        directory = HubDirectory(data, passphrase: passphrase)
        self.target = target
        self.withKeys = withKeys
        self.passphrase = passphrase
        self.copyDatabases = copyDatabases
    }

    /// The backup gets its name when it is whole, verified and on disk.
    /// - Throws: `not-a-hub`, `exists`, `not-writable`, `disk-full`, `database-damaged`; `not-verified` when the ledger or
    ///   the registry in the copy is not what it should be; with keys `keys-changing`, and what opening them throws.
    package func run(now: Instant) throws -> BackupNote {
        umask(0o077)
        let settings = try directory.settings()
        guard !FileManager.default.fileExists(atPath: target) else {
            throw HubError(
                .conflict, "exists", "\(quoted(target)) exists", hint: "a backup never replaces another: name a new one"
            )
        }
        return try PrivateFile.makeWhole(target, suffix: "draft") {
            try fill(HubDirectory($0, passphrase: passphrase), settings, now)
        }
    }

    private func fill(_ draft: HubDirectory, _ settings: HubSettings, _ now: Instant) throws -> BackupNote {
        try copy(to: draft)
        try HubFiles.demandSound(draft, keys: withKeys ? draft : directory)
        let extent = try DatabaseCopy.extent(of: draft.path)
        for name in try DatabaseCopy.names(in: draft.path) { try HubFiles.flush(draft.file(name)) }
        let origin = try ManifestChain(try HubDatabase.manifests(directory: draft.path)).newest.origin
        let note = BackupNote(
            v: 1, organization: settings.organization, origin: origin, made: now, size: extent.size,
            root: digestText(extent.root), newest: extent.newest, keys: withKeys)
        try PrivateFile.create(draft.file(BackupNote.fileName), try note.json())
        PrivateFile.flushDirectory(of: draft.file(BackupNote.fileName))
        return note
    }

    /// Copies the databases, and directly after them what belongs to them: verifying them takes minutes, and a key that took
    /// another's place in that time would be none of the copied ledger. Where one did so in between, both are copied again.
    private func copy(to draft: HubDirectory) throws {
        guard withKeys else {
            try copyDatabases(directory.path, draft.path)
            let noted = EpochNeed.isNoted(in: directory) ? [EpochNeed.fileName] : []
            return try HubFiles.copy(["settings.json"] + noted, from: directory.path, to: draft.path)
        }
        for _ in 0..<Self.attempts {
            if try isCopiedWithKeys(to: draft) { return }
            for name in try FileManager.default.contentsOfDirectory(atPath: draft.path) {
                try FileManager.default.removeItem(atPath: draft.file(name))
            }
        }
        throw HubError(
            .conflict, "keys-changing", "keys of the hub took the place of others whenever they were copied",
            hint: "make the backup when nobody takes steps of authorities or of the trust manifest")
    }

    private func isCopiedWithKeys(to draft: HubDirectory) throws -> Bool {
        let missing = try HubFiles.missingKeys(in: directory)
        try copyDatabases(directory.path, draft.path)
        let files = try HubFiles.small(in: directory.path)
        do { try HubFiles.copy(files, from: directory.path, to: draft.path) } catch let error as HubError
            where error.code == "no-file"
        {
            // It has another name now.
            return false
        }
        // A key that the hub itself has not got is none that the backup lost.
        return try HubFiles.missingKeys(in: draft).isSubset(of: missing)
    }
}
