/// The one URI SAN of a certificate: `spiffe://finance.corp.example/spoke/fin-1`.
///
/// Only the one spelling that Nave issues is read: a lower-case trust domain of DNS labels (at most 253 bytes) and one
/// to four path segments of `[a-z0-9-]{1,63}`. The SPIFFE specification (SPIFFE-ID, section 2) allows more.
///
/// A class, so that every call's caller, request and permit copy one reference and not three texts.
package final class SPIFFEID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String
    package let trustDomain: String
    package let path: [String]
    /// What its trust domain and its name are looked for by among many rules.
    let domainHash: UInt64
    let nameHash: UInt64

    package static func == (left: SPIFFEID, right: SPIFFEID) -> Bool { left.description == right.description }
    package func hash(into hasher: inout Hasher) { hasher.combine(description) }

    /// - Throws: `bad-spiffe-id` for every other spelling.
    package init(_ text: String) throws(ModelError) {
        let prefix = "spiffe://".utf8
        let parts = text.utf8.dropFirst(prefix.count).split(separator: slash, omittingEmptySubsequences: false)
        guard text.utf8.starts(with: prefix), text.utf8.count <= 2048, (2...5).contains(parts.count),
            isDomainName(parts[0]), parts.dropFirst().allSatisfy({ isSegment($0) })
        else {
            throw ModelError(
                "bad-spiffe-id", "`\(text.prefix(200))` is not a SPIFFE ID of the form `spiffe://domain/kind/name`")
        }
        description = text
        trustDomain = String(Substring(parts[0]))
        path = parts.dropFirst().map { String(Substring($0)) }
        domainHash = ByteHash.of(trustDomain)
        nameHash = ByteHash.of(path[path.count - 1])
    }

    package convenience init(trustDomain: String, path: [String]) throws(ModelError) {
        try self.init("spiffe://\(([trustDomain] + path).joined(separator: "/"))")
    }

    /// The first path segment: `hub`, `user`, `robot`, `spoke` or `client` for what Nave issues.
    package var kind: String { path[0] }
    /// The last path segment.
    package var name: String { path[path.count - 1] }

    package convenience init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

private let slash = UInt8(ascii: "/")
private let hyphen = UInt8(ascii: "-")

/// A lower-case DNS label, also the name of a zone, a server, a spoke or a client: `[a-z0-9]([a-z0-9-]*[a-z0-9])?`, at
/// most 63 bytes (RFC 1123, section 2.1).
package func isLabel(_ text: String) -> Bool { isLabel(text.utf8) }

func isLabel(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
    isSegment(bytes) && bytes.first != hyphen && bytes.last != hyphen
}

/// A lower-case DNS name of at least two labels and at most 253 bytes.
package func isDomainName(_ text: String) -> Bool { isDomainName(text.utf8) }

func isDomainName(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
    let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return labels.count >= 2 && bytes.count <= 253 && labels.allSatisfy { isLabel($0) }
}

private func isSegment(_ bytes: some Collection<UInt8>) -> Bool {
    (1...63).contains(bytes.count)
        && bytes.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == hyphen
        }
}
