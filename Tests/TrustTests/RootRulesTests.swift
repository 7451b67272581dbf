import Foundation
import Model
import TestSupport
import Testing
import Trust

/// A corporate CA of the `openssl` program signs the request of our root, and others beside it.
@Suite("roots that a corporate CA signed") struct RootRulesTests {
    static let organization = "corp.example"

    /// What the corporate CA wrote, and what is said about it; nil if it is taken.
    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String?
        var basic = "critical, CA:TRUE, pathlen:1"
        var usage = "critical, keyCertSign, cRLSign"
        var names: String? = RootRulesTests.names
        var more = "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid:always"
        var days = 3650
        var digest = "-sha256"
        var serial = "0x41414141414141414141414141414141"
    }

    static let permitted = [
        "permitted;URI:corp.example", "permitted;URI:.corp.example", "permitted;DNS:corp.example",
        "permitted;email:corp.example", "permitted;email:.corp.example",
    ]
    static let excluded = ["excluded;IP:0.0.0.0/0.0.0.0", "excluded;IP:::/::"]
    static let names = constraints(permitted + excluded)

    static func constraints(_ names: [String], critical: Bool = true) -> String {
        (critical ? "critical, " : "") + names.joined(separator: ", ")
    }

    static func without(_ name: String) -> String { constraints((permitted + excluded).filter { $0 != name }) }
    static func with(_ name: String) -> String { constraints(permitted + excluded + [name]) }

    static let rows = [
        Row(testDescription: "well constrained", code: nil),
        Row(testDescription: "no limit of its path", code: nil, basic: "critical, CA:TRUE"),
        Row(testDescription: "longer path", code: nil, basic: "critical, CA:TRUE, pathlen:3"),
        Row(testDescription: "DNS with a dot", code: nil, names: with("permitted;DNS:.corp.example")),
        Row(testDescription: "both purposes", code: nil, more: "subjectKeyIdentifier = hash\n\(purposes)"),
        Row(testDescription: "not a CA", code: "not-a-ca", basic: "critical, CA:FALSE"),
        Row(testDescription: "not critical CA", code: "not-a-ca", basic: "CA:TRUE, pathlen:1"),
        Row(testDescription: "path length 0", code: "wrong-path-length", basic: "critical, CA:TRUE, pathlen:0"),
        Row(testDescription: "signs no certificates", code: "wrong-key-usage", usage: "critical, cRLSign"),
        Row(testDescription: "signs no lists", code: "wrong-key-usage", usage: "critical, keyCertSign"),
        Row(
            testDescription: "for servers only", code: "wrong-purpose",
            more: "subjectKeyIdentifier = hash\nextendedKeyUsage = serverAuth"),
        Row(testDescription: "no key identifier", code: "no-key-identifier", more: "subjectKeyIdentifier = none"),
        Row(testDescription: "no name constraints", code: "no-name-constraints", names: nil),
        Row(
            testDescription: "not critical", code: "name-constraints-not-critical",
            names: constraints(permitted + excluded, critical: false)),
        Row(
            testDescription: "any URI", code: "wrong-name-constraints",
            names: constraints(permitted.suffix(3) + excluded)),
        Row(testDescription: "no zones", code: "wrong-name-constraints", names: without("permitted;URI:.corp.example")),
        Row(
            testDescription: "not the organization", code: "wrong-name-constraints",
            names: without("permitted;URI:corp.example")),
        Row(
            testDescription: "any DNS name", code: "wrong-name-constraints",
            names: without("permitted;DNS:corp.example")),
        Row(
            testDescription: "any e-mail", code: "wrong-name-constraints",
            names: constraints(permitted.prefix(3) + excluded)),
        Row(
            testDescription: "any IPv4", code: "wrong-name-constraints", names: without("excluded;IP:0.0.0.0/0.0.0.0")),
        Row(testDescription: "any IPv6", code: "wrong-name-constraints", names: without("excluded;IP:::/::")),
        Row(
            testDescription: "another domain too", code: "wrong-name-constraints",
            names: with("permitted;URI:corp.test")),
        Row(
            testDescription: "another DNS domain too", code: "wrong-name-constraints", names: with("permitted;DNS:test")
        ),
        Row(
            testDescription: "an address too", code: "wrong-name-constraints",
            names: with("permitted;IP:10.0.0.0/255.0.0.0")),
        Row(
            testDescription: "another organization", code: "wrong-name-constraints",
            names: names.replacingOccurrences(of: "corp.example", with: "evil.example")),
        Row(
            testDescription: "unknown critical extension", code: "unknown-critical-extension",
            more: "subjectKeyIdentifier = hash\n1.3.6.1.4.1.55555.1 = critical, ASN1:NULL"),
        Row(testDescription: "ends soon", code: "ends-soon", days: 29),
        Row(testDescription: "SHA-1", code: "weak-signature", digest: "-sha1"),
        Row(testDescription: "short serial", code: "short-serial", serial: "0x41414141414141"),
    ]
    static let purposes = "extendedKeyUsage = serverAuth, clientAuth"

    @Test(arguments: rows) func judges(_ row: Row) throws {
        let corporate = try CorporateCA()
        let key = try PrivateKey.generateP256()
        let certificate = try corporate.sign(row, key: key)
        #expect(!certificate.isIssued(by: certificate) && certificate.isIssued(by: corporate.certificate))
        #expect(verdict(certificate, key, now: certificate.notBefore) == row.code)
    }

    private func verdict(_ certificate: Certificate, _ key: PrivateKey, now: Instant) -> String? {
        refusal {
            try RootRules(
                certificate: certificate, organization: Self.organization, key: key.publicKey, now: now
            ).judge()
        }
    }

    @Test("the request says all that is demanded, for a CA that copies it") func request() throws {
        let corporate = try CorporateCA()
        let key = try PrivateKey.generateP256()
        let pem = try CertificateAuthority.requestRoot(
            organization: Self.organization, name: "corp.example root 1", key: key,
            serial: [UInt8](repeating: 0x41, count: 16), now: TestPKI.now)
        #expect(try CertificateRequest(pem: pem).publicKey == key.publicKey)
        let certificate = try corporate.copy(request: pem)
        #expect(certificate.subject == "CN=corp.example root 1,O=corp.example")
        #expect(certificate.nameConstraints == NameConstraints(organization: Self.organization))
        #expect(verdict(certificate, key, now: certificate.notBefore) == nil)
        #expect(verdict(certificate, key, now: certificate.notBefore - .minutes(6)) == "not-yet-valid")
        #expect(verdict(certificate, key, now: certificate.notAfter) == "expired")
        #expect(verdict(certificate, try PrivateKey.generateP256(), now: certificate.notBefore) == "other-key")
    }

    @Test("our own root needs no constraints") func ownRoot() throws {
        let pki = try TestPKI()
        #expect(
            refusal {
                try RootRules(
                    certificate: pki.root.certificate, organization: Self.organization,
                    key: pki.root.certificate.publicKey, now: TestPKI.now
                ).judge()
            } == nil)
    }

    /// Leaf, intermediate, anchor: the anchor signed by a corporate root that nobody here trusts.
    @Test("paths end at the constrained root; a sibling CA of the same corporate root is nobody") func sibling() throws
    {
        let corporate = try CorporateCA()
        let key = try PrivateKey.generateP256()
        let root = try CertificateAuthority(
            certificate: try corporate.sign(Row(testDescription: "ours", code: nil), key: key), key: key)
        // The same constraints, so that nothing but the path tells them apart.
        let siblingKey = try PrivateKey.generateP256()
        let sibling = try CertificateAuthority(
            certificate: try corporate.sign(Row(testDescription: "sibling", code: nil), key: siblingKey),
            key: siblingKey)
        let now = root.certificate.notBefore + .minutes(10)
        let verifier = try PeerVerifier(
            anchors: ["corp.example": [root.certificate], "finance.corp.example": [root.certificate]])

        for domain in ["corp.example", "finance.corp.example"] {
            func chain(_ authority: CertificateAuthority) throws -> [Certificate] {
                let (key, leafKey) = (try PrivateKey.generateP256(), try PrivateKey.generateP256())
                let intermediate = try CertificateAuthority(
                    certificate: try authority.issueIntermediate(
                        domain: domain, publicKey: key.publicKey, serial: TestPKI.serial(of: key), now: now),
                    key: key)
                try IntermediateRules(
                    certificate: intermediate.certificate, domain: domain, key: key.publicKey,
                    roots: [authority.certificate], now: now
                ).judge()
                let leaf = try intermediate.issueLeaf(
                    CertificateTemplate(
                        kind: .spoke, id: try SPIFFEID("spiffe://\(domain)/spoke/a"), dns: "a.\(domain)",
                        publicKey: leafKey.publicKey, validity: .days(1), serial: TestPKI.serial(of: leafKey)),
                    now: now)
                return [leaf, intermediate.certificate]
            }
            func verdict(_ chain: [Certificate]) -> String? {
                refusal {
                    _ = try verifier.verify(chainDER: chain.map(\.der), purpose: .client, now: now)
                }
            }
            let own = try chain(root)
            #expect(verdict(own) == nil)
            #expect(verdict(own + [root.certificate, corporate.certificate]) == nil)
            let foreign = try chain(sibling)
            #expect(verdict(foreign + [sibling.certificate]) == "bad-path")
            #expect(verdict(foreign + [sibling.certificate, corporate.certificate]) == "bad-path")
            #expect(verdict([foreign[0], own[1], root.certificate]) == "bad-path")
        }
        // What the anchor may not sign is refused with it, also where an intermediate below says otherwise.
        let evil = try PrivateKey.generateP256()
        let wide = try root.issueIntermediate(
            domain: "evil.example", publicKey: evil.publicKey, serial: TestPKI.serial(of: evil), now: now)
        #expect(
            refusal {
                let leafKey = try PrivateKey.generateP256()
                let leaf = try CertificateAuthority(certificate: wide, key: evil).issueLeaf(
                    CertificateTemplate(
                        kind: .client, id: try SPIFFEID("spiffe://evil.example/client/a"), publicKey: leafKey.publicKey,
                        validity: .days(1), serial: TestPKI.serial(of: leafKey)),
                    now: now)
                _ = try PeerVerifier(anchors: ["evil.example": [root.certificate]]).verify(
                    chainDER: [leaf.der, wide.der], purpose: .client, now: now)
            } == "bad-path")
    }

    @Test("the trust manifest names the constrained root and not who signed it") func manifest() throws {
        let corporate = try CorporateCA()
        let key = try PrivateKey.generateP256()
        let root = try corporate.sign(Row(testDescription: "ours", code: nil), key: key)
        let signer = try PrivateKey.generateEd25519()
        func manifest(_ roots: [Certificate]) throws -> TrustManifest {
            try TrustManifest(
                version: 1, expires: TestPKI.now + .days(1), organization: Self.organization,
                origin: "corp.example/nave/1", roots: roots, roleKeys: { _ in ([signer.publicKey], 1) })
        }
        let envelope = try manifest([root]).signed(by: [signer])
        let first = try TrustManifest.verifyFirst(
            envelope, pinnedRootSPKI: root.publicKey.spkiDigest)
        #expect(try first.rootCertificates() == [root])
        let intermediateKey = try PrivateKey.generateP256()
        let intermediate = try CertificateAuthority(certificate: root, key: key).issueIntermediate(
            domain: "finance.corp.example", publicKey: intermediateKey.publicKey,
            serial: TestPKI.serial(of: intermediateKey), now: root.notBefore)
        #expect(refusal { _ = try manifest([intermediate]) } == "bad-manifest")
    }

    @Test("a TLS library gets the same name, key and constraints") func tlsAnchor() throws {
        let corporate = try CorporateCA()
        let key = try PrivateKey.generateP256()
        let root = try corporate.sign(Row(testDescription: "ours", code: nil), key: key)
        let anchor = try root.tlsAnchor()
        #expect(anchor.issuer == root.subject && anchor.subject == root.subject)
        #expect(anchor.publicKey == root.publicKey && anchor.nameConstraints == root.nameConstraints)
        #expect(!anchor.isIssued(by: anchor), "nobody who checks its signature takes it")
        let own = try TestPKI().root.certificate
        #expect(try own.tlsAnchor() == own)
    }
}

/// A CA of the `openssl` program in a directory of its own.
struct CorporateCA {
    let directory: TemporaryDirectory
    let certificate: Certificate

    init() throws {
        directory = try TemporaryDirectory()
        try Self.openssl(
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-days", "7300",
                "-subj",
                "/O=Example Corp/CN=Example Corp Root", "-keyout", directory.file("ca.key"), "-out",
                directory.file("ca.pem"),
            ])
        certificate = try Certificate(pem: try directory.read("ca.pem"))
    }

    func sign(_ row: RootRulesTests.Row, key: PrivateKey) throws -> Certificate {
        let names = row.names.map { "nameConstraints = \($0)\n" } ?? ""
        try directory.write(
            "extensions", "basicConstraints = \(row.basic)\nkeyUsage = \(row.usage)\n\(names)\(row.more)\n")
        return try answer(
            try CertificateRequest.makePEM(key: key),
            [
                row.digest, "-days", "\(row.days)", "-set_serial", row.serial, "-subj", "/O=corp.example/CN=our root",
                "-extfile", directory.file("extensions"),
            ])
    }

    /// Signs what the request asks for.
    func copy(request: String) throws -> Certificate {
        try answer(request, ["-sha384", "-days", "3650", "-copy_extensions", "copyall"])
    }

    private func answer(_ request: String, _ more: [String]) throws -> Certificate {
        try directory.write("request.pem", request)
        try Self.openssl(
            [
                "x509", "-req", "-in", directory.file("request.pem"), "-CA", directory.file("ca.pem"), "-CAkey",
                directory.file("ca.key"), "-out", directory.file("signed.pem"),
            ] + more)
        return try Certificate(pem: try directory.read("signed.pem"))
    }

    private static func openssl(_ arguments: [String]) throws {
        let openssl = try ChildProcess(URL(fileURLWithPath: "/usr/bin/openssl"), arguments)
        try #require(openssl.waitUntilExit() == 0, "\(openssl.standardError)")
    }
}
