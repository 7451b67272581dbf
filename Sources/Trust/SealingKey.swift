import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) under a key of this process alone: what is sealed can be given to others to carry, who can
/// neither read nor change it, nor bring it where it does not belong.
package final class SealingKey: Sendable {
    private static let keyCount = 32
    private static let nonceCount = 12
    private static let tagCount = 16
    /// Nonce and tag.
    package static let overhead = nonceCount + tagCount

    private let key: [UInt8]

    /// A new random key.
    /// - Throws: `no-randomness`.
    package init() throws(TrustError) { key = try randomBytes(Self.keyCount) }

    /// Nonce, ciphertext and tag.
    /// - Parameter context: not in the result; ``open(_:context:)`` must be given the same bytes.
    /// - Throws: `no-randomness`, `cannot-seal`.
    package func seal(_ plain: [UInt8], context: [UInt8]) throws(TrustError) -> [UInt8] {
        // Random: 2^32 of them under one key keep a collision below one in 2^32 (SP 800-38D, section 8.3).
        let nonce = try randomBytes(Self.nonceCount)
        let cipher = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(cipher) }
        var sealed = [UInt8](repeating: 0, count: plain.count)
        var tag = [UInt8](repeating: 0, count: Self.tagCount)
        var count: Int32 = 0
        var rest = [UInt8](repeating: 0, count: Self.tagCount)
        guard EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_EncryptUpdate(cipher, nil, &count, context, Int32(context.count)) == 1,
            EVP_EncryptUpdate(cipher, &sealed, &count, plain, Int32(plain.count)) == 1, Int(count) == plain.count,
            EVP_EncryptFinal_ex(cipher, &rest, &count) == 1,
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagCount), &tag) == 1
        else { throw TrustError.openSSL("cannot-seal", "cannot seal \(plain.count) bytes") }
        return nonce + sealed + tag
    }

    /// - Returns: nil for bytes that this key did not seal for that context.
    package func open(_ sealed: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard sealed.count >= Self.overhead else { return nil }
        let nonce = Array(sealed.prefix(Self.nonceCount))
        var tag = Array(sealed.suffix(Self.tagCount))
        let inner = Array(sealed[Self.nonceCount..<sealed.count - Self.tagCount])
        let cipher = EVP_CIPHER_CTX_new()
        defer {
            EVP_CIPHER_CTX_free(cipher)
            drainedErrors()
        }
        var plain = [UInt8](repeating: 0, count: inner.count)
        var count: Int32 = 0
        var rest = [UInt8](repeating: 0, count: Self.tagCount)
        guard EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_DecryptUpdate(cipher, nil, &count, context, Int32(context.count)) == 1,
            EVP_DecryptUpdate(cipher, &plain, &count, inner, Int32(inner.count)) == 1, Int(count) == inner.count,
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagCount), &tag) == 1,
            // The bytes mean nothing before this says so.
            EVP_DecryptFinal_ex(cipher, &rest, &count) == 1
        else { return nil }
        return plain
    }
}
