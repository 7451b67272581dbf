import Foundation
import HubService
import Model
import TestSupport
import Testing
import Trust

@Suite("roots that are not the hub's") struct OfflineRootTests {
    private static let now = TestHub.start
    private static let passphrase = Array("correct horse".utf8)

    private func creation(
        _ directory: TemporaryDirectory, _ name: String = "root", organization: String = "corp.example",
        passphrase: [UInt8]? = nil
    ) throws -> RootCreation {
        try RootCreation(path: directory.file(name), organization: organization, passphrase: passphrase, keyURI: nil)
    }

    /// A request of a new key, in a file.
    private func request(_ directory: TemporaryDirectory, _ name: String = "request.pem") throws -> PrivateKey {
        let key = try PrivateKey.generateP256()
        try directory.write(name, try CertificateRequest.makePEM(key: key))
        return key
    }

    private func signing(
        _ directory: TemporaryDirectory, _ domain: String = "finance.corp.example", request: String = "request.pem",
        out: String? = "signed.pem", passphrase: [UInt8]? = nil, isAgain: Bool = false
    ) -> RootSigning {
        RootSigning(
            root: OfflineRoot(directory.file("root"), passphrase: passphrase), domain: domain,
            request: directory.file(request), out: out.map(directory.file), isAgain: isAgain)
    }

    @discardableResult
    private func sign(_ signing: RootSigning) throws -> String {
        try signing.sign(try signing.propose(now: Self.now), now: Self.now)
    }

    @Test func whatWasSignedIsToldToPrograms() throws {
        let directory = try TemporaryDirectory()
        _ = try creation(directory).make(now: Self.now)
        let key = try request(directory)
        let pem = try sign(signing(directory))
        let told = try JSON(parsing: try SignedCertificate(pem: pem, file: "signed.pem").json())
        let certificate = try Certificate(pem: try directory.read("signed.pem"))
        #expect(certificate.publicKey == key.publicKey)
        #expect(told["certificate"]?.string == pem && told["serial"]?.string == certificate.serial)
        #expect(told["subject"]?.string == certificate.subject && told["file"] == "signed.pem")
        #expect(told["notAfter"]?.string == certificate.notAfter.description)
        #expect(try JSON(parsing: try SignedCertificate(pem: pem, file: nil).json())["file"] == nil)
    }

    // MARK: making one

    @Test func aRootIsItsOwnersAloneAndEncrypted() throws {
        let directory = try TemporaryDirectory()
        let view = try creation(directory, passphrase: Self.passphrase).make(now: Self.now)
        #expect(view.text.contains("signed by: itself") && view.text.contains("signed: 0"))
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.file("root")).sorted()
        #expect(names == ["root.json", "root.key", "root.pem"])
        for name in names {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.file("root/\(name)"))
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
        #expect(try directory.read("root/root.key").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        let certificate = try OfflineRoot(directory.file("root")).certificate()
        #expect(certificate.pathLength == 1 && certificate.isIssued(by: certificate))
        #expect(certificate.nameConstraints == NameConstraints(organization: "corp.example"))
    }

    @Test func whatIsThereIsNeverTouchedAndHalfIsNeverLeft() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("root/notes.txt", "mine")
        #expect(await code { try creation(directory).make(now: Self.now) } == "not-empty")
        #expect(await code { try creation(directory).request(to: directory.file("csr"), now: Self.now) } == "not-empty")
        try directory.write("file", "")
        #expect(await code { try creation(directory, "file/root").make(now: Self.now) } == "not-writable")
        for organization in ["corp", "Corp.example", "corp.example.", ""] {
            #expect(await code { try creation(directory, organization: organization) } == "bad-organization")
        }
        #expect(await code { try creation(directory, "") } == nil)
        #expect(
            await code {
                try RootCreation(path: "", organization: "corp.example", passphrase: nil, keyURI: nil)
            } == "bad-directory")
        #expect(
            await code {
                try RootCreation(path: "root", organization: "corp.example", passphrase: nil, keyURI: "pkcs11:token=a")
            } == "bad-token-uri")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["file", "root"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.file("root")) == ["notes.txt"])
    }

    // MARK: signing

    @Test func signsForTheOrganizationAndItsZonesAndKeepsALine() throws {
        let directory = try TemporaryDirectory()
        _ = try creation(directory, passphrase: Self.passphrase).make(now: Self.now)
        let root = OfflineRoot(directory.file("root"))
        for domain in ["corp.example", "finance.corp.example"] {
            let key = try request(directory, "\(domain).request")
            let signing = signing(
                directory, domain, request: "\(domain).request", out: "\(domain).pem", passphrase: Self.passphrase)
            let proposal = try signing.propose(now: Self.now)
            #expect(proposal.text.contains(domain) && proposal.text.contains(key.publicKey.spkiDigest))
            #expect(
                try !FileManager.default.fileExists(atPath: directory.file("\(domain).pem")) && root.signed().count < 2)
            let pem = try signing.sign(proposal, now: Self.now)
            #expect(try directory.read("\(domain).pem") == pem)
            let certificate = try Certificate(pem: pem)
            try IntermediateRules(
                certificate: certificate, domain: domain, key: key.publicKey, roots: [try root.certificate()],
                now: Self.now
            ).judge()
            let line = try #require(try root.signed().last)
            #expect(line.serial == certificate.serial && line.domain == domain && line.at == Self.now)
            #expect(line.key == key.publicKey.spkiDigest)
        }
        #expect(try root.signed().count == 2)
        #expect(try RootView(of: root).text.contains("signed: 2"))
        let json = try JSON(parsing: try RootView(of: root).json())
        #expect(json["signed"]?.array?.count == 2 && json["organization"]?.string == "corp.example")
    }

    @Test(arguments: [
        ("evil.example", "foreign-domain"), ("xcorp.example", "foreign-domain"), ("a.b.corp.example", "foreign-domain"),
        ("", "foreign-domain"), (".corp.example", "foreign-domain"), ("Finance.corp.example", "foreign-domain"),
        ("hub.corp.example", "foreign-domain"), ("example", "foreign-domain"),
    ])
    func anotherDomainIsNotSigned(_ domain: String, _ expected: String) async throws {
        let directory = try TemporaryDirectory()
        _ = try creation(directory).make(now: Self.now)
        _ = try request(directory)
        #expect(await code { try sign(signing(directory, domain)) } == expected)
        #expect(try OfflineRoot(directory.file("root")).signed().isEmpty)
    }

    @Test func whatIsNoRequestIsNotSigned() async throws {
        let directory = try TemporaryDirectory()
        #expect(await code { try sign(signing(directory)) } == "not-a-root")
        _ = try creation(directory).make(now: Self.now)
        #expect(await code { try sign(signing(directory)) } == "no-file")
        try directory.write(
            "request.pem", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")
        #expect(await code { try sign(signing(directory)) } == "bad-request")
        try directory.write("request.pem", try directory.read("root/root.pem"))
        #expect(await code { try sign(signing(directory)) } == "bad-pem")
        let key = try PrivateKey(pem: try directory.read("root/root.key"))
        try directory.write("request.pem", try CertificateRequest.makePEM(key: key))
        #expect(await code { try sign(signing(directory)) } == "own-key")
        _ = try request(directory)
        try directory.write("signed.pem", "another")
        #expect(await code { try sign(signing(directory)) } == "exists")
        #expect(try directory.read("signed.pem") == "another")
        let late = try OfflineRoot(directory.file("root")).certificate().notAfter - .days(29)
        #expect(await code { try signing(directory, out: nil).propose(now: late) } == "ends-soon")
        #expect(try OfflineRoot(directory.file("root")).signed().isEmpty)
        #expect(
            await code { try sign(signing(directory, out: nil, passphrase: Self.passphrase)) } == "key-not-encrypted")
    }

    @Test("a line comes before the certificate: neither without the other's chance") func steps() async throws {
        let directory = try TemporaryDirectory()
        _ = try creation(directory).make(now: Self.now)
        _ = try request(directory)
        let root = OfflineRoot(directory.file("root"))
        // The line was written, the certificate was not: the log knows more than anybody holds.
        #expect(await code { try sign(signing(directory, out: "nowhere/signed.pem")) } == "not-writable")
        #expect(try root.signed().count == 1)
        // Who says so has it again.
        #expect(await code { try sign(signing(directory)) } == "already-signed")
        // A line that was left half written is passed over, and the next is a line of its own.
        try directory.write("root/signed.jsonl", try directory.read("root/signed.jsonl") + "{\"at\":\"20")
        try sign(signing(directory, isAgain: true))
        #expect(try root.signed().count == 2)
        // No line, no certificate.
        try FileManager.default.removeItem(atPath: directory.file("root/signed.jsonl"))
        try FileManager.default.createDirectory(
            atPath: directory.file("root/signed.jsonl"), withIntermediateDirectories: false)
        _ = try? FileManager.default.removeItem(atPath: directory.file("signed.pem"))
        #expect(await code { try sign(signing(directory)) } != nil)
        #expect(!FileManager.default.fileExists(atPath: directory.file("signed.pem")))
    }

    @Test("a line that cannot be read is no line that is not there") func badLines() async throws {
        let directory = try TemporaryDirectory()
        _ = try creation(directory).make(now: Self.now)
        _ = try request(directory)
        try sign(signing(directory))
        let root = OfflineRoot(directory.file("root"))
        let line = try directory.read("root/signed.jsonl")
        let bad = [
            line.replacingOccurrences(of: "\"serial\"", with: "\"sErial\""),
            line.replacingOccurrences(of: "sha256:", with: "sha256\""),
            // A newer program's.
            line.replacingOccurrences(of: "{", with: "{\"kind\":\"other\","),
            "{}\n",
        ]
        for text in bad {
            try directory.write("root/signed.jsonl", line + text)
            #expect(await code { try root.signed() } == "bad-line", "\(text)")
            #expect(await code { try RootView(of: root) } == "bad-line", "\(text)")
            #expect(await code { try sign(signing(directory, out: nil)) } == "bad-line", "\(text)")
        }
        for text in ["", "\n", "{\"at\":\"20\n", line] {
            try directory.write("root/signed.jsonl", line + text)
            #expect(await code { try sign(signing(directory, out: nil)) } == "already-signed", "\(text)")
        }
        #expect(try root.signed().count == 2)
    }

    @Test("a key is certified once, for whatever domain") func once() async throws {
        let directory = try TemporaryDirectory()
        _ = try creation(directory).make(now: Self.now)
        let key = try request(directory)
        try sign(signing(directory))
        for domain in ["finance.corp.example", "analytics.corp.example", "corp.example"] {
            #expect(await code { try sign(signing(directory, domain, out: nil)) } == "already-signed", "\(domain)")
        }
        // Another request of the same key is no other key.
        try directory.write("second.pem", try CertificateRequest.makePEM(key: key))
        #expect(await code { try sign(signing(directory, request: "second.pem", out: nil)) } == "already-signed")
        #expect(try OfflineRoot(directory.file("root")).signed().count == 1)
        let second = try Certificate(pem: try sign(signing(directory, out: nil, isAgain: true)))
        #expect(try OfflineRoot(directory.file("root")).signed().last?.serial == second.serial)
        _ = try request(directory, "other.pem")
        try sign(signing(directory, request: "other.pem", out: nil))
    }

    // MARK: the root that follows

    private func crossing(
        _ directory: TemporaryDirectory, _ next: String = "root-2/root.pem", out: String? = nil, isAgain: Bool = false,
        passphrase: [UInt8]? = nil
    ) -> RootCrossing {
        RootCrossing(
            root: OfflineRoot(directory.file("root"), passphrase: passphrase), next: directory.file(next),
            out: out.map(directory.file), isAgain: isAgain)
    }

    private func cross(_ crossing: RootCrossing) throws -> Certificate {
        try Certificate(pem: try crossing.sign(try crossing.propose(now: Self.now), now: Self.now))
    }

    @Test func theNextRootIsCertifiedByThisOneAndKeepsALine() async throws {
        let directory = try TemporaryDirectory()
        _ = try creation(directory, passphrase: Self.passphrase).make(now: Self.now)
        _ = try creation(directory, "root-2").make(now: Self.now)
        let (old, new) = (OfflineRoot(directory.file("root")), OfflineRoot(directory.file("root-2")))
        #expect(await code { try cross(crossing(directory)) } == "passphrase-missing")
        let text = try crossing(directory, passphrase: Self.passphrase).propose(now: Self.now).text
        #expect(text.contains(try new.certificate().publicKey.spkiDigest))
        #expect(try old.signed().isEmpty, "nothing is written before the yes")
        let made = try cross(crossing(directory, out: "cross.pem", passphrase: Self.passphrase))
        #expect(try directory.read("cross.pem") == made.pem)
        try CrossRules(
            certificate: made, root: try new.certificate(), present: try old.certificate(),
            organization: "corp.example", now: Self.now
        ).judge()
        let line = try #require(try old.signed().first)
        #expect(line.kind == .cross && line.serial == made.serial && line.key == made.publicKey.spkiDigest)
        #expect(try RootView(of: old).text.contains("corp.example  cross  serial \(made.serial)"))
        #expect(
            await code { try cross(crossing(directory, passphrase: Self.passphrase)) } == "already-signed")
        _ = try cross(crossing(directory, isAgain: true, passphrase: Self.passphrase))
        #expect(
            await code { try cross(crossing(directory, out: "cross.pem", isAgain: true, passphrase: Self.passphrase)) }
                == "exists")
    }

    @Test func whatIsNoNextRootIsNotCertified() async throws {
        let directory = try TemporaryDirectory()
        _ = try creation(directory).make(now: Self.now)
        _ = try creation(directory, "foreign", organization: "other.example").make(now: Self.now)
        let key = try PrivateKey.generateP256()
        let other = try CertificateAuthority.makeRoot(
            organization: "corp.example", name: "corp.example root 2", key: key, isConstrained: true,
            serial: TestPKI.serial(of: key), now: Self.now)
        try directory.write("renamed.pem", other.certificate.pem)
        _ = try request(directory)
        try sign(signing(directory))
        for (file, expected) in [
            ("nothing.pem", "no-file"), ("request.pem", "bad-pem"), ("root/root.pem", "own-key"),
            ("foreign/root.pem", "wrong-name-constraints"), ("renamed.pem", "other-name"),
            ("signed.pem", "wrong-path-length"),
        ] {
            #expect(await code { try cross(crossing(directory, file)) } == expected, "\(file)")
        }
        #expect(try OfflineRoot(directory.file("root")).signed().count == 1)
        // No line, no certificate.
        _ = try creation(directory, "root-2").make(now: Self.now)
        try FileManager.default.removeItem(atPath: directory.file("root/signed.jsonl"))
        try FileManager.default.createDirectory(
            atPath: directory.file("root/signed.jsonl"), withIntermediateDirectories: false)
        #expect(await code { try cross(crossing(directory, out: "cross.pem")) } != nil)
        #expect(!FileManager.default.fileExists(atPath: directory.file("cross.pem")))
    }

    // MARK: under a corporate CA

    @Test func aRootThatACorporateCASigned() async throws {
        let directory = try TemporaryDirectory()
        func complete(_ name: String, organization: String? = nil) throws -> RootView {
            try RootCreation.complete(
                path: directory.file("root"), organization: organization, passphrase: Self.passphrase,
                certificate: directory.file(name), now: Self.now)
        }
        let creation = try creation(directory, passphrase: Self.passphrase)
        try creation.request(to: directory.file("root.csr"), now: Self.now)
        // Again: the same key. Another file, since nothing is overwritten.
        #expect(await code { try creation.request(to: directory.file("root.csr"), now: Self.now) } == "exists")
        try creation.request(to: directory.file("again.csr"), now: Self.now)
        let key = try CertificateRequest(pem: try directory.read("root.csr")).publicKey
        #expect(try CertificateRequest(pem: try directory.read("again.csr")).publicKey == key)
        #expect(
            await code {
                try self.creation(directory, organization: "other.example", passphrase: Self.passphrase).request(
                    to: directory.file("other.csr"), now: Self.now)
            } == "other-organization")
        _ = try request(directory)
        #expect(await code { try sign(signing(directory, passphrase: Self.passphrase)) } == "root-waiting")
        #expect(try RootView(of: OfflineRoot(directory.file("root"))).text.contains("waits"))

        let corporate = try TestPKI(organization: "conglomerate.example", zones: [], now: Self.now)
        var draft = CertificateDraft(
            organization: "corp.example", commonName: "corp.example root 1",
            serial: [UInt8](repeating: 0x41, count: 16), notBefore: Self.now, notAfter: Self.now + .days(1000),
            publicKey: key, keyUsage: [.keyCertSign, .crlSign])
        draft.isCA = true
        draft.pathLength = 1
        func keep(_ name: String) throws {
            try directory.write(
                name, try draft.signed(by: corporate.rootKey, issuer: corporate.root.certificate).pem)
        }
        try keep("wide.pem")
        #expect(await code { try complete("wide.pem") } == "no-name-constraints")
        #expect(!FileManager.default.fileExists(atPath: directory.file("root/root.pem")))
        draft.nameConstraints = NameConstraints(organization: "corp.example")
        try keep("root.pem")
        #expect(await code { try complete("root.pem", organization: "other.example") } == "other-organization")
        #expect(try complete("root.pem").text.contains("conglomerate.example test root"))
        #expect(try complete("root.pem", organization: "corp.example").text.contains("signed: 0"))
        draft.serial = [UInt8](repeating: 0x42, count: 16)
        try keep("another.pem")
        #expect(await code { try complete("another.pem") } == "exists")
        #expect(await code { try creation.request(to: directory.file("new.csr"), now: Self.now) } == "exists")
        try sign(signing(directory, passphrase: Self.passphrase))
        #expect(try OfflineRoot(directory.file("root")).signed().count == 1)
    }
}
