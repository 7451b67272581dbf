import Foundation
import Model
import TestSupport
import Testing
import Trust

@Suite struct IntermediateRulesTests {
    static let domain = "finance.corp.example"

    /// One broken field, and the code of the rule that sees it.
    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String
        var change: @Sendable (inout CertificateDraft) -> Void
    }

    static let rows = [
        Row(testDescription: "not a CA", code: "not-a-ca") {
            $0.isCA = false
            $0.pathLength = nil
        },
        Row(testDescription: "no key usage", code: "wrong-key-usage") { $0.keyUsage = [] },
        Row(testDescription: "signs no lists", code: "wrong-key-usage") { $0.keyUsage = .keyCertSign },
        Row(testDescription: "signs lists only", code: "wrong-key-usage") { $0.keyUsage = .crlSign },
        Row(testDescription: "for servers only", code: "wrong-purpose") {
            $0.extendedKeyUsage = [ExtendedKeyUsage.serverAuth]
        },
        Row(testDescription: "begins later", code: "not-yet-valid") {
            $0.notBefore = TestPKI.now + .minutes(5) + .seconds(1)
        },
        Row(testDescription: "ends now", code: "expired") { $0.notAfter = TestPKI.now },
        Row(testDescription: "ends soon", code: "ends-soon") { $0.notAfter = TestPKI.now + .days(30) - .seconds(1) },
        Row(testDescription: "serial of 56 bits", code: "short-serial") {
            $0.serial = [UInt8](repeating: 0x41, count: 7)
        },
        Row(testDescription: "unknown critical extension", code: "unknown-critical-extension") {
            $0.otherCriticalExtensions = ["1.3.6.1.4.1.55555.1"]
        },
        Row(testDescription: "path length 1", code: "wrong-path-length") { $0.pathLength = 1 },
        Row(testDescription: "no path length", code: "wrong-path-length") { $0.pathLength = nil },
        Row(testDescription: "no name constraints", code: "no-name-constraints") { $0.nameConstraints = nil },
        Row(testDescription: "not critical", code: "name-constraints-not-critical") {
            $0.nameConstraintsAreCritical = false
        },
        Row(testDescription: "another zone's", code: "wrong-name-constraints") {
            $0.nameConstraints = NameConstraints(domain: "analytics.corp.example")
        },
        Row(testDescription: "the organization's", code: "wrong-name-constraints") {
            $0.nameConstraints = NameConstraints(domain: "corp.example")
        },
        Row(testDescription: "one more URI domain", code: "wrong-name-constraints") {
            $0.nameConstraints?.permitted.append(GeneralName(.uri, "corp.example"))
        },
        Row(testDescription: "domains below", code: "wrong-name-constraints") {
            $0.nameConstraints?.permitted.append(GeneralName(.uri, ".finance.corp.example"))
        },
        Row(testDescription: "any e-mail", code: "wrong-name-constraints") {
            $0.nameConstraints?.permitted.removeAll { $0.kind == .email }
        },
        Row(testDescription: "any DNS name", code: "wrong-name-constraints") {
            $0.nameConstraints?.permitted.removeAll { $0.kind == .dns }
        },
        Row(testDescription: "IPv4", code: "wrong-name-constraints") { $0.nameConstraints?.excluded.removeFirst() },
        Row(testDescription: "IPv6", code: "wrong-name-constraints") { $0.nameConstraints?.excluded.removeLast() },
        Row(testDescription: "some IPv4", code: "wrong-name-constraints") {
            $0.nameConstraints?.excluded[0].value = "0a000000ff000000"
        },
    ]

    /// A good draft of what the root sends back, and who asked.
    private struct Answer {
        let path: TrustPath
        let draft: CertificateDraft

        init() throws {
            path = try TrustPath()
            var draft = CertificateDraft(
                organization: domain, commonName: "an intermediate", serial: [UInt8](repeating: 0x41, count: 16),
                notBefore: TestPKI.now - .minutes(5), notAfter: TestPKI.now + .days(365),
                publicKey: path.intermediateKey.publicKey, keyUsage: [.keyCertSign, .crlSign])
            draft.isCA = true
            draft.pathLength = 0
            draft.nameConstraints = NameConstraints(domain: domain)
            self.draft = draft
        }

        func signed(_ change: (inout CertificateDraft) -> Void = { _ in }) throws -> Certificate {
            var draft = draft
            change(&draft)
            return try draft.signed(by: path.rootKey, issuer: path.root.certificate)
        }

        func verdict(
            _ certificate: Certificate, key: PublicKey? = nil, roots: [Certificate]? = nil, now: Instant = TestPKI.now
        ) -> String? {
            refusal {
                try IntermediateRules(
                    certificate: certificate, domain: domain, key: key ?? path.intermediateKey.publicKey,
                    roots: roots ?? [path.root.certificate], now: now
                ).judge()
            }
        }
    }

    @Test func whatRowsBreakIsGood() throws {
        let answer = try Answer()
        #expect(answer.verdict(try answer.signed()) == nil)
        #expect(answer.verdict(answer.path.intermediate) == nil, "what our own root issues")
        #expect(
            answer.verdict(
                try answer.signed {
                    $0.notAfter = TestPKI.now + .days(30)
                    $0.serial = [UInt8](repeating: 0x41, count: 8)
                    $0.keyUsage.insert(.digitalSignature)
                    $0.extendedKeyUsage = [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]
                    $0.nameConstraints?.permitted.reverse()
                }) == nil)
    }

    @Test(arguments: rows) func brokenField(_ row: Row) throws {
        let answer = try Answer()
        #expect(answer.verdict(try answer.signed(row.change)) == row.code)
    }

    @Test func otherKey() throws {
        let answer = try Answer()
        #expect(answer.verdict(try answer.signed(), key: try PrivateKey.generateP256().publicKey) == "other-key")
    }

    @Test func otherRoot() throws {
        let answer = try Answer()
        let (good, other) = (try answer.signed(), try TrustPath().root.certificate)
        #expect(answer.verdict(good, roots: [other]) == "not-signed-by-root")
        #expect(answer.verdict(good, roots: [other, answer.path.root.certificate]) == nil)
        let own = try answer.draft.signed(by: answer.path.intermediateKey, issuer: nil)
        #expect(answer.verdict(own) == "not-signed-by-root")
    }

    @Test func rootThatEnded() throws {
        let answer = try Answer()
        let late = answer.path.root.certificate.notAfter
        let certificate = try answer.signed { $0.notAfter = late + .days(90) }
        #expect(answer.verdict(certificate, now: late) == "expired")
    }

    /// By the `openssl` program with the root's key: one that is good, one that is signed with SHA-1.
    @Test func foreignSigner() throws {
        let answer = try Answer()
        let directory = try TemporaryDirectory()
        try directory.write("root.key", answer.path.rootKey.pem)
        try directory.write("root.pem", answer.path.root.certificate.pem)
        try directory.write(
            "request.pem", try CertificateRequest.makePEM(key: answer.path.intermediateKey))
        try directory.write(
            "extensions",
            """
            basicConstraints = critical, CA:TRUE, pathlen:0
            keyUsage = critical, keyCertSign, cRLSign
            nameConstraints = critical, permitted;URI:\(Self.domain), permitted;DNS:\(Self.domain), \
            permitted;email:\(Self.domain), excluded;IP:0.0.0.0/0.0.0.0, excluded;IP:::/::
            subjectKeyIdentifier = hash
            authorityKeyIdentifier = keyid
            """)
        func signed(_ digest: String) throws -> Certificate {
            let openssl = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/openssl"),
                [
                    "x509", "-req", "-in", directory.file("request.pem"), "-CA", directory.file("root.pem"), "-CAkey",
                    directory.file("root.key"), digest, "-set_serial", "0x41414141414141414141", "-days", "365",
                    "-subj", "/CN=signed elsewhere", "-extfile", directory.file("extensions"), "-out",
                    directory.file("signed.pem"),
                ])
            try #require(openssl.waitUntilExit() == 0, "\(openssl.standardError)")
            return try Certificate(pem: try directory.read("signed.pem"))
        }
        // The program signs from the moment that it really is, which may lie before the root's.
        let good = try signed("-sha256")
        let now = max(good.notBefore, TestPKI.now)
        #expect(answer.verdict(good, now: now) == nil)
        #expect(answer.verdict(try signed("-sha1"), now: now + .seconds(60)) == "weak-signature")
    }
}
