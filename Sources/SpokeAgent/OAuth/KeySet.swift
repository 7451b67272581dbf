import JWTKit
import Model
import Trust

/// The public keys of an issuer (RFC 7517), as far as its algorithms use them.
package struct KeySet: Sendable {
    static let maximumBytes = 128 << 10
    private static let maximumKeys = 64

    package struct Key: Sendable {
        /// Nil for the key of an issuer that has only one.
        package var id: String?
        package var algorithm: TokenAlgorithm
        package var verifier: any JWTAlgorithm
    }

    package let keys: [Key]

    /// What is not for signatures, is not public, is too weak or of another kind is left out.
    /// - Throws: `bad-key-set`.
    package init(_ document: [UInt8], algorithms: [TokenAlgorithm]) async throws(SpokeError) {
        var limits = JSON.Limits.untrusted(maximumBytes: Self.maximumBytes)
        limits.maximumDepth = 8
        guard let entries = (try? JSON(parsing: document, limits: limits))?["keys"]?.array,
            entries.count <= Self.maximumKeys
        else { throw SpokeError("bad-key-set", "the issuer's keys cannot be read") }
        var keys: [Key] = []
        for case .object(let entry) in entries {
            let id = entry["kid"]?.string
            for algorithm in algorithms where Self.suits(entry, algorithm) {
                guard let verifier = await Self.verifier(entry, algorithm) else { continue }
                guard !keys.contains(where: { $0.id == id && $0.algorithm == algorithm }) else {
                    throw SpokeError("bad-key-set", "two of the issuer's keys have one id")
                }
                keys.append(Key(id: id, algorithm: algorithm, verifier: verifier))
            }
        }
        self.keys = keys
    }

    /// - Parameter id: as the token names it; a token that names none needs an issuer with one key of that kind.
    package func find(_ id: String?, _ algorithm: TokenAlgorithm) -> Key? {
        let suited = keys.filter { $0.algorithm == algorithm }
        guard let id else { return suited.count == 1 ? suited[0] : nil }
        return suited.first { $0.id.map { $0.utf8.elementsEqual(id.utf8) } ?? false }
    }

    private static func suits(_ entry: JSONObject, _ algorithm: TokenAlgorithm) -> Bool {
        guard entry["kty"]?.string == algorithm.keyType.name,
            entry["d"] == nil, entry["k"] == nil,
            entry["use"].map({ $0.string == "sig" }) ?? true,
            entry["key_ops"].map({ $0.array?.contains("verify") ?? false }) ?? true,
            entry["alg"].map({ $0.string == algorithm.rawValue }) ?? true
        else { return false }
        return algorithm.keyType.curve.map { entry["crv"]?.string == $0 } ?? true
    }

    /// Nil for a key that is none, and for an RSA key outside of 2048 to 8192 bits.
    private static func verifier(_ entry: JSONObject, _ algorithm: TokenAlgorithm) async -> (any JWTAlgorithm)? {
        let collection = JWTKeyCollection()
        do {
            switch algorithm {
            case .es256: await collection.add(ecdsa: try ES256PublicKey(parameters: point(entry)))
            case .es384: await collection.add(ecdsa: try ES384PublicKey(parameters: point(entry)))
            case .es512: await collection.add(ecdsa: try ES512PublicKey(parameters: point(entry)))
            case .edDSA:
                await collection.add(eddsa: try EdDSA.PublicKey(x: entry["x"]?.string ?? "", curve: .ed25519))
            case .rs256: await collection.add(rsa: try rsa(entry), digestAlgorithm: .sha256)
            case .rs384: await collection.add(rsa: try rsa(entry), digestAlgorithm: .sha384)
            case .rs512: await collection.add(rsa: try rsa(entry), digestAlgorithm: .sha512)
            case .ps256: await collection.add(pss: try rsa(entry), digestAlgorithm: .sha256)
            case .ps384: await collection.add(pss: try rsa(entry), digestAlgorithm: .sha384)
            case .ps512: await collection.add(pss: try rsa(entry), digestAlgorithm: .sha512)
            }
            return try await collection.getKey()
        } catch { return nil }
    }

    private static func point(_ entry: JSONObject) -> ECDSAParameters {
        (x: entry["x"]?.string ?? "", y: entry["y"]?.string ?? "")
    }

    private static func rsa(_ entry: JSONObject) throws -> Insecure.RSA.PublicKey {
        let modulus = entry["n"]?.string ?? ""
        let exponent = entry["e"]?.string ?? ""
        guard let bytes = Base64.decodeURL(modulus)?.drop(while: { $0 == 0 }), (256...1024).contains(bytes.count),
            (1...8).contains(Base64.decodeURL(exponent)?.count ?? 0)
        else { throw SpokeError("bad-key-set", "an RSA key has not 2048 to 8192 bits") }
        return try Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent)
    }
}

extension TokenAlgorithm {
    /// `kty` and `crv` of its keys.
    fileprivate var keyType: (name: String, curve: String?) {
        switch self {
        case .es256: ("EC", "P-256")
        case .es384: ("EC", "P-384")
        case .es512: ("EC", "P-521")
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: ("RSA", nil)
        case .edDSA: ("OKP", "Ed25519")
        }
    }
}
