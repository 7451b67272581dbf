import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("commands on a hub whose keys are encrypted")
    struct EncryptedKeysTests {
        private let directory: TemporaryDirectory

        init() throws { directory = try TemporaryDirectory() }

        private func hub(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> Finished {
            try await run(Checkout.program("nave-hub"), arguments, environment: environment)
        }

        private func sign(_ key: String, _ more: [String], _ environment: [String: String] = [:]) async throws
            -> Finished
        {
            try await run(
                Checkout.program("nave"),
                ["trust", "sign", directory.file("next.json"), "--key", directory.file(key)] + more,
                environment: environment)
        }

        private func refused(_ finished: Finished, _ text: String, _ comment: Comment? = nil) {
            #expect(finished.code == 1, comment)
            #expect(finished.errors.contains(text) && finished.errors.contains("hint:"), "\(finished.errors)")
        }

        @Test("each takes the passphrase as serve does, and says what is wrong without")
        func commands() async throws {
            let passphrase = try directory.write("passphrase", "correct horse\n")
            let wrong = try directory.write("wrong", "battery staple\n")
            let other = try directory.write("manifest-passphrase", "another one\n")
            for file in [passphrase, wrong, other] { chmod(file, 0o600) }
            let file = ["--key-passphrase-file", passphrase]
            let variable = ["NAVE_KEY_PASSPHRASE": "correct horse"]
            try directory.write("credentials/nave-key-passphrase", "correct horse")
            let credential = ["CREDENTIALS_DIRECTORY": directory.file("credentials")]
            let data = ["--data", directory.file("hub")]
            let made = try await hub(
                ["init", "--organization", "corp.example", "--manifest-keys-passphrase-file", other] + data + file)
            try #require(made.code == 0, "\(made.errors)")

            #expect(try await hub(["verify"] + data + file).code == 0)
            let backup = ["backup", "--with-keys"] + data
            #expect(try await hub(backup + file + ["--to", directory.file("backup")]).code == 0)
            #expect(try await hub(backup + ["--to", directory.file("backup-2")], variable).code == 0)

            let recover = ["recover-admin"] + data
            refused(try await hub(recover + ["--admin-context", directory.file("a.json")]), "encrypted")
            refused(
                try await hub(recover + ["--admin-context", directory.file("a.json"), "--key-passphrase-file", wrong]),
                "does not open")
            #expect(!FileManager.default.fileExists(atPath: directory.file("a.json")))
            #expect(try await hub(recover + file + ["--admin-context", directory.file("a.json")]).code == 0)
            #expect(try await hub(recover + ["--admin-context", directory.file("b.json")], variable).code == 0)
            #expect(try await hub(recover + ["--admin-context", directory.file("c.json")], credential).code == 0)

            let restored = ["--data", directory.file("new")]
            let restore = ["restore", "--from", directory.file("backup")] + restored
            refused(try await hub(restore), "encrypted")
            refused(try await hub(restore + ["--key-passphrase-file", wrong]), "does not open")
            #expect(!FileManager.default.fileExists(atPath: directory.file("new")))
            #expect(try await hub(restore, credential).code == 0)
            let next = directory.file("next.json")
            #expect(try await hub(["epoch", "prepare", "--out", next] + restored + file).code == 0)

            refused(try await sign("hub.manifest-keys/manifest-1.key", []), "is encrypted")
            refused(
                try await sign("hub.manifest-keys/manifest-1.key", ["--passphrase-file", passphrase]), "does not open")
            let signed = try await sign("hub.manifest-keys/manifest-1.key", ["--passphrase-file", other])
            #expect(signed.code == 0 && signed.errors.contains("1 of the 2"), "\(signed.errors)")
            let second = try await sign(
                "hub.manifest-keys/manifest-2.key", [], ["NAVE_MANIFEST_KEYS_PASSPHRASE": "another one"])
            #expect(second.code == 0 && second.errors.contains("2 of the 2"), "\(second.errors)")

            let open = ["epoch", "open", "--manifest", next, "--why", "a test"] + restored
            refused(try await hub(open), "encrypted")
            #expect(try await hub(open + file).code == 0)
            #expect(try await hub(["verify"] + restored).code == 0)
        }

        @Test("a manifest key is made encrypted, and read back by its passphrase alone")
        func manifestKey() async throws {
            let passphrase = try directory.write("passphrase", "correct horse\n")
            chmod(passphrase, 0o600)
            try directory.write("empty", "\n")
            chmod(directory.file("empty"), 0o600)
            func key(_ name: String, _ more: [String]) async throws -> Finished {
                try await run(Checkout.program("nave"), ["trust", "key", directory.file(name), "-o", "json"] + more)
            }
            let bad = try await key("a.key", ["--passphrase-file", directory.file("empty")])
            #expect(bad.code == 1 && !FileManager.default.fileExists(atPath: directory.file("a.key")), "\(bad.errors)")
            let made = try await key("a.key", ["--passphrase-file", passphrase])
            #expect(made.code == 0, "\(made.errors)")
            #expect(try directory.read("a.key").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
            let public1 = try JSON(parsing: Array(made.output.utf8))["public"]?.string
            // Another program reads it, too.
            let shown = try await run(
                URL(fileURLWithPath: "/usr/bin/openssl"),
                ["pkey", "-in", directory.file("a.key"), "-passin", "pass:correct horse", "-pubout", "-outform", "DER"])
            #expect(shown.code == 0, "\(shown.errors)")
            #expect(public1?.utf8.count == 44)
            let again = try await key("a.key", [])
            #expect(again.code == 1 && again.errors.contains("exists"))
            let clear = try await key("b.key", [])
            #expect(clear.code == 0)
            #expect(try directory.read("b.key").hasPrefix("-----BEGIN PRIVATE KEY-----"))
        }
    }
}
