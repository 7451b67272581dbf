import Foundation
import Model
import Storage
import Trust

/// `nave-hub restore`: makes a data directory of a backup, after verifying it.
package struct HubRestore: Sendable {
    private let backup: HubDirectory
    private let data: String
    private let keys: HubDirectory
    private let previous: String?

    /// How the restored ledger stands to the one that was lost.
    package enum Standing: String, Hashable, Sendable {
        /// Nobody can say: there is nothing left of the other.
        case unknown
        /// Both end at the same entry.
        case same
        /// The other had decided more since.
        case shorter
        /// They are two histories.
        case other
    }

    package struct Outcome: Hashable, Sendable {
        package var note: BackupNote
        package var data: String
        package var standing: Standing
        /// Entries of the lost ledger that the backup does not have; nil when nobody can say.
        package var missing: Int64?

        /// For people.
        package var text: String {
            let newest = note.newest.map { " of \($0)" } ?? ""
            let head = "hub of \(note.organization) restored in \(data): \(note.size) entries, the newest\(newest)"
            return "\(head)\n\(warning)\nstart it: nave-hub serve --data \(data)"
        }

        private static let refusal = """
            Spokes and people that have seen more than this ledger holds will refuse what this hub sends, and enforce what \
            they have until it goes stale, until a trust manifest names a new epoch.
            """

        private var warning: String {
            switch standing {
            case .same: "it ends where the lost one ended: spokes go on with it"
            case .unknown:
                "it is not known whether the hub had decided more since the backup was made at \(note.made).\n"
                    + Self.refusal
            case .shorter: "THE LAST \(missing ?? 0) ENTRIES ARE LOST: the old ledger was longer.\n" + Self.refusal
            case .other: "THIS IS NOT THE HISTORY of the old directory.\n" + Self.refusal
            }
        }

        /// For programs.
        package var json: [UInt8] {
            JSON.object(
                JSONObject([
                    ("data", .string(data)), ("size", .number(JSONNumber(note.size))), ("root", .string(note.root)),
                    ("standing", .string(standing.rawValue)),
                    ("missing", missing.map { .number(JSONNumber($0)) } ?? .null),
                ])
            ).canonicalBytes
        }
    }

    /// - Parameters:
    ///   - keys: Where keys and trust manifest are: another backup or a data directory; nil for the backup itself.
    ///   - previous: What is left of the data directory that this replaces, to compare with.
    package init(backup: String, data: String, keys: String?, previous: String?) {
        self.backup = HubDirectory(backup)
        var trimmed = data
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.data = trimmed
        self.keys = HubDirectory(keys ?? backup)
        self.previous = previous
    }

    /// Everything is made in a sibling of the data directory, which then gets its name.
    /// - Throws: `not-a-backup`, `not-empty`, `no-keys`, `not-verified`, `not-writable`, `disk-full`.
    package func run() throws -> Outcome {
        umask(0o077)
        guard FileManager.default.fileExists(atPath: backup.file(BackupNote.fileName)) else {
            throw HubError(
                .notFound, "not-a-backup", "\(quoted(backup.path)) holds no backup", hint: "`nave-hub backup` makes one"
            )
        }
        let note = try JSONCoding.decode(
            BackupNote.self, from: try PrivateFile.read(backup.file(BackupNote.fileName)))
        try demandEmpty()
        guard FileManager.default.fileExists(atPath: keys.file("keys")) else {
            throw HubError(
                .notFound, "no-keys", "\(quoted(keys.path)) holds no keys",
                hint: "name a backup that was made --with-keys, or a data directory: --keys DIR")
        }
        let outcome = try compared(note)
        let draft = HubDirectory("\(data).restore-\(Hex.encode(try randomBytes(8)))")
        try PrivateFile.makeDirectory(draft.path)
        do {
            try fill(draft, note)
            guard rename(draft.path, data) == 0 else {
                throw HubError(.unavailable, "not-writable", "cannot make \(quoted(data)): \(PrivateFile.reason())")
            }
            PrivateFile.flushDirectory(of: data)
            return outcome
        } catch {
            try? FileManager.default.removeItem(atPath: draft.path)
            throw error
        }
    }

    private func fill(_ draft: HubDirectory, _ note: BackupNote) throws {
        try DatabaseCopy.copy(from: backup.path, to: draft.path)
        for name in try DatabaseCopy.names(in: draft.path) { try HubFiles.flush(draft.file(name)) }
        // The settings are the backup's, all else of trust is where the keys are.
        let trust = try HubFiles.small(in: keys.path).filter { $0 != "settings.json" }
        try HubFiles.copy(["settings.json"], from: backup.path, to: draft.path)
        try HubFiles.copy(trust, from: keys.path, to: draft.path)
        try HubFiles.demandSound(draft, keys: draft)
        let extent = try DatabaseCopy.extent(of: draft.path)
        guard extent.size == note.size, digestText(extent.root) == note.root else {
            throw HubError(
                .broken, "not-verified", "the ledger in \(quoted(backup.path)) is not the one that was backed up",
                hint: "use an older backup, and keep this one as evidence")
        }
    }

    private func demandEmpty() throws {
        guard FileManager.default.fileExists(atPath: data) else { return }
        let names = try? FileManager.default.contentsOfDirectory(atPath: data)
        guard names?.isEmpty == true else {
            throw HubError(
                .conflict, "not-empty", "\(quoted(data)) is not an empty directory",
                hint: "move the old one away; --previous then compares with it")
        }
    }

    private func compared(_ note: BackupNote) throws -> Outcome {
        guard let previous else { return Outcome(note: note, data: data, standing: .unknown, missing: nil) }
        guard FileManager.default.fileExists(atPath: "\(previous)/\(HubDatabase.fileName)") else {
            throw HubError(.notFound, "no-file", "\(quoted(previous)) holds no ledger to compare with")
        }
        let extent: LedgerExtent
        let rootThen: [UInt8]?
        do {
            extent = try DatabaseCopy.extent(of: previous)
            rootThen = try DatabaseCopy.root(at: note.size, in: previous)
        } catch let error as StorageError where Self.unreadable.contains(error.code) {
            return Outcome(note: note, data: data, standing: .unknown, missing: nil)
        }
        guard let rootThen, digestText(rootThen) == note.root else {
            return Outcome(note: note, data: data, standing: .other, missing: nil)
        }
        let missing = extent.size - note.size
        return Outcome(note: note, data: data, standing: missing == 0 ? .same : .shorter, missing: missing)
    }

    /// What is lost cannot be compared with; anything else that goes wrong is an error.
    private static let unreadable: Set<String> = ["database-damaged", "ledger-damaged"]
}
