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
    private let passphrase: [UInt8]?

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
        /// Of the lost entries, how many of each type; nil when nobody can say.
        package var lost: [String: Int]?
        /// Why the ledger must not go on in its epoch; nil when it may.
        package var need: String?
        /// Why the hub could not start with the keys that were restored; nil when it could.
        package var unheldKey: String?

        /// For people.
        package var text: String {
            let newest = note.newest.map { " of \($0)" } ?? ""
            let unheld = unheldKey.map { "\nIT CANNOT START YET: \($0)" } ?? ""
            let head =
                "hub of \(note.organization) restored in \(data): \(note.size) entries, the newest\(newest)\(unheld)"
            guard let need else {
                return "\(head)\nit ends where the lost one ended: spokes go on with it\n"
                    + "start it: nave-hub serve --data \(data)"
            }
            return [head, warning, need + ": `serve` refuses until a trust manifest names a new epoch"].joined(
                separator: "\n") + "\n  " + EpochNeed.steps(data).joined(separator: "\n  ") + "\n" + losses
        }

        private var warning: String {
            switch standing {
            case .same: "it ends where the lost one ended"
            case .unknown:
                "it is not known whether the hub had decided more since the backup was made at \(note.made)"
            case .shorter: "THE LAST \(missing ?? 0) ENTRIES ARE LOST: the old ledger was longer"
            case .other: "THIS IS NOT THE HISTORY of the old directory"
            }
        }

        private var losses: String {
            let counted = lost.map { lost in
                lost.isEmpty
                    ? "" : "\nlost: " + lost.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", ")
            }
            return """
                What the hub decided since the backup is undone. Look after:
                  revocations   give each again with `epoch open --revoke SPIFFE-ID`, before anything is served; one certificate's,
                                and an authority's that retired, with `--revoke-serial SERIAL`; one that still issues here is
                                followed after the start: `nave authority prepare`, `activate`, `taint`, `retire --force`
                  certificates  issued since, they are unknown here but good until they end: revoke who should not be there
                  topology      apply the files again
                  reviews       answers since are gone; rules and grants are as they were
                  join tokens   opening the epoch voids all that were out: invite again
                """ + (counted ?? "")
        }

        /// For programs.
        package var json: [UInt8] {
            JSON.object(
                JSONObject([
                    ("data", .string(data)), ("size", .number(JSONNumber(note.size))), ("root", .string(note.root)),
                    ("standing", .string(standing.rawValue)),
                    ("missing", missing.map { .number(JSONNumber($0)) } ?? .null),
                    ("epochNeeded", .bool(need != nil)), ("keysHeld", .bool(unheldKey == nil)),
                ])
            ).canonicalBytes
        }
    }

    /// - Parameters:
    ///   - keys: Where keys and trust manifest are: another backup or a data directory; nil for the backup itself.
    ///   - previous: What is left of the data directory that this replaces, to compare with.
    ///   - passphrase: Of the private keys; nil where they lie in clear.
    package init(backup: String, data: String, keys: String?, previous: String?, passphrase: [UInt8]? = nil) {
        self.passphrase = passphrase
        self.backup = HubDirectory(backup)
        self.data = withoutTrailingSlash(data)
        self.keys = HubDirectory(keys ?? backup)
        self.previous = previous
    }

    /// Everything is made in a sibling of the data directory, which then gets its name.
    /// - Throws: `not-a-backup`, `not-empty`, `no-keys`, `not-verified`, `passphrase-missing`, `wrong-passphrase`,
    ///   `not-writable`, `disk-full`.
    package func run() throws -> Outcome {
        umask(0o077)
        guard FileManager.default.fileExists(atPath: backup.file(BackupNote.fileName)) else {
            throw HubError(
                .notFound, "not-a-backup", "\(quoted(backup.path)) holds no backup", hint: "`nave-hub backup` makes one"
            )
        }
        let note = try JSONCoding.decode(
            BackupNote.self, from: try PrivateFile.read(backup.file(BackupNote.fileName)))
        try PrivateFile.demandEmpty(data, hint: "move the old one away; --previous then compares with it")
        guard FileManager.default.fileExists(atPath: keys.file("keys")) else {
            throw HubError(
                .notFound, "no-keys", "\(quoted(keys.path)) holds no keys",
                hint: "name a backup that was made --with-keys, or a data directory: --keys DIR")
        }
        var outcome = try compared(note)
        (outcome.need, outcome.unheldKey) = try PrivateFile.makeWhole(data, suffix: "restore") { path in
            let draft = HubDirectory(path, passphrase: passphrase)
            try fill(draft, note)
            return (try need(outcome, draft), try unheldKey(draft))
        }
        return outcome
    }

    private func fill(_ draft: HubDirectory, _ note: BackupNote) throws {
        try DatabaseCopy.copy(from: backup.path, to: draft.path)
        for name in try DatabaseCopy.names(in: draft.path) { try HubFiles.flush(draft.file(name)) }
        // The settings are the backup's, all else of trust is where the keys are.
        let trust = try HubFiles.small(in: keys.path).filter { !["settings.json", EpochNeed.fileName].contains($0) }
        try HubFiles.copy(["settings.json"], from: backup.path, to: draft.path)
        try HubFiles.copy(trust, from: keys.path, to: draft.path)
        // Of a hub without zones it is empty, and directories come with their files.
        let zones = draft.file("keys/zones")
        if !FileManager.default.fileExists(atPath: zones) { try PrivateFile.makeDirectory(zones) }
        try HubFiles.demandSound(draft, keys: draft)
        let extent = try DatabaseCopy.extent(of: draft.path)
        guard extent.size == note.size, digestText(extent.root) == note.root else {
            throw HubError(
                .broken, "not-verified", "the ledger in \(quoted(backup.path)) is not the one that was backed up",
                hint: "use an older backup, and keep this one as evidence")
        }
    }

    /// Judges whether the ledger may go on in its epoch, and leaves a note of it where not.
    private func need(_ outcome: Outcome, _ draft: HubDirectory) throws -> String? {
        let (chain, inLedger) = try draft.longestChain()
        // Also says whether the passphrase opens them, before there is a hub that could not start.
        let holdsKeys = try OnlineKeys.areHeld(chain.newest, in: draft)
        let reason: String? =
            if outcome.standing != .same {
                "what it decided since the backup is not in its ledger"
            } else if chain.newest.version > inLedger.newest.version {
                "version \(chain.newest.version) of the trust manifest is not in its ledger"
            } else if EpochNeed.isNoted(in: backup) {
                "it was backed up before its new epoch was opened"
            } else if !holdsKeys {
                "the keys are not those of version \(chain.newest.version) of the trust manifest"
            } else {
                nil
            }
        guard let reason else { return nil }
        // A key that waited may have been in force in what was lost.
        for role in OnlineKeys.roles { try draft.dropNextKey(role) }
        let records = try HubDatabase.authorities(directory: draft.path)
        let authorities = try [AuthorityName.root, AuthorityName.organization] + draft.zonesWithAuthority()
        for name in authorities.map({ AuthorityName($0) }) where draft.hasNextKey(name) {
            // One that is in force already stands there where the process died, or the disk failed, before its rename.
            let active = try records.last { $0.name == name.text && $0.state == .active }?.decoded()
            if try active.flatMap({ try draft.heldKey(name, of: $0) })?.isNext == true { continue }
            try draft.dropNextKey(name)
        }
        try EpochNeed(origin: inLedger.newest.origin, reason: reason).keep(in: draft)
        return reason
    }

    private func unheldKey(_ draft: HubDirectory) throws -> String? {
        do {
            try Authority.demandOrganizationKey(in: draft, try HubDatabase.authorities(directory: draft.path))
            return nil
        } catch let error as HubError where error.code == "authority-key-missing" {
            return [error.message, error.hint].compactMap(\.self).joined(separator: "; ")
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
        guard missing > 0 else { return Outcome(note: note, data: data, standing: .same, missing: 0) }
        let lost = try? DatabaseCopy.types(from: note.size, in: previous)
        return Outcome(note: note, data: data, standing: .shorter, missing: missing, lost: lost)
    }

    /// What is lost cannot be compared with; anything else that goes wrong is an error.
    private static let unreadable: Set<String> = ["database-damaged", "ledger-damaged"]
}
