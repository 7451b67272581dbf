import Foundation
import HubService
import Model
import TestSupport
import Testing
import Trust

@Suite struct KeyPassphraseTests {
    private static let passphrase = Array("correct horse".utf8)

    private func made(_ passphrase: [UInt8]?) async throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try await HubInit(
            data: directory.file("hub"), organization: "corp.example", listen: "127.0.0.1:8443", front: nil,
            adminContext: nil, passphrase: passphrase
        ).run(now: { TestHub.start })
        return directory
    }

    private func opened(_ directory: TemporaryDirectory, _ passphrase: [UInt8]?) async throws -> HubParts {
        try await HubParts(quietly: directory.file("hub"), passphrase: passphrase) { TestHub.start }
    }

    @Test func everyKeyIsEncryptedAlsoThatOfAZoneMadeLater() async throws {
        let directory = try await made(Self.passphrase)
        let parts = try await opened(directory, Self.passphrase)
        try parts.authority.ensureZone("finance", now: TestHub.start)
        let keys = try FileManager.default.subpathsOfDirectory(atPath: directory.file("hub/keys"))
            .filter { $0.hasSuffix(".key") }
        #expect(keys.count == 6 && keys.contains("zones/finance.key"))
        for key in keys {
            let text = try directory.read("hub/keys/\(key)")
            #expect(text.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "\(key)")
            #expect(!text.contains("BEGIN PRIVATE KEY"))
        }
        #expect(try HubVerification.verify(data: directory.file("hub")).isClean)
    }

    @Test func withoutThePassphraseOrWithAnotherNothingOpens() async throws {
        let directory = try await made(Self.passphrase)
        #expect(await code { try await opened(directory, nil) } == "passphrase-missing")
        #expect(await code { try await opened(directory, Array("wrong".utf8)) } == "wrong-passphrase")
        let plain = try await made(nil)
        #expect(await code { try await opened(plain, Self.passphrase) } == "key-not-encrypted")
        #expect(await code { try await opened(plain, nil) } == nil)
    }

    @Test func theFileComesBeforeTheVariableBeforeTheCredential() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("passphrase", "of the file\n")
        try directory.write("credentials/nave-key-passphrase", "of systemd")
        let all = [
            "NAVE_KEY_PASSPHRASE": "of the variable", "CREDENTIALS_DIRECTORY": directory.file("credentials"),
        ]
        func found(_ file: String?, _ environment: [String: String]) throws -> String? {
            try KeyPassphrase.find(file: file, environment: environment).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(try found(file, all) == "of the file")
        #expect(try found(nil, all) == "of the variable")
        #expect(try found(nil, all.filter { $0.key != "NAVE_KEY_PASSPHRASE" }) == "of systemd")
        #expect(try found(nil, ["CREDENTIALS_DIRECTORY": directory.path]) == nil)
        #expect(try found(nil, [:]) == nil)
    }

    @Test(arguments: [("", "bad-passphrase"), ("\n", "bad-passphrase"), ("a\nb", "bad-passphrase"), (nil, "no-file")])
    func aFileThatHoldsNoPassphraseIsRefused(text: String?, expected: String) async throws {
        let directory = try TemporaryDirectory()
        if let text { try directory.write("passphrase", text) }
        let path = directory.file("passphrase")
        #expect(await code { try KeyPassphrase.find(file: path, environment: [:]) } == expected)
    }
}
