import Foundation
import Model
import TestSupport
import Testing
import Trust

/// Keys in a real PKCS#11 token: SoftHSM, the software token of Debian's `softhsm2`.
@Suite("keys in a token (needs the packages softhsm2 and libengine-pkcs11-openssl)", .serialized)
struct TokenKeyTests {
    private static let pin = SoftwareToken.pin
    private static let token = Result { try Token() }

    /// A token of this process's own with one P-256 key, `root`, and one P-384 key, `large`.
    private final class Token: Sendable {
        let software: SoftwareToken
        let spki: [UInt8]
        /// Refusals from before anybody showed the right PIN: a token that is logged in asks no more.
        let withoutModule: String?
        let withoutPIN: String?
        let withWrongPIN: String?

        init() throws {
            software = try SoftwareToken(label: "nave-ca")
            // The module reads its configuration from the environment only. It is the first change of this process's
            // environment, which leaves the old block to who reads it at this moment.
            setenv("SOFTHSM2_CONF", software.configuration, 1)
            spki = try PrivateKey(pem: try software.makeKey("root", id: "A1")).publicKey.spkiDER
            try software.makeKey("large", id: "A2", curve: "P-384")
            atexit { TokenKeyTests.removeToken() }
            withoutModule = refusal { _ = try PrivateKey(uri: "pkcs11:object=root?module-path=/nowhere.so") }
            // The engine keeps the last PIN that was set, so the missing one comes first.
            withoutPIN = refusal { _ = try PrivateKey(uri: TokenKeyTests.uri("object=root")) }
            withWrongPIN = refusal { _ = try PrivateKey(uri: TokenKeyTests.uri("object=root"), pin: "11111") }
        }
    }

    private static func removeToken() {
        if case .success(let token) = token {
            try? FileManager.default.removeItem(atPath: token.software.directory.path)
        }
    }

    private static func uri(_ path: String, _ query: String = "") -> String {
        "pkcs11:token=nave-ca;\(path)?module-path=\(SoftwareToken.module)\(query)"
    }

    private func rootKey() throws -> PrivateKey {
        _ = try Self.token.get()
        return try PrivateKey(uri: Self.uri("object=root;type=private"), pin: Self.pin)
    }

    @Test("the packages softhsm2 and libengine-pkcs11-openssl are installed")
    func packages() {
        #expect(FileManager.default.isReadableFile(atPath: SoftwareToken.module), "apt-get install softhsm2")
        #expect(FileManager.default.isExecutableFile(atPath: "/usr/bin/softhsm2-util"), "apt-get install softhsm2")
        #expect(throws: Never.self, "apt-get install softhsm2 libengine-pkcs11-openssl") {
            _ = try Self.token.get().spki
        }
        #expect(refusal { _ = try rootKey() } != "no-token-engine", "apt-get install libengine-pkcs11-openssl")
    }

    @Test("a missing module, a missing or a wrong PIN is an error, never a question") func early() throws {
        let token = try Self.token.get()
        #expect(token.withoutModule == "no-token-module")
        #expect(token.withoutPIN == "pin-needed" && token.withWrongPIN == "wrong-pin")
    }

    @Test func signs() throws {
        let key = try rootKey()
        let token = try Self.token.get()
        #expect(key.isInToken && key.publicKey.spkiDER == token.spki && key.publicKey.algorithm == .p256)
        let signature = try key.sign([1, 2, 3])
        #expect(key.publicKey.verify([1, 2, 3], signature: signature))
        #expect(!key.publicKey.verify([1, 2], signature: signature))
        #expect(refusal { _ = try key.pem } == "key-in-token")
        #expect(refusal { _ = try key.encryptedPEM(passphrase: [65]) } == "key-in-token")
        let byID = try PrivateKey(uri: Self.uri("id=%A1", token.software.pinSource))
        #expect(byID.publicKey == key.publicKey)
    }

    @Test("a root in a token signs itself, intermediates and lists, which openssl and our rules take")
    func authority() async throws {
        let root = try CertificateAuthority.makeRoot(
            organization: "corp.example", name: "root in a token", key: rootKey(),
            serial: [UInt8](repeating: 0x41, count: 16), now: TestPKI.now)
        let key = try PrivateKey.generateP256()
        let intermediate = try CertificateAuthority(
            certificate: root.issueIntermediate(
                domain: "finance.corp.example", publicKey: key.publicKey, serial: TestPKI.serial(of: key),
                now: TestPKI.now),
            key: key)
        let leafKey = try PrivateKey.generateP256()
        let id = try SPIFFEID("spiffe://finance.corp.example/client/a")
        let leaf = try intermediate.issueLeaf(
            CertificateTemplate(
                kind: .client, id: id, publicKey: leafKey.publicKey, validity: .days(1),
                serial: TestPKI.serial(of: leafKey)),
            now: TestPKI.now)
        let verifier = try PeerVerifier(anchors: ["finance.corp.example": [root.certificate]])
        let peer = try verifier.verify(
            chainDER: [leaf.der, intermediate.certificate.der], purpose: .client, now: TestPKI.now)
        #expect(peer.id == id)
        let list = try root.issueCRL(
            revoked: [(intermediate.certificate.serial, TestPKI.now)], number: 1, now: TestPKI.now,
            nextUpdate: TestPKI.now + .days(7))
        #expect(list.contains(serial: intermediate.certificate.serial))

        let directory = try TemporaryDirectory()
        try directory.write("root.pem", root.certificate.pem)
        try directory.write("intermediate.pem", intermediate.certificate.pem)
        try directory.write("leaf.pem", leaf.pem)
        let verified = try await run(
            URL(fileURLWithPath: "/usr/bin/openssl"),
            [
                "verify", "-x509_strict", "-attime", "\(TestPKI.now.milliseconds / 1000)", "-CAfile",
                directory.file("root.pem"), "-untrusted", directory.file("intermediate.pem"),
                directory.file("leaf.pem"),
            ])
        #expect(verified.code == 0, "\(verified.errors)")
    }

    @Test func severalThreadsSignAtOnce() async throws {
        let key = try rootKey()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    let bytes = [UInt8(number)]
                    return key.publicKey.verify(bytes, signature: try key.sign(bytes))
                }
            }
            for try await holds in group { #expect(holds) }
        }
    }

    @Test func namesOneKeyOfAToken() throws {
        let token = "pkcs11:token=nave-ca?module-path=/m.so&pin-source=file:/pin"
        let named = "pkcs11:token=nave-ca;object=root;type=private?module-path=/m.so&pin-source=file:/pin"
        #expect(try PrivateKey.uri(ofToken: token, object: "root") == named)
        #expect(
            try PrivateKey.uri(ofToken: "pkcs11:serial=1", object: "a-b") == "pkcs11:serial=1;object=a-b;type=private")
        for bad in [
            "", "file:/a", "pkcs11:", "pkcs11:token=a;object=b", "pkcs11:token=a;id=%01", "pkcs11:token=a;type=cert",
            "pkcs11:token=a?pin-value=1", "pkcs11:token=a?x=y",
        ] {
            #expect(refusal { _ = try PrivateKey.uri(ofToken: bad, object: "root") } == "bad-token-uri", "\(bad)")
        }
    }

    @Test func refusesOtherKeysAndURIs() throws {
        _ = try rootKey()
        #expect(refusal { _ = try PrivateKey(uri: Self.uri("object=large"), pin: Self.pin) } == "weak-key")
        #expect(refusal { _ = try PrivateKey(uri: Self.uri("object=nobody"), pin: Self.pin) } == "no-such-key")
        #expect(
            refusal { _ = try PrivateKey(uri: "pkcs11:token=nave-ca;object=root?module-path=/nowhere.so") }
                == "no-token-module")
        for bad in [
            "", "file:/etc/passwd", "pkcs11:", "pkcs11:token=nave-ca", "pkcs11:object=a b", "pkcs11:object=é",
            Self.uri("object=root", "&pin-value=24680"), "pkcs11:object=root;pin-value=24680",
            Self.uri("object=root", "&x=y"),
            Self.uri("object=root", "&module-path=/a"), "pkcs11:object=root?module-path=a.so", "pkcs11:object=root?a?b",
            "pkcs11:object=root;object=large", "pkcs11:object=root;x=y", Self.uri("object=root", "&pin-source=|cat"),
            "pkcs11:object=" + String(repeating: "a", count: 1024),
        ] {
            do {
                _ = try PrivateKey(uri: bad, pin: Self.pin)
                Issue.record("taken: \(bad)")
            } catch {
                #expect(error.code == "bad-token-uri", "\(bad)")
                #expect(!error.description.contains(Self.pin))
            }
        }
    }
}
