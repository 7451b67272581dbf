import Model

/// The query of a request; a name that nobody asked for is refused like an unknown key of a body.
package struct Query: Sendable {
    private let values: [String: String]

    package init(_ values: [String: String] = [:]) { self.values = values }

    /// `zone=finance&limit=10`, percent-encoded; no `+`.
    /// - Throws: `bad-query`.
    package init(parsing text: String) throws(HubError) {
        var values: [String: String] = [:]
        let parts = text.split(separator: "&", omittingEmptySubsequences: true)
        guard parts.count <= 32 else { throw HubError(.invalid, "bad-query", "the query has more than 32 parts") }
        for part in parts {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, let name = Self.decoded(pair[0]), let value = Self.decoded(pair[1]),
                values.updateValue(value, forKey: name) == nil
            else { throw HubError(.invalid, "bad-query", "\(quoted(part)) is not one NAME=VALUE of a query") }
        }
        self.values = values
    }

    /// - Throws: `unknown-parameter`.
    func allow(_ names: Set<String>) throws(HubError) {
        if let name = values.keys.sorted().first(where: { !names.contains($0) }) {
            throw HubError(
                .invalid, "unknown-parameter", "this takes no \(quoted(name)) in its query",
                hint: names.isEmpty ? "it takes none" : "it takes \(names.sorted().joined(separator: ", "))")
        }
    }

    subscript(name: String) -> String? { values[name] }

    /// - Throws: `bad-query`.
    func limit(standard: Int = 100, maximum: Int = 1000) throws(HubError) -> Int {
        guard let text = values["limit"] else { return standard }
        guard let limit = Int(text), (1...maximum).contains(limit) else {
            throw HubError(.invalid, "bad-query", "\(quoted(text)) is not a limit from 1 to \(maximum)")
        }
        return limit
    }

    /// - Throws: `bad-query`.
    func instant(_ name: String) throws(HubError) -> Instant? {
        guard let text = values[name] else { return nil }
        guard let instant = Instant(text) else {
            throw HubError(.invalid, "bad-query", "\(quoted(text)) is not a time", hint: "as 2026-11-21T08:00:00Z")
        }
        return instant
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
