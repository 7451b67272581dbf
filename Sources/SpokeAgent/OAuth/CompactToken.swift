import MCP
import Model
import Trust

/// A JSON Web Token in compact form (RFC 7515, section 7.1; RFC 7519): read strictly, believed by nobody yet.
package struct CompactToken: Sendable {
    /// Bytes of the text.
    package static let maximumBytes = 16 << 10

    package let algorithm: String
    /// Lower case, without `application/`.
    package let type: String?
    package let key: String?
    package let claims: JSONObject
    /// What is signed: header and claims as they came.
    package let signed: [UInt8]
    package let signature: [UInt8]

    /// - Throws: `token-too-large`, `malformed-token`.
    package init(_ text: String) throws(SpokeError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw SpokeError("token-too-large", "the token is longer than \(Self.maximumBytes) bytes")
        }
        let parts = text.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let claims = Self.object(parts[1]),
            let signature = Base64.decodeURL(parts[2]), let algorithm = header["alg"]?.string
        else { throw Self.malformed }
        // An extension that has to be understood is not (RFC 7515, section 4.1.11); an encrypted or compressed token is none.
        guard ["crit", "b64", "enc", "zip"].allSatisfy({ header[$0] == nil }) else { throw Self.malformed }
        self.algorithm = algorithm
        self.claims = claims
        self.signature = signature
        type = try Self.text(header["typ"]).map { $0.lowercased() }.map {
            $0.hasPrefix("application/") ? String($0.dropFirst("application/".count)) : $0
        }
        key = try Self.text(header["kid"])
        signed = Array((parts[0] + "." + parts[1]).utf8)
    }

    private static var malformed: SpokeError { SpokeError("malformed-token", "the token cannot be read") }

    private static func text(_ value: JSON?) throws(SpokeError) -> String? {
        guard let value else { return nil }
        guard let text = value.string, (1...256).contains(text.utf8.count) else { throw malformed }
        return text
    }

    /// One reading only: a member that stands twice, or under two spellings, refuses the whole.
    private static func object(_ part: Substring) -> JSONObject? {
        var limits = JSON.Limits.untrusted(maximumBytes: maximumBytes)
        limits.maximumDepth = 8
        limits.maximumKeysPerObject = 200
        return Base64.decodeURL(part).flatMap { try? JSON(parsing: $0, limits: limits) }?.object
    }
}
