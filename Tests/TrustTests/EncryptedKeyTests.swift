import Foundation
import Model
import TestSupport
import Testing
import Trust

@Suite struct EncryptedKeyTests {
    private let passphrase = Array("correct horse".utf8)

    @Test(arguments: [PublicKey.Algorithm.p256, .ed25519]) func roundTrips(_ algorithm: PublicKey.Algorithm) throws {
        let key = try algorithm == .p256 ? PrivateKey.generateP256() : PrivateKey.generateEd25519()
        let pem = try key.encryptedPEM(passphrase: passphrase)
        #expect(pem.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
        let again = try PrivateKey(pem: pem, passphrase: passphrase)
        #expect(again.publicKey == key.publicKey)
        #expect(key.publicKey.verify([1, 2, 3], signature: try again.sign([1, 2, 3])))
        // A salt of its own each time.
        #expect(try key.encryptedPEM(passphrase: passphrase) != pem)
        let plain = try #require(PEM.decode(label: "PRIVATE KEY", key.pem).first)
        let encrypted = try #require(PEM.decode(label: "ENCRYPTED PRIVATE KEY", pem).first)
        let secret = plain.suffix(algorithm == .p256 ? 100 : 32).prefix(32)
        #expect(!encrypted.indices.contains { encrypted[$0...].starts(with: secret.prefix(8)) })
    }

    @Test func aWrongPassphraseIsNamedAndNeverAskedFor() throws {
        let pem = try PrivateKey.generateP256().encryptedPEM(passphrase: passphrase)
        for wrong in ["", "correct hors", "correct horse ", "correct horse\n", String(repeating: "x", count: 2000)] {
            let code = refusal { _ = try PrivateKey(pem: pem, passphrase: Array(wrong.utf8)) }
            #expect(code == "wrong-passphrase", "\(wrong)")
        }
        #expect(refusal { _ = try PrivateKey(pem: pem) } == "key-encrypted")
        let key = try PrivateKey.generateP256()
        #expect(refusal { _ = try PrivateKey(pem: key.pem, passphrase: passphrase) } == "key-not-encrypted")
        #expect(refusal { _ = try key.encryptedPEM(passphrase: []) } == "bad-passphrase")
        let long = [UInt8](repeating: 65, count: 1025)
        #expect(refusal { _ = try key.encryptedPEM(passphrase: long) } == "bad-passphrase")
        #expect(refusal { _ = try PrivateKey(pem: pem + pem, passphrase: passphrase) } == "bad-pem")
        #expect(refusal { _ = try PrivateKey(pem: "", passphrase: passphrase) } == "bad-pem")
    }

    /// One wrong passphrase in 256 leaves a padding that looks right: with a cheap derivation all of those are tried.
    @Test func aWrongPassphraseIsNamedAlsoWhereThePaddingFits() throws {
        for number in 0..<1500 {
            let wrong = Array("wrong \(number)".utf8)
            #expect(refusal { _ = try PrivateKey(pem: cheapPEM, passphrase: wrong) } == "wrong-passphrase", "\(number)")
        }
        #expect(refusal { _ = try PrivateKey(pem: cheapPEM, passphrase: passphrase) } == nil)
    }

    @Test func damagedBytesGiveNoOtherKey() throws {
        let key = try PrivateKey(pem: cheapPEM, passphrase: passphrase)
        let der = try #require(PEM.decode(label: "ENCRYPTED PRIVATE KEY", cheapPEM).first)
        for index in der.indices {
            var broken = der
            broken[index] ^= 0x01
            let pem = PEM.encode(label: "ENCRYPTED PRIVATE KEY", broken)
            // The one thing that may change without a trace is what does not change the key, such as its attributes.
            let read = try? PrivateKey(pem: pem, passphrase: passphrase)
            #expect(read == nil || read?.publicKey == key.publicKey, "byte \(index)")
            if let read { #expect(key.publicKey.verify([7], signature: try read.sign([7])), "byte \(index)") }
        }
    }

    @Test("the openssl program opens ours")
    func opensslOpensOurs() async throws {
        let directory = try TemporaryDirectory()
        let key = try PrivateKey.generateP256()
        try directory.write("key.pem", key.encryptedPEM(passphrase: passphrase))
        func open(_ passphrase: String) async throws -> Finished {
            try await openssl(
                ["pkcs8", "-in", directory.file("key.pem"), "-passin", "pass:\(passphrase)"])
        }
        let opened = try await open("correct horse")
        #expect(opened.code == 0)
        #expect(try PrivateKey(pem: opened.output).publicKey == key.publicKey)
        #expect(try await open("wrong").code != 0)
        let described = try await openssl(["asn1parse", "-in", directory.file("key.pem")])
        #expect(described.output.contains(":PBES2") && described.output.contains(":aes-256-cbc"))
        #expect(described.output.contains(":1.3.6.1.4.1.11591.4.11") || described.output.contains(":scrypt"))
    }

    private static let schemes = [
        ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "600000"], ["-v2", "aes-128-cbc"], ["-scrypt"],
    ]

    @Test("ours opens the openssl program's", arguments: schemes)
    func weOpenOpenssl(_ scheme: [String]) async throws {
        let directory = try TemporaryDirectory()
        let key = try PrivateKey.generateP256()
        try directory.write("key.pem", key.pem)
        let made = try await openssl(
            ["pkcs8", "-topk8", "-in", directory.file("key.pem"), "-passout", "pass:correct horse"] + scheme)
        #expect(made.code == 0, "\(made.errors)")
        #expect(try PrivateKey(pem: made.output, passphrase: passphrase).publicKey == key.publicKey)
        #expect(refusal { _ = try PrivateKey(pem: made.output, passphrase: [1]) } == "wrong-passphrase")
        #expect(refusal { _ = try PrivateKey(pem: made.output) } == "key-encrypted")
    }

    private static let refusedSchemes = [
        ["-v1", "PBE-SHA1-3DES"], ["-v2", "des3"], ["-v2", "aes-256-cbc", "-iter", "20000000"],
    ]

    @Test("weak or costly schemes are refused before the passphrase is tried", arguments: refusedSchemes)
    func refusedScheme(_ scheme: [String]) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("key.pem", PrivateKey.generateP256().pem)
        let made = try await openssl(
            ["pkcs8", "-topk8", "-in", directory.file("key.pem"), "-passout", "pass:correct horse"] + scheme)
        #expect(made.code == 0, "\(made.errors)")
        #expect(refusal { _ = try PrivateKey(pem: made.output, passphrase: passphrase) } == "unknown-encryption")
    }

    private func openssl(_ arguments: [String]) async throws -> Finished {
        try await run(URL(fileURLWithPath: "/usr/bin/openssl"), arguments)
    }
}

/// Made with `openssl pkcs8 -topk8 -iter 1`.
private let cheapPEM = """
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    MIHrMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAgy3mkUWUo6mgIBATAM
    BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQjqgMIihGJa+x+M9XMjNvQASBkFY6
    VWGt/Mzu8h/dMQueygZa+6qfdjUvgXlz8HYUZ+UWSq9tSIiNAdsILkYjtKL5Jhsj
    cYKfF3m6R5lD9qouRlElvCY+d5cMRVOrrOpeOjyjtRLTi0RTeyVZquZrdvFn1KuO
    cIDWa6Uktlcjr/e0PyD7UU68t8sn8uk3y9b6AuFNFsSt4PILP8IgztPrdxvdKA==
    -----END ENCRYPTED PRIVATE KEY-----
    """
