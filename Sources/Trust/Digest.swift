import COpenSSL

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
    /// A digest has 32 bytes.
    package static let byteCount = 32

    package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var stream = Stream()
        stream.update(bytes)
        return stream.finish()
    }

    /// The digest of bytes that arrive in pieces.
    package struct Stream: ~Copyable {
        private let context: OpaquePointer?

        package init() {
            context = EVP_MD_CTX_new()
            check(EVP_DigestInit_ex(context, algorithm.method, nil))
        }

        deinit { EVP_MD_CTX_free(context) }

        package mutating func update(_ bytes: some Sequence<UInt8>) {
            let done: Void? = bytes.withContiguousStorageIfAvailable { piece in
                check(EVP_DigestUpdate(context, piece.baseAddress, piece.count))
            }
            if done == nil {
                Array(bytes).withUnsafeBufferPointer { piece in
                    check(EVP_DigestUpdate(context, piece.baseAddress, piece.count))
                }
            }
        }

        package consuming func finish() -> [UInt8] {
            var digest = [UInt8](repeating: 0, count: SHA256.byteCount)
            var count: UInt32 = 0
            check(EVP_DigestFinal_ex(context, &digest, &count))
            return digest
        }

        /// SHA-256 fails only where memory or the provider is gone. No caller could do better than stop: going on would
        /// mean to sign or to compare a wrong digest.
        private func check(_ result: Int32) {
            precondition(result == 1, "libcrypto cannot compute SHA-256")
        }
    }
}

/// SHA-256 looked up once: libcrypto would look `EVP_sha256()` up by its name for every digest.
///
/// `@unchecked Sendable`: a fetched algorithm is never changed.
private struct FetchedAlgorithm: @unchecked Sendable {
    let method = EVP_MD_fetch(nil, "SHA256", nil)
}

private let algorithm = FetchedAlgorithm()

/// A SHA-256 digest as Nave writes it everywhere: `sha256:` and 64 lower-case hexadecimal digits.
package func digestText(_ digest: [UInt8]) -> String { "sha256:\(Hex.encode(digest))" }

/// The digest text of bytes: `sha256:<hex>`.
package func digestText(of bytes: some Sequence<UInt8>) -> String { digestText(SHA256.hash(bytes)) }

/// True if `text` is `sha256:` and 64 lower-case hexadecimal digits.
package func isDigestText(_ text: String) -> Bool {
    text.hasPrefix("sha256:") && text.utf8.count == 71 && Hex.decode(String(text.dropFirst(7))) != nil
}

/// Bytes of libcrypto's random generator. Programs call it and hand the bytes in; nothing in this target does.
/// - Throws: `no-randomness`; there is nothing else to take instead.
package func randomBytes(_ count: Int) throws(TrustError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard count > 0, RAND_bytes(&bytes, Int32(count)) == 1 else {
        throw TrustError.openSSL("no-randomness", "cannot draw \(count) random bytes")
    }
    return bytes
}
