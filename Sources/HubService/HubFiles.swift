import Foundation
import Model
import Storage
import Trust

/// The files of a data directory beside its databases, and copying them.
enum HubFiles {
    /// Settings, keys and what belongs to trust: everything but databases, the lock, and what a dead process left half
    /// written. Paths relative to the directory, sorted.
    static func small(in directory: String) throws -> [String] {
        guard let walk = FileManager.default.enumerator(atPath: directory) else { return [] }
        return walk.compactMap { $0 as? String }.filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(directory)/\(name)", isDirectory: &isDirectory)
                && !isDirectory.boolValue && name != "lock" && name != BackupNote.fileName
                && !name.hasSuffix(".new") && !name.hasPrefix("hub.sqlite") && !name.hasPrefix("usage.sqlite")
        }.sorted()
    }

    /// Copies small files, directories on the way included, mode 0600 and 0700, each flushed.
    static func copy(_ names: [String], from source: String, to target: String) throws {
        for name in names {
            var folder = target
            for part in name.split(separator: "/").dropLast() {
                folder += "/\(part)"
                if !FileManager.default.fileExists(atPath: folder) { try PrivateFile.makeDirectory(folder) }
            }
            try PrivateFile.create(
                "\(target)/\(name)", try PrivateFile.read("\(source)/\(name)", maximumBytes: 64 << 20))
            PrivateFile.flushDirectory(of: "\(target)/\(name)")
        }
    }

    /// What the ledger of a directory names and no key there is of: serial numbers of active authorities, as of a root that lies
    /// elsewhere, and the version of the trust manifest.
    /// - Throws: what opening the databases and keys throws.
    static func missingKeys(in directory: HubDirectory) throws -> Set<String> {
        let active = try HubDatabase.authorities(directory: directory.path).filter { $0.state == .active }
        var missing = Set(
            try active.filter { record in
                let certificate = try record.decoded()
                return try directory.heldKey(AuthorityName(record.name), of: certificate) == nil
            }.map(\.serial))
        let manifest = try ManifestChain(try HubDatabase.manifests(directory: directory.path)).newest
        if try !OnlineKeys.areHeld(manifest, in: directory) { missing.insert("manifest \(manifest.version)") }
        return missing
    }

    /// Makes what another program wrote survive a loss of power, and nobody else's to read.
    static func flush(_ path: String) throws(HubError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw HubError(.unavailable, "not-writable", "cannot open \(quoted(path)): \(PrivateFile.reason())")
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
            throw HubError(.unavailable, "not-writable", "cannot write \(quoted(path)): \(PrivateFile.reason())")
        }
    }

    /// Every page, every entry, every row.
    /// - Parameter keys: The directory whose checkpoint key must have signed the ledger.
    /// - Throws: `not-verified`, and what opening databases and keys throws.
    static func demandSound(_ databases: HubDirectory, keys: HubDirectory) throws {
        var problems = try DatabaseCopy.damage(in: databases.path)
        if problems.isEmpty {
            let outcome = try HubVerification.verify(databases: databases.path, keys: keys)
            problems = outcome.report.problems.map { "\($0.table) \($0.row): \($0.message)" }
        }
        guard problems.isEmpty else {
            throw HubError(
                .broken, "not-verified", "the databases are not what their ledger says: \(problems[0])",
                hint: "use an older backup, and keep this one as evidence", problems: problems)
        }
    }
}
