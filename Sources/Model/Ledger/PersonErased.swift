/// One person's address, looked for and replaced as a whole word: `ana@corp.example` is not found in
/// `joana@corp.example` nor in `ana@corp.example.org`. Letters of ASCII match in either case.
package struct PersonalAddress: Hashable, Sendable {
    package let text: String
    private let folded: [UInt8]

    /// - Throws: `bad-address` for what `user:` could not name.
    package init(_ text: String) throws(ModelError) {
        guard (try? Principal("user:\(text)")) != nil else {
            throw ModelError("bad-address", "`\(text.prefix(100))` is no address", hint: "as ana@corp.example")
        }
        self.text = text
        folded = text.utf8.map(Self.fold)
    }

    package func occurs(in text: String) -> Bool { !places(in: Array(text.utf8)).isEmpty }

    /// - Parameter pseudonym: what stands in the address's place afterwards.
    package func replaced(in text: String, by pseudonym: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var next = 0
        for place in places(in: bytes) {
            result += bytes[next..<place] + Array(pseudonym.utf8)
            next = place + folded.count
        }
        return String(decoding: result + bytes[next...], as: UTF8.self)
    }

    /// Whether any string of it, keys included, names the person.
    package func occurs(in json: JSON) -> Bool {
        switch json {
        case .string(let text): occurs(in: text)
        case .array(let items): items.contains { occurs(in: $0) }
        case .object(let object): object.pairs.contains { occurs(in: $0.key) || occurs(in: $0.value) }
        default: false
        }
    }

    package func replaced(in json: JSON, by pseudonym: String) -> JSON {
        switch json {
        case .string(let text): .string(replaced(in: text, by: pseudonym))
        case .array(let items): .array(items.map { replaced(in: $0, by: pseudonym) })
        case .object(let object):
            .object(
                JSONObject(
                    object.pairs.map {
                        (replaced(in: $0.key, by: pseudonym), replaced(in: $0.value, by: pseudonym))
                    }))
        default: json
        }
    }

    private func places(in bytes: [UInt8]) -> [Int] {
        var places: [Int] = []
        var start = 0
        while start + folded.count <= bytes.count {
            if matches(bytes, at: start) {
                places.append(start)
                start += folded.count
            } else {
                start += 1
            }
        }
        return places
    }

    private func matches(_ bytes: [UInt8], at start: Int) -> Bool {
        for (offset, byte) in folded.enumerated() where Self.fold(bytes[start + offset]) != byte { return false }
        if start > 0, Self.continues(bytes[start - 1]) { return false }
        let end = start + folded.count
        guard end < bytes.count else { return true }
        // A dot at the end of a sentence ends the address, one before more of a domain does not.
        if bytes[end] == UInt8(ascii: ".") { return end + 1 == bytes.count || !Self.isWord(bytes[end + 1]) }
        return !Self.continues(bytes[end])
    }

    private static func fold(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(fold(byte))
    }

    private static func continues(_ byte: UInt8) -> Bool { isWord(byte) || "._%+-".utf8.contains(byte) }
}

/// What was known of a person is gone: which commitments can no longer be opened, and which frozen evidence stands in
/// another form since. The leaf itself names nobody.
package struct PersonErased: Hashable, Sendable, Codable {
    /// Frozen bytes that named the person, and the same without the name.
    package struct Redaction: Hashable, Sendable, Codable {
        /// `sha256:…` of the bytes that an older entry names.
        package var from: String
        /// `sha256:…` of what is kept now.
        package var to: String

        package init(from: String, to: String) {
            self.from = from
            self.to = to
        }
    }

    /// The opaque identities that enrolled under the address.
    package var identities: [SPIFFEID]
    /// How many disclosures were deleted.
    package var disclosures: Int64
    /// `sha256:…` of their commitments, sorted, each with a line feed.
    package var commitments: String
    package var artifacts: [Redaction]

    package init(identities: [SPIFFEID], disclosures: Int64, commitments: String, artifacts: [Redaction]) {
        self.identities = identities
        self.disclosures = disclosures
        self.commitments = commitments
        self.artifacts = artifacts
    }
}
