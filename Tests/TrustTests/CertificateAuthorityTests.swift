import Model
import TestSupport
import Testing
import Trust

@Suite struct CertificateAuthorityTests {
    private let pki: TestPKI

    init() throws { pki = try TestPKI() }

    @Test func rootIsWhatPathsEndAt() throws {
        let root = pki.root.certificate
        #expect(root.isCA && root.pathLength == 1 && root.version == 3)
        #expect(root.isIssued(by: root))
        #expect(root.keyUsage == [.keyCertSign, .crlSign])
        #expect(root.notBefore == TestPKI.now - .minutes(5))
        #expect(root.notAfter == TestPKI.now + CertificateAuthority.rootValidity)
        #expect(root.signatureAlgorithm == "ecdsa-with-SHA256")
        #expect(root.subject == "CN=corp.example test root,O=corp.example" && root.issuer == root.subject)
        #expect(root.criticalExtensions == ["2.5.29.19", "2.5.29.15"])
    }

    @Test func intermediateIsBoundToItsDomain() throws {
        let certificate = try #require(pki.intermediates["finance.corp.example"]).certificate
        #expect(certificate.isCA && certificate.pathLength == 0)
        #expect(certificate.isIssued(by: pki.root.certificate))
        #expect(certificate.criticalExtensions == ["2.5.29.19", "2.5.29.15", "2.5.29.30"])
        #expect(certificate.nameConstraints == NameConstraints(domain: "finance.corp.example"))
        let constraints = try #require(certificate.nameConstraints)
        #expect(
            constraints.permitted.map(\.description)
                == ["uri:finance.corp.example", "dns:finance.corp.example", "email:finance.corp.example"])
        #expect(
            constraints.excluded.map(\.description)
                == ["ip:0000000000000000", "ip:" + String(repeating: "0", count: 64)])
        #expect(certificate.notAfter == TestPKI.now + .days(1095))
    }

    @Test func leafHoldsWhatTheTemplateSays() throws {
        let spoke = try pki.spoke("finance", "fin-1")
        let leaf = spoke.leaf
        #expect(leaf.uriSANs == ["spiffe://finance.corp.example/spoke/fin-1"])
        #expect(leaf.dnsSANs == ["fin-1.finance.corp.example"])
        #expect(leaf.otherSANKinds.isEmpty)
        #expect(leaf.spiffeID?.kind == "spoke" && leaf.spiffeID?.name == "fin-1")
        #expect(leaf.extendedKeyUsage == [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth])
        #expect(leaf.keyUsage == .digitalSignature && !leaf.isCA && leaf.pathLength == nil)
        #expect(leaf.notBefore == TestPKI.now - .minutes(5) && leaf.notAfter == TestPKI.now + .days(7))
        #expect(leaf.publicKey == spoke.key.publicKey)
        #expect(leaf.isIssued(by: spoke.chain[1]) && !leaf.isIssued(by: pki.root.certificate))
        #expect(leaf.serial.utf8.count == 32)
        #expect(try Certificate(pem: leaf.pem) == leaf)
        #expect(try Certificate.chain(pem: spoke.chainPEM) == spoke.chain)
    }

    @Test func leafNeverOutlivesItsIssuer() throws {
        let authority = try #require(pki.intermediates["finance.corp.example"])
        let late = authority.certificate.notAfter - .days(2)
        let identity = try pki.identity(.client, "spiffe://finance.corp.example/client/a", now: late)
        #expect(identity.leaf.notAfter == authority.certificate.notAfter)
        #expect(throws: TrustError.self) {
            try pki.identity(.client, "spiffe://finance.corp.example/client/a", now: authority.certificate.notAfter)
        }
    }

    @Test func refusesWhatItMustNotSign() throws {
        let finance = try #require(pki.intermediates["finance.corp.example"])
        let key = try PrivateKey.generateP256()
        func template(
            _ id: String, dns: String? = nil, key: PublicKey, days: Int64 = 7, serial: [UInt8]? = nil
        ) throws -> CertificateTemplate {
            CertificateTemplate(
                kind: .spoke, id: try SPIFFEID(id), dns: dns, publicKey: key, validity: .days(days),
                serial: serial ?? [UInt8](repeating: 7, count: 16))
        }
        func code(_ authority: CertificateAuthority, _ template: CertificateTemplate) -> String? {
            refusal { _ = try authority.issueLeaf(template, now: TestPKI.now) }
        }
        let own = "spiffe://finance.corp.example/spoke/a"
        #expect(code(finance, try template(own, key: key.publicKey)) == nil)
        #expect(
            code(finance, try template("spiffe://analytics.corp.example/spoke/a", key: key.publicKey))
                == "foreign-trust-domain")
        #expect(code(finance, try template(own, dns: "a.corp.example", key: key.publicKey)) == "foreign-dns-name")
        #expect(code(finance, try template(own, dns: "a.finance.corp.example,IP:1.2.3.4", key: key.publicKey)) != nil)
        #expect(code(finance, try template(own, key: key.publicKey, days: 398)) == "bad-template")
        #expect(code(finance, try template(own, key: key.publicKey, days: 0)) == "bad-template")
        #expect(code(finance, try template(own, key: key.publicKey, serial: [1, 2, 3])) == "bad-template")
        #expect(
            code(finance, try template(own, key: PrivateKey.generateEd25519().publicKey)) == "weak-key")
        #expect(code(pki.root, try template(own, key: key.publicKey)) == "not-an-intermediate")
        #expect(
            refusal {
                _ = try finance.issueIntermediate(
                    domain: "x.finance.corp.example", publicKey: key.publicKey,
                    serial: [UInt8](repeating: 7, count: 16), now: TestPKI.now)
            } == "not-a-root")
        #expect(refusal { _ = try CertificateAuthority(certificate: finance.certificate, key: key) } == "wrong-key")
    }

    @Test func serialsGrowWithTimeAndAreElseRandom() throws {
        let moments = [Instant(milliseconds: -1), .init(milliseconds: 0), TestPKI.now, TestPKI.now + .days(40_000)]
        let serials = try moments.map { Hex.encode(try CertificateAuthority.dated(randomBytes(16), $0)) }
        #expect(Set(serials).count == 4 && Set(serials.map(\.utf8.count)) == [32])
        #expect(serials.dropFirst().map(\.self) == serials.dropFirst().sorted())
        #expect(serials.allSatisfy { ("4"..."7").contains($0.prefix(1)) })
        let bytes = [UInt8](16..<36)
        #expect(try CertificateAuthority.dated(bytes, TestPKI.now).dropFirst(6) == bytes.dropFirst(6))
    }

    @Test func serialsHaveOneLengthAndAreNeverNegative() throws {
        let finance = try #require(pki.intermediates["finance.corp.example"])
        for first: UInt8 in [0x00, 0x7f, 0x80, 0xff] {
            let leaf = try finance.issueLeaf(
                CertificateTemplate(
                    kind: .client, id: SPIFFEID("spiffe://finance.corp.example/client/a"),
                    publicKey: PrivateKey.generateP256().publicKey, validity: .days(1),
                    serial: [first] + [UInt8](repeating: 9, count: 19)),
                now: TestPKI.now)
            #expect(leaf.serial.utf8.count == 40)
        }
    }

    @Test func onlyTheKeyOfARequestCounts() throws {
        let key = try PrivateKey.generateP256()
        let der = try CertificateRequest.make(key: key)
        #expect(try CertificateRequest(der: der).publicKey == key.publicKey)
        #expect(refusal { _ = try CertificateRequest(der: der + [0]) } == "bad-request")
        #expect(refusal { _ = try CertificateRequest(der: []) } == "bad-request")
        #expect(
            refusal { _ = try CertificateRequest(der: CertificateRequest.make(key: .generateEd25519())) } == "weak-key")
        // Any flipped bit: the request is not readable, or its signature does not hold.
        for index in der.indices {
            var broken = der
            broken[index] ^= 0x01
            #expect(refusal { _ = try CertificateRequest(der: broken) } != nil, "byte \(index)")
        }
    }
}

/// The code of the error that the body throws; nil if it throws none.
func refusal(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let error as any NaveError {
        return error.code
    } catch {
        return "\(error)"
    }
}
