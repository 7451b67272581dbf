import Model
import TestSupport
import Testing

@testable import Trust

/// Our own writer and readers of DER against libcrypto's.
@Suite struct LeafDERTests {
    private let pki: TestPKI

    init() throws { pki = try TestPKI() }

    @Test("libcrypto reads every field of an issued leaf as we judged it", arguments: CertificateTemplate.Kind.allCases)
    func readsAsLibcrypto(kind: CertificateTemplate.Kind) throws {
        // Beyond 2049 times are written in another form.
        let turn = try #require(Instant("2050-01-01T00:00:00Z"))
        let late = try TestPKI(now: turn - .days(2))
        let moments = [
            (pki, TestPKI.now), (pki, TestPKI.now + .days(900)), (late, turn - .days(1)), (late, turn + .days(1)),
        ]
        for (pki, now) in moments {
            let authority = try #require(pki.intermediates["finance.corp.example"])
            let leaf = try authority.issueLeaf(
                CertificateTemplate(
                    kind: kind, id: SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"),
                    dns: kind == .client ? nil : "fin-1.finance.corp.example",
                    publicKey: PrivateKey.generateP256().publicKey, validity: .days(7),
                    serial: [UInt8](repeating: 0x99, count: 20)),
                now: now)
            let read = try Certificate(der: leaf.der)
            #expect(read.version == leaf.version && read.serial == leaf.serial)
            #expect(read.subject == leaf.subject && read.issuer == leaf.issuer)
            #expect(read.subjectAlternativeNames == leaf.subjectAlternativeNames && read.spiffeID == leaf.spiffeID)
            #expect(read.notBefore == leaf.notBefore && read.notAfter == leaf.notAfter)
            #expect(read.isCA == leaf.isCA && read.pathLength == leaf.pathLength)
            #expect(read.keyUsage == leaf.keyUsage && read.extendedKeyUsage == leaf.extendedKeyUsage)
            #expect(read.signatureAlgorithm == leaf.signatureAlgorithm && read.publicKey == leaf.publicKey)
            #expect(read.criticalExtensions == leaf.criticalExtensions)
            #expect(read.nameConstraints == leaf.nameConstraints && read.subjectKeyID == leaf.subjectKeyID)
            #expect(leaf.isIssued(by: authority.certificate) && read.isIssued(by: authority.certificate))
        }
    }

    @Test("times keep their second where their form changes, at the end of 2049")
    func times() throws {
        let key = try PrivateKey.generateP256()
        let start = try #require(Instant("2049-12-31T23:59:59Z"))
        let draft = CertificateDraft(
            organization: "corp.example", commonName: "late", serial: [UInt8](repeating: 0x80, count: 20),
            notBefore: start, notAfter: start + .seconds(1), publicKey: key.publicKey, keyUsage: .digitalSignature)
        let read = try draft.signed(by: key, issuer: nil)
        #expect(read.notBefore == start && read.notAfter == start + .seconds(1))
        #expect(read.serial == String(repeating: "80", count: 20))
        let der = Array(read.der)
        #expect(der.firstRange(of: Array("491231235959Z".utf8)) != nil)
        #expect(der.firstRange(of: Array("20500101000000Z".utf8)) != nil)
    }

    @Test("whatever the reader takes of changed bytes, libcrypto takes with the same meaning")
    func changedBytes() throws {
        let issuer = try #require(pki.intermediates["finance.corp.example"]).certificate
        let leaf = try pki.spoke("finance", "fin-1").leaf
        func own(_ der: [UInt8]) -> Certificate? {
            try? Certificate(leafDER: der, issuer: issuer, expecting: leaf.publicKey)
        }
        #expect(own(leaf.der) == leaf)
        #expect(own(leaf.der + [0]) == nil && own([]) == nil && own(Array(leaf.der.dropLast())) == nil)
        var taken = 0
        for index in leaf.der.indices {
            for bit in 0..<8 {
                var changed = leaf.der
                changed[index] ^= 1 << UInt8(bit)
                guard let ours = own(changed) else { continue }
                taken += 1
                // The signature is another matter: a leaf is read right after it was signed.
                let theirs = try? Certificate(der: changed)
                #expect(theirs?.spiffeID == ours.spiffeID && theirs?.dnsSANs == ours.dnsSANs, "byte \(index)")
                #expect(theirs?.isCA == ours.isCA && theirs?.keyUsage == ours.keyUsage, "byte \(index)")
                #expect(theirs?.extendedKeyUsage == ours.extendedKeyUsage, "byte \(index)")
                #expect(theirs?.notAfter == ours.notAfter && theirs?.notBefore == ours.notBefore, "byte \(index)")
                #expect(theirs?.serial == ours.serial && theirs?.publicKey == ours.publicKey, "byte \(index)")
                #expect(theirs?.criticalExtensions == ours.criticalExtensions, "byte \(index)")
            }
        }
        #expect(taken > 0)
    }

    @Test("a P-256 key is read as libcrypto reads it, and a point off the curve by nobody")
    func points() throws {
        for _ in 0..<20 {
            let key = try PrivateKey.generateP256()
            let read = try PublicKey(spkiDER: key.publicKey.spkiDER)
            #expect(read == key.publicKey && read.algorithm == .p256)
            #expect(read.verify([1, 2, 3], signature: try key.sign([1, 2, 3])))
            var wrong = key.publicKey.spkiDER
            wrong[wrong.count - 1] ^= 1
            #expect(refusal { _ = try PublicKey(spkiDER: wrong) } == "bad-key")
            wrong = key.publicKey.spkiDER
            wrong[26] = 0x02
            #expect(refusal { _ = try PublicKey(spkiDER: wrong) } == "bad-key")
        }
    }

    @Test(
        "object identifiers keep their text",
        arguments: ["1.3.6.1.5.5.7.3.1", "2.5.29.17", "2.999.3", "1.2.840.10045.4.3.2"])
    func objects(text: String) throws {
        var writer = DERWriter()
        try writer.add(object: text)
        var reader = DERReader(writer.bytes, code: "bad")
        #expect(ObjectID.dotted(try reader.read(DERReader.Tag.objectIdentifier)) == text)
        for wrong in ["", "1", "3.1", "1.40", "1.2.", "1..2", "1.02", "a.b", "-1.2"] {
            var writer = DERWriter()
            #expect(refusal { try writer.add(object: wrong) } == "bad-template", "\(wrong)")
        }
    }

    @Test("lengths that are not the shortest, indefinite or too long are no DER")
    func lengths() {
        let wrong: [[UInt8]] = [
            [], [0x30], [0x30, 0x80, 0, 0], [0x30, 0x81, 0x01, 0x00], [0x30, 0x82, 0x00, 0x81], [0x30, 0x02, 0x00],
            [0x30, 0x84, 0, 0, 0, 1, 0], [0x31, 0x00],
        ]
        for bytes in wrong {
            #expect(
                refusal {
                    var reader = DERReader(bytes, code: "bad")
                    _ = try reader.read(DERReader.Tag.sequence)
                } == "bad", "\(bytes)")
        }
    }
}
