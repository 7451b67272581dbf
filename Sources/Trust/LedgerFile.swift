import Model

/// An exported ledger: lines of text, so that other tools read it too.
///
///     nave-ledger 1 BASE64(newest note)
///     SHA-256 of the leaf in hexadecimal, a space, the entry's bytes
///     checkpoint BASE64(note)            after the last entry that it signs
///
/// Entries are canonical JSON, which holds no line break.
package struct LedgerFile: Sendable {
    package private(set) var bytes: [UInt8]
    private var size: Int64 = 0

    package init(newest: String) { bytes = Array("nave-ledger 1 \(Base64.encode(Array(newest.utf8)))\n".utf8) }

    /// - Throws: `bad-answer`.
    package mutating func add(_ page: LedgerLeaves) throws(TrustError) {
        var notes: [Int64: String] = [:]
        for note in page.checkpoints {
            if let size = Self.checkpoint(note)?.size { notes[size] = note }
        }
        for text in page.entries {
            guard let entry = Base64.decode(text) else {
                throw TrustError("bad-answer", "the hub's entry \(size) is not Base 64")
            }
            bytes += Array("\(Hex.encode(MerkleTree.leafHash(entry))) ".utf8) + entry + [0x0a]
            size += 1
            if let note = notes[size] { bytes += Array("checkpoint \(Base64.encode(Array(note.utf8)))\n".utf8) }
        }
    }

    /// What checking a file found.
    package struct Outcome: Hashable, Sendable, Encodable {
        /// Entries read until the end or the first problem.
        package var size: Int64 = 0
        /// Of the entries read.
        package var root = ""
        /// Index of the first entry that is not what was signed, or of the first of a run among which it is.
        package var entry: Int64?
        package var problem: String?
    }

    /// Recomputes the tree from the bytes. Knows nothing but the manifest: the newest checkpoint has to be signed by its
    /// keys; older ones, which older keys may have signed, narrow down where something is wrong. The epoch has to begin where
    /// the manifest says.
    /// - Parameter take: told every entry with its index while it is read; to be believed only when no problem comes of it.
    package static func verify(
        _ file: [UInt8], manifest: TrustManifest, _ take: (Int64, JSON) -> Void = { _, _ in }
    ) -> Outcome {
        var check = Check(manifest: manifest)
        var lines = file.split(separator: 0x0a, omittingEmptySubsequences: false)
        // The file ends with a line end; what follows it is nothing.
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        guard let head = lines.first, let newest = check.newest(head) else {
            return Outcome(problem: check.problem ?? "this is no exported ledger")
        }
        for line in lines.dropFirst() {
            check.take(line)
            if check.problem != nil { break }
            if let read = check.read { take(check.tree.size - 1, read) }
        }
        check.end(newest)
        return Outcome(
            size: check.tree.size, root: digestText(check.tree.root), entry: check.entry, problem: check.problem)
    }

    fileprivate static func checkpoint(_ note: String) -> Checkpoint? {
        try? Checkpoint(claimedBy: note)
    }
}

private struct Check {
    let manifest: TrustManifest
    /// The entry that the last line held.
    var read: JSON?
    var tree = MerkleFrontier()
    /// Up to here the entries are what was signed.
    var proved: Int64 = 0
    var entry: Int64?
    var problem: String?

    mutating func newest(_ line: ArraySlice<UInt8>) -> Checkpoint? {
        guard let note = Self.note(line, after: "nave-ledger 1 ") else { return nil }
        do throws(TrustError) {
            return try manifest.verifyCheckpoint(note)
        } catch {
            problem = "the newest checkpoint is not signed as the manifest demands: \(error.message)"
            return nil
        }
    }

    mutating func take(_ line: ArraySlice<UInt8>) {
        read = nil
        if let note = Self.note(line, after: "checkpoint ") {
            // One that the manifest's keys did not sign proves nothing, and accuses nothing.
            guard let signed = try? manifest.verifyCheckpoint(note) else { return }
            compare(signed)
        } else {
            add(line)
        }
    }

    private mutating func add(_ line: ArraySlice<UInt8>) {
        let index = tree.size
        let parts = line.split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 64, let text = String(validating: parts[0], as: UTF8.self),
            let listed = Hex.decode(text)
        else { return fail(index, "entry \(index): the line is no entry") }
        let hash = MerkleTree.leafHash(parts[1])
        guard hash == listed else { return fail(index, "entry \(index): the bytes are not those that were hashed") }
        do {
            let json = try JSON(parsing: Array(parts[1]))
            guard json.canonicalBytes.elementsEqual(parts[1]) else {
                return fail(index, "entry \(index): not in its canonical form")
            }
            guard json["v"]?.integer == Entry.version, let type = json["type"]?.string else {
                return fail(index, "entry \(index): not an entry of a version that this program knows")
            }
            if let problem = epochProblem(index, type, json["body"]) {
                return fail(index, "entry \(index): \(problem)")
            }
            read = json
        } catch {
            return fail(index, "entry \(index): \(error.message)")
        }
        tree.append(leafHash: hash)
    }

    /// The tree holds the entries before this one.
    private func epochProblem(_ index: Int64, _ type: String, _ body: JSON?) -> String? {
        let begins = type == "epoch.opened"
        if let start = manifest.start, index == start.size {
            guard start.root == digestText(tree.root) else {
                return "\(manifest.origin) does not go on from the entries before it"
            }
            guard begins, body?["origin"]?.string == manifest.origin else {
                return "\(manifest.origin) does not begin here, as the manifest says"
            }
        }
        guard begins else { return nil }
        guard index <= manifest.start?.size ?? -1 else { return "an epoch begins that the manifest does not know" }
        guard body?["size"]?.integer == index, body?["root"]?.string == digestText(tree.root) else {
            return "the epoch does not go on from the entries before it"
        }
        return nil
    }

    private mutating func compare(_ signed: Checkpoint) {
        guard signed.size == tree.size else {
            return fail(
                min(signed.size, tree.size),
                "a checkpoint of size \(signed.size) stands after \(tree.size) entries: "
                    + "entries are missing, moved or added from \(proved) on")
        }
        guard signed.root == tree.root else {
            let last = signed.size - 1
            let range = proved == last ? "entry \(last)" : "one of the entries \(proved) to \(last)"
            return fail(proved, "\(range) is not what the checkpoint of size \(signed.size) signs")
        }
        proved = signed.size
    }

    /// The newest checkpoint may stand nowhere but at the head.
    mutating func end(_ newest: Checkpoint) {
        guard problem == nil else { return }
        if let start = manifest.start, newest.size <= start.size {
            return fail(newest.size, "the ledger ends before \(manifest.origin) begins, at \(start.size) entries")
        }
        guard tree.size == newest.size else {
            return fail(
                min(tree.size, newest.size), "the file has \(tree.size) entries, the checkpoint signs \(newest.size)")
        }
        compare(newest)
    }

    private mutating func fail(_ index: Int64, _ message: String) {
        entry = index
        problem = message
    }

    private static func note(_ line: ArraySlice<UInt8>, after prefix: String) -> String? {
        guard line.starts(with: prefix.utf8),
            let text = String(validating: line.dropFirst(prefix.utf8.count), as: UTF8.self)
        else { return nil }
        return Base64.decode(text).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
