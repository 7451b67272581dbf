import COpenSSL
import Model

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

/// An X.509 certificate (RFC 5280), read once and never changed. Equal by its DER bytes. Reading one trusts nothing.
///
/// `@unchecked Sendable`: the X509 is never changed after `init`; what libcrypto caches inside it, it guards with a lock.
package final class Certificate: @unchecked Sendable, Hashable {
    let handle: OpaquePointer
    package let der: [UInt8]
    /// 1, 2 or 3.
    package let version: Int
    /// Lower-case hexadecimal without leading zero bytes.
    package let serial: String
    /// RFC 2253 texts, for people only; no decision reads them.
    package let subject: String
    package let issuer: String
    package let subjectAlternativeNames: [GeneralName]
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
        let handle = try decodedDER(der, "bad-certificate", "the certificate", free: X509_free) {
            d2i_X509(nil, $0, $1)
        }
        try self.init(adopting: handle, der: der)
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
    init(adopting handle: OpaquePointer, der: [UInt8]) throws(TrustError) {
        let fields: CertificateFields
        do throws(TrustError) {
            fields = try CertificateFields(reading: handle)
        } catch {
            X509_free(handle)
            throw error
        }
        self.handle = handle
        self.der = der
        version = fields.version
        serial = fields.serial
        subject = fields.subject
        issuer = fields.issuer
        subjectAlternativeNames = fields.subjectAlternativeNames
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

    deinit { X509_free(handle) }

    package var pem: String { PEM.encode(label: "CERTIFICATE", der) }

    package var uriSANs: [String] { subjectAlternativeNames.filter { $0.kind == .uri }.map(\.value) }
    package var dnsSANs: [String] { subjectAlternativeNames.filter { $0.kind == .dns }.map(\.value) }
    /// The kinds of subject alternative names that are present and neither URI nor DNS.
    package var otherSANKinds: Set<GeneralName.Kind> {
        Set(subjectAlternativeNames.map(\.kind)).subtracting([.uri, .dns])
    }

    /// The SPIFFE ID of the one URI SAN; nil if there is not exactly one, or it is not a SPIFFE ID in its one spelling.
    package var spiffeID: SPIFFEID? {
        let names = uriSANs
        guard names.count == 1, let id = try? SPIFFEID(names[0]) else { return nil }
        return id
    }

    /// True if the other certificate's name, key identifier and key usage say that it issued this one, and its key signed it.
    package func isIssued(by other: Certificate) -> Bool {
        defer { drainedErrors() }
        return X509_check_issued(other.handle, handle) == X509_V_OK && X509_verify(handle, other.publicKey.handle) == 1
    }

    /// True if trust may begin here: a CA that signed itself, or one that others signed and that signs further CAs. One that
    /// signs leaves only stands for less than a domain and is no anchor.
    package var isAnchor: Bool {
        isCA && keyUsage?.contains(.keyCertSign) ?? false && (pathLength != 0 || isIssued(by: self))
    }

    package static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
}
