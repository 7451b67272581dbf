import COpenSSL
import Model

/// A private key, made where it is used: P-256 for certificates, Ed25519 for signatures on envelopes and notes.
///
/// `@unchecked Sendable`: the EVP_PKEY is never changed after `init`, and libcrypto allows one to sign on several threads.
package final class PrivateKey: @unchecked Sendable {
    let handle: OpaquePointer
    package let publicKey: PublicKey
    /// True if the private part lies in a token and is used there.
    package let isInToken: Bool

    /// Takes over the reference, also when it throws.
    init(adopting handle: OpaquePointer, isInToken: Bool = false) throws(TrustError) {
        do throws(TrustError) {
            // The public key gets an EVP_PKEY of its own, without the private part.
            publicKey = try PublicKey(spkiDER: derBytes("a public key") { i2d_PUBKEY(handle, $0) })
        } catch {
            EVP_PKEY_free(handle)
            throw error
        }
        self.handle = handle
        self.isInToken = isInToken
    }

    /// - Throws: `no-key`.
    package static func generateP256() throws(TrustError) -> PrivateKey {
        guard let handle = nave_generate_p256() else { throw TrustError.openSSL("no-key", "cannot make a P-256 key") }
        return try PrivateKey(adopting: handle)
    }

    /// - Throws: `no-key`.
    package static func generateEd25519() throws(TrustError) -> PrivateKey {
        guard let handle = nave_generate_ed25519() else {
            throw TrustError.openSSL("no-key", "cannot make an Ed25519 key")
        }
        return try PrivateKey(adopting: handle)
    }

    /// - Parameter ed25519Seed: The 32 secret bytes of RFC 8032, section 5.1.5.
    /// - Throws: `bad-key`.
    package convenience init(ed25519Seed seed: [UInt8]) throws(TrustError) {
        guard seed.count == 32, let handle = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count)
        else {
            throw TrustError.openSSL("bad-key", "an Ed25519 seed has 32 bytes, not \(seed.count)")
        }
        try self.init(adopting: handle)
    }

    /// Reads one `PRIVATE KEY` block (PKCS#8, RFC 5958, not encrypted) of a P-256 or Ed25519 key.
    /// - Throws: `key-encrypted`, `bad-pem`, `bad-key`.
    package convenience init(pem: String) throws(TrustError) {
        guard !PEM.holds(label: Self.encryptedLabel, pem) else {
            throw TrustError("key-encrypted", "the private key is encrypted", hint: "it needs its passphrase")
        }
        let blocks = try PEM.decode(label: "PRIVATE KEY", pem)
        guard blocks.count == 1 else {
            throw TrustError("bad-pem", "expected one private key, found \(blocks.count)")
        }
        let info = try decodedDER(blocks[0], "bad-key", "the private key", free: PKCS8_PRIV_KEY_INFO_free) {
            d2i_PKCS8_PRIV_KEY_INFO(nil, $0, $1)
        }
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        try self.init(reading: info)
    }

    /// Reads what a PKCS#8 block holds; the caller frees it.
    /// - Throws: `bad-key`.
    convenience init(reading info: OpaquePointer) throws(TrustError) {
        guard let handle = EVP_PKCS82PKEY(info) else {
            throw TrustError.openSSL("bad-key", "cannot read the private key")
        }
        try self.init(adopting: handle)
        guard publicKey.algorithm == .p256 || publicKey.algorithm == .ed25519 else {
            throw TrustError("bad-key", "the private key is neither P-256 nor Ed25519")
        }
    }

    deinit { EVP_PKEY_free(handle) }

    /// The key as one `PRIVATE KEY` block (PKCS#8). For files with mode 0600 only.
    /// - Throws: `key-in-token`, `bad-key`.
    package var pem: String {
        get throws(TrustError) {
            let info = try encodedInfo()
            defer { PKCS8_PRIV_KEY_INFO_free(info) }
            return PEM.encode(
                label: "PRIVATE KEY", try derBytes("a private key") { i2d_PKCS8_PRIV_KEY_INFO(info, $0) })
        }
    }

    /// What a PKCS#8 block holds; the caller frees it.
    /// - Throws: `key-in-token`, `bad-key`.
    func encodedInfo() throws(TrustError) -> OpaquePointer {
        guard !isInToken else {
            throw TrustError("key-in-token", "the private key lies in a token and does not leave it")
        }
        guard let info = EVP_PKEY2PKCS8(handle) else {
            throw TrustError.openSSL("bad-key", "cannot encode a private key")
        }
        return info
    }

    /// Signs: 64 bytes for Ed25519 (RFC 8032), DER with SHA-256 for ECDSA.
    /// - Throws: `cannot-sign`.
    package func sign(_ bytes: [UInt8]) throws(TrustError) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Int(max(0, EVP_PKEY_get_size(handle))))
        var count = signature.count
        let isSigned =
            publicKey.algorithm == .ed25519
            ? signWhole(bytes, &signature, &count)
            : signDigest(of: bytes, &signature, &count)
        guard isSigned else { throw TrustError.openSSL("cannot-sign", "cannot sign \(bytes.count) bytes") }
        return Array(signature.prefix(count))
    }

    private func signWhole(_ bytes: [UInt8], _ signature: inout [UInt8], _ count: inout Int) -> Bool {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestSignInit(context, nil, nil, nil, handle) == 1
            && EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1
    }

    /// Without `EVP_DigestSignInit`, which looks the digest up by its name every time.
    private func signDigest(of bytes: [UInt8], _ signature: inout [UInt8], _ count: inout Int) -> Bool {
        let digest = SHA256.hash(bytes)
        let context = EVP_PKEY_CTX_new(handle, nil)
        defer { EVP_PKEY_CTX_free(context) }
        return EVP_PKEY_sign_init(context) == 1
            && EVP_PKEY_sign(context, &signature, &count, digest, digest.count) == 1
    }
}
