/// Keeps personal values out of leaves: each stands there as `{"commit": "sha256:…"}`, SHA-256(salt ‖ value), and its value
/// and salt lie in the table `disclosures` outside the tree. Erasing a person deletes rows there; proofs and replay hold.
package enum PersonalData {
    /// A value that a leaf commits to.
    package struct Disclosure: Hashable, Sendable {
        /// `sha256:…`
        package var commit: String
        /// 32 bytes.
        package var salt: [UInt8]
        package var value: String

        package init(commit: String, salt: [UInt8], value: String) {
            self.commit = commit
            self.salt = salt
            self.value = value
        }
    }

    /// Keys whose string is free text or an address, wherever they stand in an entry. Anything with an `@` is taken for an
    /// address too, wherever it stands.
    private static let keys = ["why", "reason", "description", "purpose", "address"]

    private static func isPersonal(_ text: String, under key: String?) -> Bool {
        holds(UInt8(ascii: "@"), in: text) || text.utf8.starts(with: "user:".utf8)
            || key.map { keys.contains($0) } ?? false
    }

    /// Whether nothing of it is personal, and no object reads as a commitment: it stands in a leaf as it is.
    package static func isAbsent(from json: JSON, under key: String? = nil) -> Bool {
        switch json {
        case .string(let text): !isPersonal(text, under: key)
        case .array(let items): items.allSatisfy { isAbsent(from: $0, under: key) }
        case .object(let object):
            commitment(of: object) == nil && object.pairs.allSatisfy { isAbsent(from: $0.value, under: $0.key) }
        default: true
        }
    }

    /// Replaces every personal string by a commitment.
    /// - Parameter commit: makes salt and commitment of a value; the randomness comes from the caller.
    package static func conceal(
        _ json: JSON, under key: String? = nil, commit: (String) -> Disclosure
    ) -> (json: JSON, disclosures: [Disclosure]) {
        switch json {
        case .string(let text) where isPersonal(text, under: key):
            let disclosure = commit(text)
            return (.object(JSONObject([("commit", .string(disclosure.commit))])), [disclosure])
        case .array(let items):
            var disclosures: [Disclosure] = []
            let concealed = items.map { item in
                let result = conceal(item, under: key, commit: commit)
                disclosures += result.disclosures
                return result.json
            }
            return (.array(concealed), disclosures)
        case .object(let object):
            var disclosures: [Disclosure] = []
            let pairs = object.pairs.map { pair in
                let result = conceal(pair.value, under: pair.key, commit: commit)
                disclosures += result.disclosures
                return (pair.key, result.json)
            }
            return (.object(JSONObject(pairs)), disclosures)
        default: return (json, [])
        }
    }

    /// Whether some object of it reads as a commitment.
    package static func holdsCommitment(_ json: JSON) -> Bool {
        switch json {
        case .object(let object): commitment(of: object) != nil || object.pairs.contains { holdsCommitment($0.value) }
        case .array(let items): items.contains(where: holdsCommitment)
        default: false
        }
    }

    /// `sha256:` and the digest, where the object is what stands for a value.
    private static func commitment(of object: JSONObject) -> String? {
        guard object.count == 1, let commit = object["commit"]?.string, commit.utf8.starts(with: "sha256:".utf8) else {
            return nil
        }
        return commit
    }

    /// Puts the values back. One that was erased reads `[erased]` where free text stood, and else as a user whom nobody is.
    package static func reveal(_ json: JSON, under key: String? = nil, value: (String) -> String?) -> JSON {
        switch json {
        case .object(let object):
            if let commit = commitment(of: object) {
                if let text = value(commit) { return .string(text) }
                let isText = key.map(keys.contains) ?? false
                return .string(isText ? "[erased]" : "user:erased.\(commit.dropFirst("sha256:".count).prefix(16))")
            }
            return .object(JSONObject(object.pairs.map { ($0.key, reveal($0.value, under: $0.key, value: value)) }))
        case .array(let items): return .array(items.map { reveal($0, under: key, value: value) })
        default: return json
        }
    }
}
