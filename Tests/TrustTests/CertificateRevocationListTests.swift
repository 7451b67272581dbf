import Foundation
import Model
import TestSupport
import Testing
import Trust

@Suite struct CertificateRevocationListTests {
    private let pki: TestPKI
    private let authority: CertificateAuthority

    init() throws {
        pki = try TestPKI()
        authority = try #require(pki.intermediates["finance.corp.example"])
    }

    private func list(
        _ revoked: [(serial: String, at: Instant)] = [], number: Int64 = 1, now: Instant = TestPKI.now
    ) throws -> CertificateRevocationList {
        try authority.issueCRL(revoked: revoked, number: number, now: now, nextUpdate: now + .days(1))
    }

    @Test func saysWhatWasAsked() throws {
        let first = try pki.spoke("finance", "fin-1").leaf
        let second = try pki.client("finance", "bot").leaf
        let at = TestPKI.now - .hours(3)
        let made = try list([(first.serial, at), (second.serial, TestPKI.now)], number: 1 << 40)
        let read = try CertificateRevocationList(der: made.der)
        #expect(read == made)
        #expect(read.number == 1 << 40 && read.issuer == authority.certificate.subject)
        #expect(read.authorityKeyID == authority.certificate.subjectKeyID)
        #expect(read.thisUpdate == TestPKI.now - .minutes(5) && read.nextUpdate == TestPKI.now + .days(1))
        #expect(
            Set(read.entries) == [
                .init(serial: first.serial, at: at), .init(serial: second.serial, at: TestPKI.now),
            ])
        #expect(read.contains(serial: first.serial) && !read.contains(serial: authority.certificate.serial))
        #expect(read.pem.hasPrefix("-----BEGIN X509 CRL-----\n"))
        #expect(try list().entries.isEmpty)
        try read.verify(issuer: authority.certificate, now: TestPKI.now)
    }

    @Test func holdsForItsIssuerAndItsTimeOnly() throws {
        let made = try list()
        func verdict(_ issuer: Certificate, _ now: Instant = TestPKI.now) -> String? {
            refusal { try made.verify(issuer: issuer, now: now) }
        }
        let other = try #require(pki.intermediates["analytics.corp.example"]).certificate
        #expect(verdict(authority.certificate) == nil)
        #expect(verdict(other) == "foreign-crl" && verdict(pki.root.certificate) == "foreign-crl")
        #expect(verdict(authority.certificate, made.nextUpdate) == "expired")
        #expect(verdict(authority.certificate, made.nextUpdate - .seconds(1)) == nil)
        #expect(verdict(authority.certificate, made.thisUpdate - .minutes(5)) == nil)
        #expect(verdict(authority.certificate, made.thisUpdate - .minutes(6)) == "not-yet-valid")
        // The same name and key without the right to sign lists.
        var draft = CertificateDraft(
            organization: "finance.corp.example", commonName: "x", serial: [UInt8](repeating: 0x41, count: 16),
            notBefore: TestPKI.now, notAfter: TestPKI.now + .days(1), publicKey: authority.certificate.publicKey,
            keyUsage: .keyCertSign)
        draft.commonName = try #require(
            authority.certificate.subject.split(separator: ",").first { $0.hasPrefix("CN=") }.map {
                String($0.dropFirst(3))
            })
        draft.isCA = true
        let path = try TrustPath()
        let withoutRight = try draft.signed(by: path.leafKey, issuer: path.root.certificate)
        #expect(verdict(withoutRight) == "wrong-key-usage")
    }

    @Test func refusesToIssueNonsense() throws {
        let leaf = try pki.spoke("finance", "fin-1").leaf
        let now = TestPKI.now
        for serial in ["", "0", "00ff", "FF", "zz", String(repeating: "ab", count: 21)] {
            #expect(refusal { _ = try list([(serial, now)]) } == "bad-crl", "\(serial)")
        }
        #expect(refusal { _ = try list([(leaf.serial, now), (leaf.serial, now)]) } == "bad-crl")
        #expect(refusal { _ = try list([(leaf.serial, now + .seconds(1))]) } == "bad-crl")
        #expect(refusal { _ = try list(number: -1) } == "bad-crl")
        for end in [now, now - .days(1), now + .days(31)] {
            #expect(
                refusal { _ = try authority.issueCRL(revoked: [], number: 1, now: now, nextUpdate: end) } == "bad-crl")
        }
        let late = authority.certificate.notAfter
        #expect(refusal { _ = try list(now: late) } == "expired")
    }

    /// Any flipped bit: the list is not readable, or it is not believed.
    @Test func everyByteCounts() throws {
        let der = try list([("41424344454647484142434445464748", TestPKI.now)]).der
        for index in der.indices {
            for bit: UInt8 in [0x01, 0x20, 0x80] {
                var broken = der
                broken[index] ^= bit
                let code = refusal {
                    try CertificateRevocationList(der: broken).verify(issuer: authority.certificate, now: TestPKI.now)
                }
                #expect(code != nil, "byte \(index)")
            }
        }
        #expect(refusal { _ = try CertificateRevocationList(der: der + [0]) } == "bad-crl")
        #expect(refusal { _ = try CertificateRevocationList(der: []) } == "bad-crl")
    }

    @Test func aLongListStaysReadable() throws {
        let serials = (0..<5000).map { "4142434445464748\(Hex.encode([UInt8($0 >> 8), UInt8($0 & 255)]))" }
        let made = try list(serials.map { ($0, TestPKI.now) })
        #expect(made.der.count > 65_536 && Set(made.entries.map(\.serial)) == Set(serials))
    }

    @Test("openssl verify -crl_check takes the good leaf, refuses the revoked one and a leaf without a list")
    func opensslAgrees() async throws {
        let good = try pki.spoke("finance", "fin-1")
        let revoked = try pki.spoke("finance", "fin-2")
        let foreign = try pki.spoke("analytics", "ana-1")
        let directory = try TemporaryDirectory()
        try directory.write("root.pem", pki.root.certificate.pem)
        try directory.write("crl.pem", list([(revoked.leaf.serial, TestPKI.now - .minutes(1))]).pem)
        for (name, identity) in [("good", good), ("revoked", revoked), ("foreign", foreign)] {
            try directory.write("\(name).pem", identity.leaf.pem)
            try directory.write("\(name)-issuer.pem", identity.chain[1].pem)
        }
        func verify(_ name: String) async throws -> Finished {
            try await run(
                URL(fileURLWithPath: "/usr/bin/openssl"),
                [
                    "verify", "-x509_strict", "-crl_check", "-attime", "\(TestPKI.now.milliseconds / 1000)",
                    "-CAfile", directory.file("root.pem"), "-untrusted", directory.file("\(name)-issuer.pem"),
                    "-CRLfile", directory.file("crl.pem"), directory.file("\(name).pem"),
                ])
        }
        let accepted = try await verify("good")
        #expect(accepted.code == 0, "\(accepted.errors)")
        let refused = try await verify("revoked")
        #expect(refused.code != 0 && refused.errors.contains("certificate revoked"), "\(refused.errors)")
        let unknown = try await verify("foreign")
        #expect(unknown.code != 0 && unknown.errors.contains("unable to get certificate CRL"), "\(unknown.errors)")
    }

    /// Lists of another maker for the same issuer: `openssl ca -gencrl`.
    private static let foreignLists: [(name: String, arguments: [String], numbered: Bool, code: String?)] = [
        ("plain, with a reason on its entry", ["-md", "sha256"], true, nil),
        ("SHA-1", ["-md", "sha1"], true, "weak-signature"),
        ("a critical extension that narrows it", ["-md", "sha256", "-crlexts", "narrow"], true, "bad-crl"),
        ("no issuer's key", ["-md", "sha256", "-crlexts", "anonymous"], true, "bad-crl"),
        ("no number", ["-md", "sha256"], false, "bad-crl"),
    ]

    @Test("lists that openssl made", arguments: foreignLists)
    func foreignList(_ name: String, _ arguments: [String], _ numbered: Bool, _ code: String?) async throws {
        let path = try TrustPath()
        let directory = try TemporaryDirectory()
        try directory.write("ca.pem", path.intermediate.pem)
        try directory.write("ca.key", path.intermediateKey.pem)
        try directory.write(
            "index.txt", "R\t270101000000Z\t261121110000Z,keyCompromise\t4142434445464748\tunknown\t/CN=x\n")
        try directory.write("number", "2A\n")
        try directory.write(
            "ca.cnf",
            """
            [ca]
            default_ca = own
            [own]
            database = \(directory.file("index.txt"))
            \(numbered ? "crlnumber = \(directory.file("number"))" : "")
            crl_extensions = plain
            unique_subject = no
            [plain]
            authorityKeyIdentifier = keyid:always
            [narrow]
            authorityKeyIdentifier = keyid:always
            issuingDistributionPoint = critical, @users
            [users]
            onlyuser = TRUE
            [anonymous]
            issuerAltName = DNS:x.example
            """)
        let made = try await run(
            URL(fileURLWithPath: "/usr/bin/openssl"),
            [
                "ca", "-gencrl", "-config", directory.file("ca.cnf"), "-cert", directory.file("ca.pem"), "-keyfile",
                directory.file("ca.key"), "-crl_lastupdate", "20261121115500Z", "-crl_nextupdate", "20261122120000Z",
            ] + arguments)
        #expect(made.code == 0, "\(made.errors)")
        let der = try #require(PEM.decode(label: "X509 CRL", made.output).first)
        let found = refusal {
            let list = try CertificateRevocationList(der: der)
            try list.verify(issuer: path.intermediate, now: TestPKI.now)
            #expect(list.entries == [.init(serial: "4142434445464748", at: TestPKI.now - .hours(1))])
            #expect(list.number == 42)
        }
        #expect(found == code)
    }
}
