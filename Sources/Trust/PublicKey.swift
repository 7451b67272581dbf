import COpenSSL
import Model

/// A public key: P-256 in certificates, Ed25519 under our own signatures. Equal by its SubjectPublicKeyInfo.
///
/// `@unchecked Sendable`: the EVP_PKEY is never changed after `init`, and libcrypto allows concurrent reads of one.
package final class PublicKey: @unchecked Sendable, Hashable {
    /// `other` is what a foreign certificate may hold and Nave does not take from anybody.
    package enum Algorithm: String, Sendable {
        case p256, p384, p521, ed25519, other
    }

    let handle: OpaquePointer
    package let algorithm: Algorithm
    /// The SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), DER.
    package let spkiDER: [UInt8]

    /// Takes over the reference, also when it throws.
    init(adopting handle: OpaquePointer) throws(TrustError) {
        do throws(TrustError) {
            spkiDER = try derBytes("a public key") { i2d_PUBKEY(handle, $0) }
        } catch {
            EVP_PKEY_free(handle)
            throw error
        }
        self.handle = handle
        algorithm = Self.algorithm(of: handle, spkiByteCount: spkiDER.count)
    }

    /// - Throws: `bad-key` for bytes that are not the one DER spelling of a P-256, P-384, P-521 or Ed25519 key.
    package convenience init(spkiDER: [UInt8]) throws(TrustError) {
        if spkiDER.count == 91, spkiDER.starts(with: Self.p256Prefix) {
            try self.init(p256Point: Array(spkiDER.dropFirst(Self.p256Prefix.count)), spkiDER)
            return
        }
        let handle = try decodedDER(spkiDER, "bad-key", "the public key", free: EVP_PKEY_free) {
            d2i_PUBKEY(nil, $0, $1)
        }
        try self.init(adopting: handle)
        guard algorithm != .other else {
            throw TrustError("bad-key", "the public key is of a kind that Nave does not use")
        }
        // Another spelling would give one key two digests.
        guard self.spkiDER == spkiDER else {
            throw TrustError("bad-key", "the public key is not in its usual DER spelling")
        }
    }

    /// The SubjectPublicKeyInfo of every P-256 key up to its uncompressed point (RFC 5480, section 2).
    private static let p256Prefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ]

    /// The curve's base point (FIPS 186-4, D.1.2.3) as a key: other keys take the curve over from it.
    private static let p256Base: PublicKey? = {
        let point =
            "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
            + "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
        let der = p256Prefix + (Hex.decode(point) ?? [])
        let handle = try? decodedDER(der, "bad-key", "the base point", free: EVP_PKEY_free) { d2i_PUBKEY(nil, $0, $1) }
        return handle.flatMap { try? PublicKey(adopting: $0) }
    }()

    /// libcrypto's decoders take twenty times as long; this checks just as well that the point lies on the curve.
    private init(p256Point point: [UInt8], _ spkiDER: [UInt8]) throws(TrustError) {
        guard point.first == 0x04, let base = Self.p256Base, let handle = EVP_PKEY_new() else {
            throw TrustError.openSSL("bad-key", "cannot read the public key")
        }
        guard EVP_PKEY_copy_parameters(handle, base.handle) == 1,
            EVP_PKEY_set1_encoded_public_key(handle, point, point.count) == 1
        else {
            EVP_PKEY_free(handle)
            throw TrustError.openSSL("bad-key", "cannot read the public key")
        }
        self.handle = handle
        self.spkiDER = spkiDER
        algorithm = .p256
    }

    /// - Parameter ed25519: The 32 bytes of RFC 8032, section 5.1.5.
    /// - Throws: `bad-key`.
    package convenience init(ed25519 bytes: [UInt8]) throws(TrustError) {
        guard bytes.count == 32, let handle = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count)
        else {
            throw TrustError.openSSL("bad-key", "an Ed25519 public key has 32 bytes, not \(bytes.count)")
        }
        try self.init(adopting: handle)
    }

    deinit { EVP_PKEY_free(handle) }

    /// The 32 bytes of an Ed25519 key, nil for another kind.
    package var ed25519Bytes: [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        guard algorithm == .ed25519, EVP_PKEY_get_raw_public_key(handle, &bytes, &count) == 1, count == 32 else {
            return nil
        }
        return bytes
    }

    /// `sha256:<hex>` of the SubjectPublicKeyInfo: the key id in envelopes and manifests, and the pin in a join token.
    package var spkiDigest: String { digestText(of: spkiDER) }

    /// True if `signature` is this key's over `bytes`: 64 bytes for Ed25519, DER with SHA-256 for ECDSA.
    package func verify(_ bytes: [UInt8], signature: [UInt8]) -> Bool {
        defer { drainedErrors() }
        switch algorithm {
        case .other: return false
        case .ed25519:
            let context = EVP_MD_CTX_new()
            defer { EVP_MD_CTX_free(context) }
            return !signature.isEmpty && EVP_DigestVerifyInit(context, nil, nil, nil, handle) == 1
                && EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
        case .p256, .p384, .p521:
            let digest = SHA256.hash(bytes)
            let context = EVP_PKEY_CTX_new(handle, nil)
            defer { EVP_PKEY_CTX_free(context) }
            return !signature.isEmpty && EVP_PKEY_verify_init(context) == 1
                && EVP_PKEY_verify(context, signature, signature.count, digest, digest.count) == 1
        }
    }

    package static func == (left: PublicKey, right: PublicKey) -> Bool { left.spkiDER == right.spkiDER }
    package func hash(into hasher: inout Hasher) { hasher.combine(spkiDER) }

    /// A compressed point is `other`: one key would have two spellings, and so two digests. The lengths are those of the
    /// SubjectPublicKeyInfo with an uncompressed point (RFC 5480, section 2.2).
    private static func algorithm(of handle: OpaquePointer, spkiByteCount: Int) -> Algorithm {
        if EVP_PKEY_is_a(handle, "ED25519") == 1 { return .ed25519 }
        guard EVP_PKEY_is_a(handle, "EC") == 1 else { return .other }
        var name = [CChar](repeating: 0, count: 80)
        var count = 0
        guard EVP_PKEY_get_group_name(handle, &name, name.count, &count) == 1 else {
            drainedErrors()
            return .other
        }
        let group = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch (group, spkiByteCount) {
        case ("prime256v1", 91): return .p256
        case ("secp384r1", 120): return .p384
        case ("secp521r1", 158): return .p521
        default: return .other
        }
    }
}
