import COpenSSL
import Model

/// Private keys at rest under a passphrase: one `ENCRYPTED PRIVATE KEY` block (PKCS#8, RFC 5958, section 3) with PBES2 (RFC
/// 8018). The passphrase comes in as bytes; nothing in here could ask a person for one.
extension PrivateKey {
    static let encryptedLabel = "ENCRYPTED PRIVATE KEY"
    package static let maximumPassphraseBytes = 1024

    /// scrypt (RFC 7914) with N = 2^14, r = 8, p = 5: 16 MiB and a quarter of a second for each guess. libcrypto's own
    /// limit of 32 MiB bounds N, and p makes up for it.
    private static let scrypt: (cost: UInt64, blockSize: UInt64, parallelization: UInt64) = (1 << 14, 8, 5)

    /// Reads one encrypted key: PBES2 with scrypt or PBKDF2, and AES in CBC mode.
    /// - Throws: `wrong-passphrase`, also for damaged bytes, which nothing tells apart from it; `key-not-encrypted`,
    ///   `bad-pem`, `bad-key`, `unknown-encryption`.
    package convenience init(pem: String, passphrase: [UInt8]) throws(TrustError) {
        guard !PEM.holds(label: "PRIVATE KEY", pem) else {
            throw TrustError(
                "key-not-encrypted", "the private key is not encrypted, though a passphrase is set for it",
                hint: "encrypt it with `openssl pkcs8 -topk8 -scrypt`, or set no passphrase")
        }
        let blocks = try PEM.decode(label: Self.encryptedLabel, pem)
        guard blocks.count == 1 else {
            throw TrustError("bad-pem", "expected one encrypted private key, found \(blocks.count)")
        }
        let encrypted = try decodedDER(blocks[0], "bad-key", "the encrypted private key", free: X509_SIG_free) {
            d2i_X509_SIG(nil, $0, $1)
        }
        defer {
            X509_SIG_free(encrypted)
            drainedErrors()
        }
        try Self.checkEncryption(encrypted)
        let info = Self.passing(passphrase) { PKCS8_decrypt(encrypted, $0, $1) }
        guard let info else {
            throw TrustError.openSSL("wrong-passphrase", "the passphrase does not open the private key")
        }
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        try self.init(reading: info)
        try checkPair()
    }

    /// The key as one `ENCRYPTED PRIVATE KEY` block: scrypt and AES-256 in CBC mode.
    /// - Throws: `bad-passphrase` for one that is empty or over 1024 bytes; `key-in-token`, `bad-key`.
    package func encryptedPEM(passphrase: [UInt8]) throws(TrustError) -> String {
        guard (1...Self.maximumPassphraseBytes).contains(passphrase.count) else {
            throw TrustError(
                "bad-passphrase",
                "a passphrase has 1 to \(Self.maximumPassphraseBytes) bytes, not \(passphrase.count)")
        }
        let info = try encodedInfo()
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        // Without a salt and an IV handed in, libcrypto draws random ones.
        guard
            let algorithm = PKCS5_pbe2_set_scrypt(
                EVP_aes_256_cbc(), nil, 16, nil, Self.scrypt.cost, Self.scrypt.blockSize, Self.scrypt.parallelization)
        else { throw TrustError.openSSL("bad-key", "cannot prepare the encryption of a private key") }
        guard let encrypted = Self.passing(passphrase, { PKCS8_set0_pbe($0, $1, info, algorithm) }) else {
            X509_ALGOR_free(algorithm)
            throw TrustError.openSSL("bad-key", "cannot encrypt a private key")
        }
        defer { X509_SIG_free(encrypted) }
        return PEM.encode(
            label: Self.encryptedLabel, try derBytes("an encrypted private key") { i2d_X509_SIG(encrypted, $0) })
    }

    private static func passing(
        _ passphrase: [UInt8], _ body: (UnsafePointer<CChar>?, Int32) -> OpaquePointer?
    ) -> OpaquePointer? {
        guard passphrase.count <= maximumPassphraseBytes else { return nil }
        return passphrase.withUnsafeBytes { bytes in
            // An empty array may have no address; libcrypto takes a missing passphrase for another one than an empty one.
            guard let start = bytes.baseAddress, !bytes.isEmpty else { return body("", 0) }
            return body(start.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
        }
    }

    /// CBC does not protect from changed bytes: who writes the file could flip bits of the private number beside an intact
    /// public key, and learn from the broken signatures.
    private func checkPair() throws(TrustError) {
        guard publicKey.algorithm == .p256 else { return }
        let context = EVP_PKEY_CTX_new(handle, nil)
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_pairwise_check(context) == 1 else {
            throw TrustError.openSSL("bad-key", "the two halves of the private key do not belong together")
        }
    }

    /// Refuses what is weak or would cost too much, before any work is done.
    private static func checkEncryption(_ encrypted: OpaquePointer) throws(TrustError) {
        var algorithm: UnsafePointer<X509_ALGOR>?
        var data: UnsafePointer<ASN1_OCTET_STRING>?
        X509_SIG_get0(encrypted, &algorithm, &data)
        let unknown = TrustError(
            "unknown-encryption", "the private key is not encrypted with PBES2, scrypt or PBKDF2, and AES in CBC mode",
            hint: "encrypt it anew with `openssl pkcs8 -topk8 -scrypt -v2 aes-256-cbc`")
        guard let algorithm, OBJ_obj2nid(algorithm.pointee.algorithm) == NID_pbes2,
            let parameters = ASN1_TYPE_unpack_sequence(PBE2PARAM_it(), algorithm.pointee.parameter)?
                .assumingMemoryBound(to: PBE2PARAM.self)
        else { throw unknown }
        defer { PBE2PARAM_free(parameters) }
        guard let cipher = parameters.pointee.encryption, let derivation = parameters.pointee.keyfunc,
            [NID_aes_128_cbc, NID_aes_192_cbc, NID_aes_256_cbc].contains(OBJ_obj2nid(cipher.pointee.algorithm))
        else { throw unknown }
        let cost: UInt64
        switch OBJ_obj2nid(derivation.pointee.algorithm) {
        case NID_id_pbkdf2: cost = try pbkdf2Cost(derivation, unknown)
        case NID_id_scrypt: cost = try scryptCost(derivation, unknown)
        default: throw unknown
        }
        guard cost <= maximumCost else {
            throw TrustError("unknown-encryption", "the private key's passphrase would cost \(cost) steps to try")
        }
    }

    /// Iterations of PBKDF2, or N · r · p of scrypt.
    private static let maximumCost: UInt64 = 1 << 24

    private static func pbkdf2Cost(
        _ derivation: UnsafeMutablePointer<X509_ALGOR>, _ unknown: TrustError
    ) throws(TrustError) -> UInt64 {
        guard
            let parameters = ASN1_TYPE_unpack_sequence(PBKDF2PARAM_it(), derivation.pointee.parameter)?
                .assumingMemoryBound(to: PBKDF2PARAM.self)
        else { throw unknown }
        defer { PBKDF2PARAM_free(parameters) }
        return try number(parameters.pointee.iter, unknown)
    }

    private static func scryptCost(
        _ derivation: UnsafeMutablePointer<X509_ALGOR>, _ unknown: TrustError
    ) throws(TrustError) -> UInt64 {
        guard
            let parameters = ASN1_TYPE_unpack_sequence(SCRYPT_PARAMS_it(), derivation.pointee.parameter)?
                .assumingMemoryBound(to: SCRYPT_PARAMS.self)
        else { throw unknown }
        defer { SCRYPT_PARAMS_free(parameters) }
        let cost = try number(parameters.pointee.costParameter, unknown)
        let blockSize = try number(parameters.pointee.blockSize, unknown)
        let parallelization = try number(parameters.pointee.parallelizationParameter, unknown)
        // Each is at most 2^24, so two of them fit; where those are within the limit, all three do.
        return cost * blockSize > maximumCost ? cost * blockSize : cost * blockSize * parallelization
    }

    private static func number(
        _ integer: UnsafeMutablePointer<ASN1_INTEGER>?, _ unknown: TrustError
    ) throws(TrustError) -> UInt64 {
        var value: UInt64 = 0
        guard let integer, ASN1_INTEGER_get_uint64(&value, integer) == 1, value > 0, value <= maximumCost else {
            throw unknown
        }
        return value
    }
}
