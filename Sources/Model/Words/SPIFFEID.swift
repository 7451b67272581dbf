/// The one URI SAN of a certificate: `spiffe://finance.corp.example/spoke/fin-1`.
///
/// Only the one spelling that Nave issues is read: a lower-case trust domain of DNS labels (at most 253 bytes) and one
/// to four path segments of `[a-z0-9-]{1,63}`. The SPIFFE specification (SPIFFE-ID, section 2) allows more.
package struct SPIFFEID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let trustDomain: String
    package let path: [String]

    /// - Throws: `bad-spiffe-id` for every other spelling.
    package init(_ text: String) throws(ModelError) {
        let prefix = "spiffe://"
        let parts = text.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false).map(
            String.init)
        guard text.hasPrefix(prefix), text.utf8.count <= 2048, (2...5).contains(parts.count),
            isDomainName(parts[0]), parts.dropFirst().allSatisfy(isSegment)
        else {
            throw ModelError(
                "bad-spiffe-id", "`\(text.prefix(200))` is not a SPIFFE ID of the form `spiffe://domain/kind/name`")
        }
        trustDomain = parts[0]
        path = Array(parts.dropFirst())
    }

    package init(trustDomain: String, path: [String]) throws(ModelError) {
        try self.init("spiffe://\(([trustDomain] + path).joined(separator: "/"))")
    }

    package var description: String { "spiffe://\(([trustDomain] + path).joined(separator: "/"))" }

    /// The first path segment: `hub`, `user`, `robot`, `spoke` or `client` for what Nave issues.
    package var kind: String { path[0] }
    /// The last path segment.
    package var name: String { path[path.count - 1] }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A lower-case DNS label, also the name of a zone, a server, a spoke or a client: `[a-z0-9]([a-z0-9-]*[a-z0-9])?`, at
/// most 63 bytes (RFC 1123, section 2.1).
package func isLabel(_ text: String) -> Bool {
    isSegment(text) && !text.hasPrefix("-") && !text.hasSuffix("-")
}

/// A lower-case DNS name of at least two labels and at most 253 bytes.
package func isDomainName(_ text: String) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    return labels.count >= 2 && text.utf8.count <= 253 && labels.allSatisfy { isLabel(String($0)) }
}

private func isSegment(_ text: String) -> Bool {
    (1...63).contains(text.utf8.count)
        && text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-")
        }
}
