import Model

/// The fields of a certificate before it is signed. `CertificateAuthority` fills it from its templates; tests of the rules
/// break one field of it. It is written as DER by hand: libcrypto's builders cost several times its signature.
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
    /// Nil for the one that our own certificates have, which comes from the key.
    package var subjectKeyID: [UInt8]?
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

    /// Signs the draft, with ECDSA and SHA-256 or with Ed25519.
    /// - Parameter issuer: The certificate of `key`; nil for a root, which signs itself.
    /// - Throws: `bad-template`, `cannot-sign`.
    package func signed(by key: PrivateKey, issuer: Certificate?) throws(TrustError) -> Certificate {
        // Read from its bytes like anybody else's: what was built is not what is judged.
        try Certificate(der: try der(signedBy: key, issuer: issuer))
    }

    /// The bytes of the signed certificate (RFC 5280, section 4.1).
    /// - Throws: `bad-template`, `cannot-sign`.
    func der(signedBy key: PrivateKey, issuer: Certificate?) throws(TrustError) -> [UInt8] {
        var algorithm = DERWriter()
        algorithm.add(Tag.sequence) {
            let isEd25519 = key.publicKey.algorithm == .ed25519
            $0.add(Tag.objectIdentifier, isEd25519 ? ObjectID.ed25519 : ObjectID.ecdsaWithSHA256)
        }
        var content = DERWriter()
        try content.add(Tag.sequence) { (content: inout DERWriter) throws(TrustError) in
            try writeContent(&content, algorithm.bytes, issuer)
        }
        var certificate = DERWriter()
        let signature = try key.sign(content.bytes)
        certificate.add(Tag.sequence) {
            $0.add(element: content.bytes)
            $0.add(element: algorithm.bytes)
            $0.add(bits: signature)
        }
        return certificate.bytes
    }

    private typealias Tag = DERReader.Tag

    /// The TBSCertificate.
    private func writeContent(
        _ writer: inout DERWriter, _ algorithm: [UInt8], _ issuer: Certificate?
    ) throws(TrustError) {
        guard (1...20).contains(serial.count) else {
            throw TrustError("bad-template", "a serial number has 1 to 20 bytes, not \(serial.count)")
        }
        // Version 3.
        writer.add(Tag.context(0, constructed: true)) { $0.add(number: [2]) }
        writer.add(number: serial)
        writer.add(element: algorithm)
        var own = DERWriter()
        try own.add(Tag.sequence) { (subject: inout DERWriter) throws(TrustError) in try writeSubject(&subject) }
        let subject = try subjectOf?.subjectDER ?? own.bytes
        writer.add(element: try issuer?.subjectDER ?? subject)
        writer.add(Tag.sequence) {
            Self.write(notBefore, to: &$0)
            Self.write(notAfter, to: &$0)
        }
        writer.add(element: subject)
        writer.add(element: publicKey.spkiDER)
        let keyID = subjectKeyID ?? Self.keyID(of: publicKey)
        let issuerID = issuer.map { $0.subjectKeyID ?? [] } ?? keyID
        guard !issuerID.isEmpty else { throw TrustError("bad-template", "the issuer has no key identifier") }
        try writer.add(Tag.context(3, constructed: true)) { (writer: inout DERWriter) throws(TrustError) in
            try writer.add(Tag.sequence) { (writer: inout DERWriter) throws(TrustError) in
                try writeExtensions(&writer, keyID, issuerID)
            }
        }
    }

    private func writeSubject(_ writer: inout DERWriter) throws(TrustError) {
        for (object, text) in [(ObjectID.organizationName, organization), (ObjectID.commonName, commonName)]
        where !text.isEmpty {
            guard text.utf8.count <= 64 || object == ObjectID.organizationName else {
                throw TrustError("bad-template", "cannot put \(backticked(text)) into the subject")
            }
            writer.add(Tag.set) {
                $0.add(Tag.sequence) {
                    $0.add(Tag.objectIdentifier, object)
                    $0.add(Tag.utf8String, text.utf8)
                }
            }
        }
    }

    /// Whole seconds; UTCTime up to 2049 and GeneralizedTime after it (RFC 5280, section 4.1.2.5).
    private static func write(_ time: Instant, to writer: inout DERWriter) {
        // `2026-11-21T08:15:30.123Z`
        let digits = time.description.utf8.prefix(19).filter { (0x30...0x39).contains($0) } + [UInt8(ascii: "Z")]
        let isShort =
            digits.starts(with: "19".utf8) && digits[2] >= 0x35 || digits.starts(with: "20".utf8) && digits[2] < 0x35
        writer.add(isShort ? Tag.utcTime : Tag.generalizedTime, digits.dropFirst(isShort ? 2 : 0))
    }

    private func writeExtensions(
        _ writer: inout DERWriter, _ keyID: [UInt8], _ issuerID: [UInt8]
    ) throws(TrustError) {
        Self.write(ObjectID.basicConstraints, critical: true, to: &writer) {
            $0.add(Tag.sequence) {
                if isCA { $0.add(boolean: true) }
                if let pathLength { $0.add(number: [UInt8(clamping: pathLength)]) }
            }
        }
        if !keyUsage.isEmpty {
            // Bit 0 of the extension, digitalSignature, is the highest bit of the first byte.
            let bits = UInt8(truncatingIfNeeded: keyUsage.rawValue)
            Self.write(ObjectID.keyUsage, critical: true, to: &writer) {
                $0.add(bits: [bits], unused: UInt8(bits.trailingZeroBitCount))
            }
        }
        if !extendedKeyUsage.isEmpty {
            try Self.write(ObjectID.extendedKeyUsage, critical: false, to: &writer) {
                (writer: inout DERWriter) throws(TrustError) in
                try writer.add(Tag.sequence) { (writer: inout DERWriter) throws(TrustError) in
                    for text in extendedKeyUsage { try writer.add(object: text) }
                }
            }
        }
        if !names.isEmpty {
            try Self.write(ObjectID.subjectAlternativeName, critical: false, to: &writer) {
                (writer: inout DERWriter) throws(TrustError) in
                try writer.add(Tag.sequence) { (writer: inout DERWriter) throws(TrustError) in
                    for name in names { try name.write(to: &writer) }
                }
            }
        }
        if let nameConstraints {
            try Self.write(ObjectID.nameConstraints, critical: nameConstraintsAreCritical, to: &writer) {
                (writer: inout DERWriter) throws(TrustError) in
                try writer.add(Tag.sequence) { (writer: inout DERWriter) throws(TrustError) in
                    try Self.write(nameConstraints.permitted, Tag.context(0, constructed: true), to: &writer)
                    try Self.write(nameConstraints.excluded, Tag.context(1, constructed: true), to: &writer)
                }
            }
        }
        Self.write(ObjectID.subjectKeyIdentifier, critical: false, to: &writer) { $0.add(Tag.octetString, keyID) }
        Self.write(ObjectID.authorityKeyIdentifier, critical: false, to: &writer) {
            $0.add(Tag.sequence) { $0.add(Tag.context(0), issuerID) }
        }
        for text in otherCriticalExtensions {
            try writer.add(Tag.sequence) { (writer: inout DERWriter) throws(TrustError) in
                try writer.add(object: text)
                writer.add(boolean: true)
                writer.add(Tag.octetString, [0x05, 0x00])
            }
        }
    }

    private static func write<Failure: Error>(
        _ object: [UInt8], critical: Bool, to writer: inout DERWriter,
        _ value: (inout DERWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try writer.add(Tag.sequence) { (writer: inout DERWriter) throws(Failure) in
            writer.add(Tag.objectIdentifier, object)
            if critical { writer.add(boolean: true) }
            try writer.add(Tag.octetString, value)
        }
    }

    /// One list of subtrees; nothing for no name, because an empty sequence is not allowed.
    private static func write(_ names: [GeneralName], _ tag: UInt8, to writer: inout DERWriter) throws(TrustError) {
        guard !names.isEmpty else { return }
        try writer.add(tag) { (writer: inout DERWriter) throws(TrustError) in
            for name in names {
                try writer.add(Tag.sequence) { (writer: inout DERWriter) throws(TrustError) in
                    try name.write(to: &writer)
                }
            }
        }
    }

    /// The first 160 bits of SHA-256 over the key's SubjectPublicKeyInfo (RFC 7093, section 2, method 4).
    private static func keyID(of key: PublicKey) -> [UInt8] { Array(SHA256.hash(key.spkiDER).prefix(20)) }
}
