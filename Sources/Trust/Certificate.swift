import COpenSSL
import Model
import Synchronization

/// What a key may be used for (RFC 5280, section 4.2.1.3); the bits as libcrypto counts them.
package struct KeyUsage: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let digitalSignature = KeyUsage(rawValue: 0x80)
    package static let keyCertSign = KeyUsage(rawValue: 0x04)
    package static let crlSign = KeyUsage(rawValue: 0x02)
}

/// The purposes of an extended key usage extension that Nave knows (RFC 5280, section 4.2.1.12), as dotted texts.
package enum ExtendedKeyUsage {
    package static let serverAuth = "1.3.6.1.5.5.7.3.1"
    package static let clientAuth = "1.3.6.1.5.5.7.3.2"
}

/// libcrypto's structure of a certificate.
///
/// `@unchecked Sendable`: it is never changed after it was made; what libcrypto caches inside it, it guards with a lock.
private struct X509: @unchecked Sendable {
    let handle: OpaquePointer
}

/// An X.509 certificate (RFC 5280), read once and never changed. Equal by its DER bytes. Reading one trusts nothing.
package final class Certificate: Sendable, Hashable {
    /// Nil until somebody needs it: libcrypto takes longer to read a certificate than to sign one.
    private let x509: Mutex<X509?>
    package let der: [UInt8]
    /// 1, 2 or 3.
    package let version: Int
    /// Lower-case hexadecimal without leading zero bytes.
    package let serial: String
    /// RFC 2253 texts, for people only; no decision reads them.
    package let subject: String
    package let issuer: String
    package let subjectAlternativeNames: [GeneralName]
    package let uriSANs: [String]
    package let dnsSANs: [String]
    /// The SPIFFE ID of the one URI SAN; nil if there is not exactly one, or it is not a SPIFFE ID in its one spelling.
    package let spiffeID: SPIFFEID?
    package let notBefore: Instant
    package let notAfter: Instant
    package let isCA: Bool
    package let pathLength: Int?
    package let keyUsage: KeyUsage?
    package let extendedKeyUsage: [String]?
    /// The name of the signature algorithm, such as `ecdsa-with-SHA256`.
    package let signatureAlgorithm: String
    package let publicKey: PublicKey
    /// Dotted texts of the extensions that are marked critical.
    package let criticalExtensions: [String]
    package let nameConstraints: NameConstraints?
    package let subjectKeyID: [UInt8]?

    /// - Throws: `bad-certificate` for bytes that are not exactly one certificate of at most 64 KiB, or one that says a
    ///   thing twice.
    package convenience init(der: [UInt8]) throws(TrustError) {
        try self.init(adopting: try Self.decoded(der), der: der)
    }

    /// Reads one `CERTIFICATE` block.
    /// - Throws: `bad-pem`, `bad-certificate`.
    package convenience init(pem: String) throws(TrustError) {
        let blocks = try PEM.decode(label: "CERTIFICATE", pem)
        guard blocks.count == 1 else { throw TrustError("bad-pem", "expected one certificate, found \(blocks.count)") }
        try self.init(der: blocks[0])
    }

    /// Reads one to 64 `CERTIFICATE` blocks, in their order.
    /// - Throws: `bad-pem`, `bad-certificate`.
    package static func chain(pem: String) throws(TrustError) -> [Certificate] {
        let blocks = try PEM.decode(label: "CERTIFICATE", pem)
        guard (1...64).contains(blocks.count) else {
            throw TrustError("bad-pem", "expected 1 to 64 certificates, found \(blocks.count)")
        }
        var chain: [Certificate] = []
        for block in blocks { chain.append(try Certificate(der: block)) }
        return chain
    }

    /// Takes over the reference. The reads are free functions, so that a throw frees the handle exactly once.
    convenience init(adopting handle: OpaquePointer, der: [UInt8]) throws(TrustError) {
        let fields: CertificateFields
        do throws(TrustError) {
            fields = try CertificateFields(reading: handle)
        } catch {
            X509_free(handle)
            throw error
        }
        self.init(fields, handle, der)
    }

    /// Reads a leaf that `issuer` has just signed, strictly: only what Nave writes into leaves is understood.
    /// - Parameter key: The key that it is meant to hold; another one is read from its bytes.
    /// - Throws: `bad-certificate`.
    convenience init(leafDER der: [UInt8], issuer: Certificate, expecting key: PublicKey) throws(TrustError) {
        self.init(try CertificateFields(leafDER: der, issuer: issuer, expecting: key), nil, der)
    }

    private init(_ fields: CertificateFields, _ handle: OpaquePointer?, _ der: [UInt8]) {
        x509 = Mutex(handle.map { X509(handle: $0) })
        self.der = der
        version = fields.version
        serial = fields.serial
        subject = fields.subject
        issuer = fields.issuer
        subjectAlternativeNames = fields.subjectAlternativeNames
        uriSANs = fields.subjectAlternativeNames.filter { $0.kind == .uri }.map(\.value)
        dnsSANs = fields.subjectAlternativeNames.filter { $0.kind == .dns }.map(\.value)
        spiffeID = uriSANs.count == 1 ? try? SPIFFEID(uriSANs[0]) : nil
        notBefore = fields.notBefore
        notAfter = fields.notAfter
        isCA = fields.isCA
        pathLength = fields.pathLength
        keyUsage = fields.keyUsage
        extendedKeyUsage = fields.extendedKeyUsage
        signatureAlgorithm = fields.signatureAlgorithm
        publicKey = fields.publicKey
        criticalExtensions = fields.criticalExtensions
        nameConstraints = fields.nameConstraints
        subjectKeyID = fields.subjectKeyID
    }

    deinit { x509.withLock { X509_free($0?.handle) } }

    /// libcrypto's structure, as long as the certificate lives.
    /// - Throws: `bad-certificate`.
    var handle: OpaquePointer {
        get throws(TrustError) {
            try x509.withLock { x509 throws(TrustError) in
                if let x509 { return x509 }
                let made = X509(handle: try Self.decoded(der))
                x509 = made
                return made
            }.handle
        }
    }

    private static func decoded(_ der: [UInt8]) throws(TrustError) -> OpaquePointer {
        try decodedDER(der, "bad-certificate", "the certificate", free: X509_free) { d2i_X509(nil, $0, $1) }
    }

    /// The subject's Name, DER.
    var subjectDER: [UInt8] {
        get throws(TrustError) {
            let name = X509_get_subject_name(try handle)
            return try derBytes("a name") { i2d_X509_NAME(name, $0) }
        }
    }

    package var pem: String { PEM.encode(label: "CERTIFICATE", der) }

    /// The kinds of subject alternative names that are present and neither URI nor DNS.
    package var otherSANKinds: Set<GeneralName.Kind> {
        Set(subjectAlternativeNames.map(\.kind)).subtracting([.uri, .dns])
    }

    /// True if the other certificate's name, key identifier and key usage say that it issued this one, and its key signed it.
    package func isIssued(by other: Certificate) -> Bool {
        defer { drainedErrors() }
        guard let theirs = try? other.handle, let ours = try? handle else { return false }
        return X509_check_issued(theirs, ours) == X509_V_OK && X509_verify(ours, other.publicKey.handle) == 1
    }

    /// True if trust may begin here: a CA that signed itself, or one that others signed and that signs further CAs. One that
    /// signs leaves only stands for less than a domain and is no anchor.
    package var isAnchor: Bool {
        isCA && keyUsage?.contains(.keyCertSign) ?? false && (pathLength != 0 || isIssued(by: self))
    }

    package static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
}
