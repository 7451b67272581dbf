import Model

extension CertificateFields {
    private typealias Tag = DERReader.Tag

    /// Reads a leaf (RFC 5280, section 4.1) that was just signed from its bytes, so that `CertificateRules` judges those and
    /// not what they were made from. Every field that is not as Nave writes it refuses the whole.
    /// - Throws: `bad-certificate`.
    init(leafDER der: [UInt8], issuer: Certificate, expecting key: PublicKey) throws(TrustError) {
        var whole = DERReader(der, code: "bad-certificate")
        var certificate = try whole.enter(Tag.sequence)
        try whole.finish()
        var content = try certificate.enter(Tag.sequence)
        let algorithm = try certificate.element(Tag.sequence)
        _ = try certificate.bits()
        try certificate.finish()

        var versions = try content.enter(Tag.context(0, constructed: true))
        let number = try versions.number()
        try versions.finish()
        let serial = try content.number()
        guard number.elementsEqual([2]), (1...20).contains(serial.count), serial.first != 0,
            try content.element(Tag.sequence) == algorithm,
            try content.element(Tag.sequence).elementsEqual(issuer.subjectDER)
        else { throw content.failure }
        var validity = try content.enter(Tag.sequence)
        let (start, end) = (try Self.time(&validity), try Self.time(&validity))
        try validity.finish()
        var subject = try content.enter(Tag.sequence)
        let name = try Self.name(&subject)
        let spki = try content.element(Tag.sequence)
        var wrapped = try content.enter(Tag.context(3, constructed: true))
        try content.finish()
        var list = try wrapped.enter(Tag.sequence)
        try wrapped.finish()

        version = 3
        self.serial = Hex.encode(serial)
        self.subject = name
        self.issuer = issuer.subject
        subjectAlternativeNames = []
        notBefore = start
        notAfter = end
        isCA = false
        signatureAlgorithm = try Self.signatureAlgorithm(algorithm)
        publicKey = spki.elementsEqual(key.spkiDER) ? key : try PublicKey(spkiDER: Array(spki))
        criticalExtensions = []
        var seen: Set<ArraySlice<UInt8>> = []
        while !list.isAtEnd {
            var one = try list.enter(Tag.sequence)
            let object = try one.read(Tag.objectIdentifier)
            if one.nextTag == Tag.boolean {
                guard try one.read(Tag.boolean).elementsEqual([0xff]) else { throw one.failure }
                criticalExtensions.append(ObjectID.dotted(object) ?? "")
            }
            var value = try one.enter(Tag.octetString)
            try one.finish()
            guard seen.insert(object).inserted else { throw one.failure }
            try read(Array(object), &value)
            try value.finish()
        }
    }

    private mutating func read(_ object: [UInt8], _ value: inout DERReader) throws(TrustError) {
        switch object {
        case ObjectID.basicConstraints:
            var constraints = try value.enter(Tag.sequence)
            if constraints.nextTag == Tag.boolean {
                guard try constraints.read(Tag.boolean).elementsEqual([0xff]) else { throw constraints.failure }
                isCA = true
            }
            try constraints.finish()
        case ObjectID.keyUsage:
            let bits = try value.read(Tag.bitString)
            guard bits.count == 2, let unused = bits.first, let byte = bits.last, byte != 0,
                byte.trailingZeroBitCount == Int(unused)
            else { throw value.failure }
            keyUsage = KeyUsage(rawValue: UInt32(byte))
        case ObjectID.extendedKeyUsage:
            var purposes = try value.enter(Tag.sequence)
            var texts: [String] = []
            while !purposes.isAtEnd {
                guard let text = ObjectID.dotted(try purposes.read(Tag.objectIdentifier)) else {
                    throw purposes.failure
                }
                texts.append(text)
            }
            extendedKeyUsage = texts
        case ObjectID.subjectAlternativeName:
            var names = try value.enter(Tag.sequence)
            while let tag = names.nextTag {
                let text = try names.read(tag)
                guard tag == Tag.context(2) || tag == Tag.context(6), text.allSatisfy({ (0x21...0x7e).contains($0) })
                else { throw names.failure }
                let kind: GeneralName.Kind = tag == Tag.context(2) ? .dns : .uri
                subjectAlternativeNames.append(GeneralName(kind, String(decoding: text, as: UTF8.self)))
            }
        case ObjectID.subjectKeyIdentifier: subjectKeyID = Array(try value.read(Tag.octetString))
        case ObjectID.authorityKeyIdentifier:
            var identifier = try value.enter(Tag.sequence)
            _ = try identifier.read(Tag.context(0))
            try identifier.finish()
        default: throw value.failure
        }
    }

    /// By libcrypto's short name.
    private static func signatureAlgorithm(_ element: ArraySlice<UInt8>) throws(TrustError) -> String {
        var whole = DERReader(Array(element), code: "bad-certificate")
        var algorithm = try whole.enter(Tag.sequence)
        let object = try algorithm.read(Tag.objectIdentifier)
        try algorithm.finish()
        if object.elementsEqual(ObjectID.ecdsaWithSHA256) { return "ecdsa-with-SHA256" }
        if object.elementsEqual(ObjectID.ed25519) { return "ED25519" }
        throw algorithm.failure
    }

    private static func time(_ reader: inout DERReader) throws(TrustError) -> Instant {
        let isShort = reader.nextTag == Tag.utcTime
        let digits = Array(try reader.read(isShort ? Tag.utcTime : Tag.generalizedTime))
        guard digits.count == (isShort ? 13 : 15) else { throw reader.failure }
        // Two digits of a year are 1950 to 2049 (RFC 5280, section 4.1.2.5.1).
        let full = isShort ? Array((digits[0] >= 0x35 ? "19" : "20").utf8) + digits : digits
        func text(_ range: Range<Int>) -> String { String(decoding: full[range], as: UTF8.self) }
        let written = "\(text(0..<4))-\(text(4..<6))-\(text(6..<8))T\(text(8..<10)):\(text(10..<12)):\(text(12..<15))"
        guard let time = Instant(written) else { throw reader.failure }
        return time
    }

    /// The RFC 2253 text, the last part first. Organization and common name of a leaf are domains and labels, which need no
    /// escape.
    private static func name(_ reader: inout DERReader) throws(TrustError) -> String {
        var parts: [String] = []
        while !reader.isAtEnd {
            var set = try reader.enter(Tag.set)
            var pair = try set.enter(Tag.sequence)
            try set.finish()
            let object = try pair.read(Tag.objectIdentifier)
            let text = try pair.read(Tag.utf8String)
            try pair.finish()
            let isPlain = text.allSatisfy {
                (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x2e
            }
            guard isPlain, !text.isEmpty else { throw pair.failure }
            let isName = object.elementsEqual(ObjectID.commonName)
            guard isName || object.elementsEqual(ObjectID.organizationName) else { throw pair.failure }
            parts.append("\(isName ? "CN" : "O")=\(String(decoding: text, as: UTF8.self))")
        }
        return parts.reversed().joined(separator: ",")
    }
}
