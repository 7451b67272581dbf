import Model
import Trust

/// One entry as the ledger holds it: commitments in the place of personal values.
struct Leaf: Sendable {
    /// Canonical, encoded once; what is stored and hashed.
    let bytes: [UInt8]
    let json: JSON
    /// What the leaf says by itself, every personal value unresolved: what the fold may look at, so that replay needs
    /// nothing but leaves.
    let entry: Entry

    /// Reads a stored leaf.
    /// - Throws: `ModelError` `unknown-entry`, `unknown-key`, `wrong-type`, `missing-key`; `StorageError` `not-canonical`.
    init(stored bytes: [UInt8]) throws {
        self.bytes = bytes
        json = try JSON(parsing: bytes)
        guard json.canonicalBytes == bytes else {
            throw StorageError("not-canonical", "the leaf is not in the one canonical form of what it means")
        }
        // Most entries commit to nothing.
        entry = try Entry(PersonalData.holdsCommitment(json) ? PersonalData.reveal(json) { _ in nil } : json)
    }

    private init(_ json: JSON, _ entry: Entry) {
        self.json = json
        bytes = json.canonicalBytes
        self.entry = entry
    }

    /// Makes the leaf of a new entry.
    /// - Parameter random: that many fresh random bytes; salts come from it.
    /// - Throws: `ModelError` `not-encodable`; `StorageError` `not-concealable`; what `random` throws.
    static func concealing(
        _ entry: Entry, random: (Int) throws -> [UInt8]
    ) throws -> (leaf: Leaf, disclosures: [PersonalData.Disclosure]) {
        let plain = try entry.json()
        // Most entries are of machines: the leaf says what the entry does.
        if PersonalData.isAbsent(from: plain) { return (Leaf(plain, entry), []) }
        var failure: (any Error)?
        let (concealed, disclosures) = PersonalData.conceal(plain) { value in
            do {
                let salt = try random(32)
                return PersonalData.Disclosure(commit: commitment(salt: salt, value: value), salt: salt, value: value)
            } catch {
                failure = error
                return PersonalData.Disclosure(commit: "", salt: [], value: value)
            }
        }
        if let failure { throw failure }
        // A value that looks like a commitment itself would not come back, and the registry could no longer be read.
        let values = Dictionary(disclosures.map { ($0.commit, $0.value) }) { first, _ in first }
        guard PersonalData.reveal(concealed, value: { values[$0] }) == plain else {
            throw StorageError(
                "not-concealable",
                "the entry holds an object of the form `{\"commit\": \"sha256:…\"}`, which is reserved")
        }
        return (Leaf(concealed, try Entry(PersonalData.reveal(concealed) { _ in nil })), disclosures)
    }

    /// `sha256:…` of SHA-256(salt ‖ value).
    static func commitment(salt: [UInt8], value: String) -> String { digestText(of: salt + Array(value.utf8)) }

    /// A member of the body as canonical JSON, commitments kept.
    func body(_ key: String) throws -> String {
        guard let value = json["body"]?[key] else {
            throw StorageError("bad-entry", "the entry's body has no `\(key)`")
        }
        return value.canonicalText
    }

    /// The whole body as canonical JSON, commitments kept.
    var body: String { (json["body"] ?? .null).canonicalText }
    var why: String? { json["why"]?.canonicalText }
    var author: String { (json["by"] ?? .null).canonicalText }
}

extension JSON {
    /// The text of `canonicalBytes`.
    var canonicalText: String { String(decoding: canonicalBytes, as: UTF8.self) }
}
