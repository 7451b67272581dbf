import COpenSSL
import Model

/// The fields of a certificate, read out of libcrypto's structure.
struct CertificateFields {
    var version: Int
    var serial: String
    var subject: String
    var issuer: String
    var subjectAlternativeNames: [GeneralName]
    var notBefore: Instant
    var notAfter: Instant
    var isCA: Bool
    var pathLength: Int?
    var keyUsage: KeyUsage?
    var extendedKeyUsage: [String]?
    var signatureAlgorithm: String
    var publicKey: PublicKey
    var criticalExtensions: [String]
    var nameConstraints: NameConstraints?
    var subjectKeyID: [UInt8]?

}

extension CertificateFields {
    /// - Throws: `bad-certificate`.
    init(reading handle: OpaquePointer) throws(TrustError) {
        defer { drainedErrors() }
        // Fills the caches that the flags below come from.
        X509_check_purpose(handle, -1, 0)
        let flags = X509_get_extension_flags(handle)
        // EXFLAG_INVALID: an extension that cannot be read or is there twice.
        guard flags & UInt32(EXFLAG_INVALID) == 0 else {
            throw TrustError.openSSL("bad-certificate", "an extension of the certificate is malformed or there twice")
        }
        version = X509_get_version(handle) + 1
        serial = try Self.serial(handle)
        subject = try Self.text(X509_get_subject_name(handle))
        issuer = try Self.text(X509_get_issuer_name(handle))
        subjectAlternativeNames = try Self.subjectAlternativeNames(handle)
        notBefore = try Self.instant(X509_get0_notBefore(handle))
        notAfter = try Self.instant(X509_get0_notAfter(handle))
        isCA = flags & UInt32(EXFLAG_CA) != 0
        let length = X509_get_pathlen(handle)
        pathLength = length >= 0 ? Int(length) : nil
        keyUsage = flags & UInt32(EXFLAG_KUSAGE) != 0 ? KeyUsage(rawValue: X509_get_key_usage(handle)) : nil
        extendedKeyUsage = try Self.extendedKeyUsage(handle)
        signatureAlgorithm = OBJ_nid2sn(X509_get_signature_nid(handle)).map { String(cString: $0) } ?? "unknown"
        guard let key = X509_get_pubkey(handle) else {
            throw TrustError.openSSL("bad-certificate", "cannot read the certificate's public key")
        }
        publicKey = try PublicKey(adopting: key)
        criticalExtensions = (0..<X509_get_ext_count(handle)).compactMap { index in
            let element = X509_get_ext(handle, index)
            return X509_EXTENSION_get_critical(element) == 1 ? dottedText(X509_EXTENSION_get_object(element)) : nil
        }
        nameConstraints = try Self.nameConstraints(handle)
        subjectKeyID = X509_get0_subject_key_id(handle).map { contentBytes($0) }
    }

    private static func serial(_ handle: OpaquePointer) throws(TrustError) -> String {
        let number = X509_get0_serialNumber(handle)
        let bytes = contentBytes(number).drop { $0 == 0 }
        guard ASN1_STRING_type(number) == V_ASN1_INTEGER, (1...20).contains(bytes.count) else {
            throw TrustError("bad-certificate", "the serial number is not a positive number of at most 20 bytes")
        }
        return Hex.encode(bytes)
    }

    static func text(_ name: OpaquePointer?) throws(TrustError) -> String {
        let bio = BIO_new(BIO_s_mem())
        defer { BIO_free(bio) }
        var bytes: UnsafePointer<UInt8>?
        guard let name, nave_print_name(bio, name) == 1 else {
            throw TrustError.openSSL("bad-certificate", "cannot read a name of the certificate")
        }
        let count = nave_bio_bytes(bio, &bytes)
        return String(decoding: UnsafeBufferPointer(start: bytes, count: max(0, count)), as: UTF8.self)
    }

    static func instant(_ time: UnsafePointer<ASN1_TIME>?) throws(TrustError) -> Instant {
        var seconds: Int64 = 0
        guard let time, nave_seconds(time, &seconds) == 1 else {
            throw TrustError.openSSL("bad-certificate", "cannot read a time of the certificate")
        }
        return Instant(milliseconds: seconds * 1000)
    }

    /// The decoded extension; nil if it is not there.
    private static func decodedExtension(_ handle: OpaquePointer, _ nid: Int32) throws(TrustError)
        -> UnsafeMutableRawPointer?
    {
        var critical: Int32 = 0
        if let value = X509_get_ext_d2i(handle, nid, &critical, nil) { return value }
        guard critical == -1 else {
            throw TrustError.openSSL("bad-certificate", "an extension of the certificate is malformed or there twice")
        }
        return nil
    }

    private static func subjectAlternativeNames(_ handle: OpaquePointer) throws(TrustError) -> [GeneralName] {
        guard let value = try decodedExtension(handle, NID_subject_alt_name) else { return [] }
        let stack = OpaquePointer(value)
        defer { GENERAL_NAMES_free(stack) }
        var names: [GeneralName] = []
        for element in elements(of: stack) { names.append(try GeneralName(reading: element)) }
        return names
    }

    private static func extendedKeyUsage(_ handle: OpaquePointer) throws(TrustError) -> [String]? {
        guard let value = try decodedExtension(handle, NID_ext_key_usage) else { return nil }
        let stack = OpaquePointer(value)
        defer { EXTENDED_KEY_USAGE_free(stack) }
        return elements(of: stack).map { dottedText(OpaquePointer($0)) }
    }

    private static func nameConstraints(_ handle: OpaquePointer) throws(TrustError) -> NameConstraints? {
        guard let value = try decodedExtension(handle, NID_name_constraints) else { return nil }
        let constraints = value.assumingMemoryBound(to: NAME_CONSTRAINTS.self)
        defer { NAME_CONSTRAINTS_free(constraints) }
        return try NameConstraints(reading: constraints)
    }
}
