import COpenSSL
import Model

/// The fields of a certificate before it is signed. `CertificateAuthority` fills it from its templates; tests of the rules
/// break one field of it. Extensions are built as structures, so no text can ask for one.
package struct CertificateDraft: Sendable {
    package var organization: String
    package var commonName: String
    package var serial: [UInt8]
    package var notBefore: Instant
    package var notAfter: Instant
    package var publicKey: PublicKey
    package var names: [GeneralName] = []
    package var isCA = false
    package var pathLength: Int?
    package var keyUsage: KeyUsage
    package var extendedKeyUsage: [String] = []
    package var nameConstraints: NameConstraints?
    /// Whose subject it bears, in the place of `organization` and `commonName`.
    package var subjectOf: Certificate?
    package var nameConstraintsAreCritical = true
    /// Dotted texts of extensions that are added with an ASN.1 NULL as value, marked critical.
    package var otherCriticalExtensions: [String] = []

    package init(
        organization: String, commonName: String, serial: [UInt8], notBefore: Instant, notAfter: Instant,
        publicKey: PublicKey, keyUsage: KeyUsage
    ) {
        self.organization = organization
        self.commonName = commonName
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.publicKey = publicKey
        self.keyUsage = keyUsage
    }

    /// Signs the draft with ECDSA and SHA-256.
    /// - Parameter issuer: The certificate of `key`; nil for a root, which signs itself.
    /// - Throws: `bad-template`, `cannot-sign`.
    package func signed(by key: PrivateKey, issuer: Certificate?) throws(TrustError) -> Certificate {
        guard let certificate = X509_new() else {
            throw TrustError.openSSL("bad-template", "cannot make a certificate")
        }
        var owned = true
        defer { if owned { X509_free(certificate) } }
        try demand(X509_set_version(certificate, 2), "the version")
        try setSerial(certificate)
        try setTimes(certificate)
        try setNames(certificate, issuer)
        try demand(X509_set_pubkey(certificate, publicKey.handle), "the key")
        try addBasicConstraints(certificate)
        try addKeyUsage(certificate)
        try addExtendedKeyUsage(certificate)
        try addSubjectAlternativeNames(certificate)
        try addNameConstraints(certificate)
        let keyID = Self.keyID(of: publicKey)
        try addKeyIDs(certificate, own: keyID, issuer: issuer.map { $0.subjectKeyID ?? [] } ?? keyID)
        try addOtherExtensions(certificate)
        guard X509_sign(certificate, key.handle, key.publicKey.algorithm == .ed25519 ? nil : EVP_sha256()) > 0 else {
            throw TrustError.openSSL("cannot-sign", "cannot sign the certificate of \(backticked(commonName))")
        }
        let der = try derBytes("a certificate") { i2d_X509(certificate, $0) }
        owned = false
        X509_free(certificate)
        // Read from its bytes like anybody else's: what was built is not what is judged.
        return try Certificate(der: der)
    }

    private func demand(_ result: Int32, _ what: String) throws(TrustError) {
        guard result == 1 else { throw TrustError.openSSL("bad-template", "cannot set \(what) of a certificate") }
    }

    private func setSerial(_ certificate: OpaquePointer) throws(TrustError) {
        guard (1...20).contains(serial.count), let number = BN_bin2bn(serial, Int32(serial.count), nil) else {
            throw TrustError.openSSL("bad-template", "a serial number has 1 to 20 bytes, not \(serial.count)")
        }
        defer { BN_free(number) }
        try demand(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) == nil ? 0 : 1, "the serial number")
    }

    private func setTimes(_ certificate: OpaquePointer) throws(TrustError) {
        // Certificates count whole seconds; ASN1_TIME_set writes UTCTime up to 2049 and GeneralizedTime after it.
        let start = ASN1_TIME_set(nil, Int(notBefore.milliseconds / 1000))
        let end = ASN1_TIME_set(nil, Int(notAfter.milliseconds / 1000))
        defer {
            ASN1_TIME_free(start)
            ASN1_TIME_free(end)
        }
        try demand(X509_set1_notBefore(certificate, start), "the start")
        try demand(X509_set1_notAfter(certificate, end), "the end")
    }

    private func setNames(_ certificate: OpaquePointer, _ issuer: Certificate?) throws(TrustError) {
        if let subjectOf {
            try demand(
                X509_set_subject_name(certificate, X509_get_subject_name(subjectOf.handle)), "the subject")
        }
        let subject = X509_get_subject_name(certificate)
        for (nid, text) in [(NID_organizationName, organization), (NID_commonName, commonName)] where !text.isEmpty {
            let bytes = Array(text.utf8)
            guard bytes.count <= 64 || nid == NID_organizationName,
                X509_NAME_add_entry_by_NID(subject, nid, V_ASN1_UTF8STRING, bytes, Int32(bytes.count), -1, 0) == 1
            else { throw TrustError.openSSL("bad-template", "cannot put \(backticked(text)) into the subject") }
        }
        let issuerName = issuer.map { X509_get_subject_name($0.handle) } ?? subject
        try demand(X509_set_issuer_name(certificate, issuerName), "the issuer")
    }

    private func add(
        _ certificate: OpaquePointer, _ nid: Int32, _ value: UnsafeMutableRawPointer?, critical: Bool
    ) throws(TrustError) {
        try demand(X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, 0), "an extension")
    }

    private func addBasicConstraints(_ certificate: OpaquePointer) throws(TrustError) {
        guard let constraints = BASIC_CONSTRAINTS_new() else {
            throw TrustError.openSSL("bad-template", "cannot write basic constraints")
        }
        defer { BASIC_CONSTRAINTS_free(constraints) }
        constraints.pointee.ca = isCA ? 0xff : 0
        if let pathLength {
            constraints.pointee.pathlen = ASN1_INTEGER_new()
            try demand(ASN1_INTEGER_set(constraints.pointee.pathlen, pathLength), "the path length")
        }
        try add(certificate, NID_basic_constraints, constraints, critical: true)
    }

    private func addKeyUsage(_ certificate: OpaquePointer) throws(TrustError) {
        guard !keyUsage.isEmpty else { return }
        let bits = ASN1_BIT_STRING_new()
        defer { ASN1_BIT_STRING_free(bits) }
        // Bit 0 of the extension, digitalSignature, is the highest bit of the first byte.
        for bit in 0..<8 where keyUsage.rawValue & (0x80 >> UInt32(bit)) != 0 {
            try demand(ASN1_BIT_STRING_set_bit(bits, Int32(bit), 1), "the key usage")
        }
        try add(certificate, NID_key_usage, bits, critical: true)
    }

    private func addExtendedKeyUsage(_ certificate: OpaquePointer) throws(TrustError) {
        guard !extendedKeyUsage.isEmpty else { return }
        let stack = OPENSSL_sk_new_null()
        defer { EXTENDED_KEY_USAGE_free(stack) }
        for text in extendedKeyUsage {
            guard let object = OBJ_txt2obj(text, 1) else {
                throw TrustError.openSSL("bad-template", "\(backticked(text)) is not an object identifier")
            }
            try demand(OPENSSL_sk_push(stack, UnsafeRawPointer(object)) > 0 ? 1 : 0, "the extended key usage")
        }
        try add(certificate, NID_ext_key_usage, stack.map(UnsafeMutableRawPointer.init), critical: false)
    }

    private func addSubjectAlternativeNames(_ certificate: OpaquePointer) throws(TrustError) {
        guard !names.isEmpty else { return }
        let stack = OPENSSL_sk_new_null()
        defer { GENERAL_NAMES_free(stack) }
        for name in names {
            try demand(OPENSSL_sk_push(stack, try name.allocated()) > 0 ? 1 : 0, "a name")
        }
        try add(certificate, NID_subject_alt_name, stack.map(UnsafeMutableRawPointer.init), critical: false)
    }

    private func addNameConstraints(_ certificate: OpaquePointer) throws(TrustError) {
        guard let nameConstraints else { return }
        guard let constraints = NAME_CONSTRAINTS_new() else {
            throw TrustError.openSSL("bad-template", "cannot write name constraints")
        }
        defer { NAME_CONSTRAINTS_free(constraints) }
        constraints.pointee.permittedSubtrees = try Self.subtrees(nameConstraints.permitted)
        constraints.pointee.excludedSubtrees = try Self.subtrees(nameConstraints.excluded)
        try add(certificate, NID_name_constraints, constraints, critical: nameConstraintsAreCritical)
    }

    /// A stack of subtrees; nil for no name, because an empty sequence is not allowed. Its owner frees it.
    private static func subtrees(_ names: [GeneralName]) throws(TrustError) -> OpaquePointer? {
        guard !names.isEmpty else { return nil }
        let stack = OPENSSL_sk_new_null()
        for name in names {
            guard let subtree = GENERAL_SUBTREE_new() else {
                throw TrustError.openSSL("bad-template", "cannot write name constraints")
            }
            GENERAL_NAME_free(subtree.pointee.base)
            subtree.pointee.base = try name.allocated()
            guard OPENSSL_sk_push(stack, subtree) > 0 else {
                throw TrustError.openSSL("bad-template", "cannot write name constraints")
            }
        }
        return stack
    }

    /// The first 160 bits of SHA-256 over the key's SubjectPublicKeyInfo (RFC 7093, section 2, method 4).
    private static func keyID(of key: PublicKey) -> [UInt8] { Array(SHA256.hash(key.spkiDER).prefix(20)) }

    private func addKeyIDs(_ certificate: OpaquePointer, own: [UInt8], issuer: [UInt8]) throws(TrustError) {
        let subjectKeyID = ASN1_OCTET_STRING_new()
        defer { ASN1_OCTET_STRING_free(subjectKeyID) }
        try demand(ASN1_OCTET_STRING_set(subjectKeyID, own, Int32(own.count)), "the key identifier")
        try add(certificate, NID_subject_key_identifier, subjectKeyID, critical: false)

        guard !issuer.isEmpty, let authorityKeyID = AUTHORITY_KEYID_new() else {
            throw TrustError("bad-template", "the issuer has no key identifier")
        }
        defer { AUTHORITY_KEYID_free(authorityKeyID) }
        authorityKeyID.pointee.keyid = ASN1_OCTET_STRING_new()
        try demand(ASN1_OCTET_STRING_set(authorityKeyID.pointee.keyid, issuer, Int32(issuer.count)), "the issuer's key")
        try add(certificate, NID_authority_key_identifier, authorityKeyID, critical: false)
    }

    private func addOtherExtensions(_ certificate: OpaquePointer) throws(TrustError) {
        for text in otherCriticalExtensions {
            let object = OBJ_txt2obj(text, 1)
            let value = ASN1_OCTET_STRING_new()
            defer {
                ASN1_OBJECT_free(object)
                ASN1_OCTET_STRING_free(value)
            }
            try demand(ASN1_OCTET_STRING_set(value, [0x05, 0x00], 2), "an extension")
            let element = X509_EXTENSION_create_by_OBJ(nil, object, 1, value)
            defer { X509_EXTENSION_free(element) }
            try demand(X509_add_ext(certificate, element, -1), "an extension")
        }
    }
}
