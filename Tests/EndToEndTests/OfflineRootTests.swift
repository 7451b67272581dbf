import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// Keys of CAs that are never on the hub's disk, with the real programs.
    @Suite("offline roots and keys in tokens end to end")
    struct OfflineRootTests {
        private let openssl = URL(fileURLWithPath: "/usr/bin/openssl")

        private func hub(
            _ arguments: [String], environment: [String: String] = [:]
        ) async throws -> Finished {
            try await run(Checkout.program("nave-hub"), arguments, environment: environment)
        }

        private func done(
            _ arguments: [String], environment: [String: String] = [:]
        ) async throws -> Finished {
            let finished = try await hub(arguments, environment: environment)
            try #require(finished.code == 0, "\(arguments.joined(separator: " ")): \(finished.errors)")
            return finished
        }

        private func sign(
            _ wheel: Wheel, _ domain: String = "corp.example", more: [String] = [], environment: [String: String] = [:]
        ) async throws -> Finished {
            try await hub(
                [
                    "root", "sign", wheel.directory.file("hub.pending/organization.request.pem"), "--dir",
                    wheel.directory.file("root"), "--domain", domain, "--out", wheel.directory.file("organization.pem"),
                ] + more, environment: environment)
        }

        private func complete(_ wheel: Wheel, _ more: [String] = []) async throws {
            _ = try await done(
                [
                    "init", "--data", wheel.directory.file("hub"), "--complete",
                    wheel.directory.file("organization.pem"),
                ] + more)
        }

        /// The hub serves, its owner has a status, newcomers enrol by the pin of the root, and the topology stands.
        private func demandWorking(_ wheel: Wheel) async throws {
            let status = try await wheel.nave(["status", "-o", "json"])
            try #require(status.code == 0, "\(status.errors)")
            #expect(try JSON(parsing: Array(status.output.utf8))["organization"]?.string == "corp.example")
            try await wheel.apply(why: "first import")
            try await wheel.enrolUser("erin@corp.example", as: "erin")
            #expect(try await wheel.nave(["zone", "list"], as: "erin").code == 0)
        }

        private func demandZonesWait(_ wheel: Wheel) async throws {
            let invited = try await wheel.nave(["spoke", "invite", "finance/fin-1"])
            #expect(invited.code != 0 && invited.errors.contains("no CA here signs for `finance.corp.example`"))
            #expect(invited.errors.contains("nave authority prepare finance"), "\(invited.errors)")
        }

        @Test("a root under a passphrase elsewhere, a hub in two steps, and no key of the root on it") func offline()
            async throws
        {
            let wheel = try Wheel()
            let directory = wheel.directory
            let secret = ["--key-passphrase-file", try directory.write("root.passphrase", "a root's\n")]
            let hubSecret = ["--key-passphrase-file", try directory.write("hub.passphrase", "a hub's\n")]
            _ = try await done(
                ["root", "init", "--dir", directory.file("root"), "--organization", "corp.example"] + secret)
            let again = try await hub(
                ["root", "init", "--dir", directory.file("root"), "--organization", "corp.example"])
            #expect(again.code == 1 && again.errors.contains("hint:"))

            let offline = ["--offline-root", directory.file("root/root.pem")]
            try await wheel.initializeHub(offline + hubSecret)
            try await wheel.initializeHub(offline + hubSecret)
            let early = try await hub(["serve", "--data", directory.file("hub")] + hubSecret)
            #expect(early.code == 1 && early.errors.contains("waits for the certificate of its organization's CA"))
            #expect(early.errors.contains("--complete"))

            // Nobody can be asked here, nothing is signed for another domain, and without the passphrase not at all.
            let unasked = try await sign(wheel, more: secret)
            #expect(
                unasked.code == 1 && unasked.errors.contains("--yes") && unasked.errors.contains("dns:corp.example"))
            #expect(try await sign(wheel, "evil.example", more: secret + ["--yes"]).errors.contains("evil.example"))
            #expect(try await sign(wheel, more: ["--yes"]).errors.contains("encrypted"))
            #expect(!FileManager.default.fileExists(atPath: directory.file("organization.pem")))
            #expect(!FileManager.default.fileExists(atPath: directory.file("root/signed.jsonl")))
            #expect(try await sign(wheel, more: secret + ["--yes"]).code == 0)
            let shown = try await done(["root", "show", "--dir", directory.file("root"), "-o", "json"])
            let signed = try #require(try JSON(parsing: Array(shown.output.utf8))["signed"]?.array)
            #expect(signed.count == 1 && signed[0]["domain"]?.string == "corp.example")

            try await complete(wheel, hubSecret)
            #expect(!FileManager.default.fileExists(atPath: directory.file("hub.pending")))
            let files = try FileManager.default.subpathsOfDirectory(atPath: directory.file("hub"))
            #expect(
                files.contains("keys/root.pem")
                    && !files.contains { $0.hasPrefix("keys/root.") && $0 != "keys/root.pem" })
            let key = try directory.read("root/root.key").split(separator: "\n")[1]
            for file in files {
                guard let bytes = FileManager.default.contents(atPath: directory.file("hub/\(file)")) else { continue }
                #expect(bytes.range(of: Data(key.utf8)) == nil, "\(file)")
            }

            try await wheel.startHub(hubSecret)
            try await demandWorking(wheel)
            try await demandZonesWait(wheel)
            try await certifyFinance(wheel, secret)
            #expect(try await wheel.hub?.terminate() == 0)
            #expect(try await done(["verify", "--data", directory.file("hub")]).code == 0)
        }

        /// The root signs for a zone too, and then newcomers enrol there.
        private func certifyFinance(_ wheel: Wheel, _ secret: [String]) async throws {
            let (request, certificate) = (wheel.directory.file("finance.csr"), wheel.directory.file("finance.pem"))
            for arguments in [
                ["prepare", "finance", "--request-out", request, "--yes"],
                ["prepare", "finance", "--certificate", certificate, "--yes"], ["activate", "finance", "--yes"],
            ] {
                if arguments.contains(certificate) {
                    let root = ["--dir", wheel.directory.file("root"), "--domain", "finance.corp.example"]
                    _ = try await done(["root", "sign", request, "--out", certificate, "--yes"] + root + secret)
                }
                let step = try await wheel.nave(["authority"] + arguments)
                try #require(step.code == 0, "\(arguments): \(step.errors)")
            }
            let token = try await wheel.nave(["spoke", "invite", "finance/fin-1"]).output
            let enrolled = try await run(
                Checkout.program("nave-spoke"), ["enroll", "--data", wheel.directory.file("spoke")], input: token)
            #expect(enrolled.code == 0, "\(enrolled.errors)")
        }

        @Test("a root that a corporate CA signed is what everybody trusts") func corporate() async throws {
            let wheel = try Wheel()
            let directory = wheel.directory
            func tool(_ arguments: [String]) async throws {
                let finished = try await run(openssl, arguments)
                try #require(finished.code == 0, "\(finished.errors)")
            }
            try await tool([
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-days", "7300",
                "-subj", "/O=Conglomerate/CN=Conglomerate Root", "-keyout", directory.file("corporate.key"), "-out",
                directory.file("corporate.pem"),
            ])
            let root = ["root", "init", "--dir", directory.file("root")]
            _ = try await done(
                root + ["--organization", "corp.example", "--request-out", directory.file("root.csr")])
            let issue = [
                "x509", "-req", "-in", directory.file("root.csr"), "-CA", directory.file("corporate.pem"), "-CAkey",
                directory.file("corporate.key"), "-days", "1825",
            ]
            // A CA that does not copy what was asked for signs an end entity.
            try await tool(issue + ["-out", directory.file("careless.pem")])
            let refused = try await hub(root + ["--certificate", directory.file("careless.pem")])
            #expect(refused.code == 1 && refused.errors.contains("CA") && refused.errors.contains("hint:"))
            try await tool(issue + ["-copy_extensions", "copyall", "-out", directory.file("signed.pem")])
            let taken = try await done(root + ["--certificate", directory.file("signed.pem")])
            #expect(taken.output.contains("Conglomerate Root"))

            try await wheel.initializeHub(["--offline-root", directory.file("root/root.pem")])
            #expect(try await sign(wheel, more: ["--yes"]).code == 0)
            try await complete(wheel)
            try await wheel.startHub()
            try await demandWorking(wheel)
            try await demandZonesWait(wheel)
            let context = try JSON(parsing: Array(try directory.read("dana.json").utf8))
            let manifest = try #require(context["manifest"]?["payload"]?.string)
            let payload = String(decoding: try #require(Data(base64Encoded: manifest)), as: UTF8.self)
            let pem = try directory.read("signed.pem").replacingOccurrences(of: "\n", with: "\\n")
            #expect(payload.contains(pem) && !payload.contains("Conglomerate Root"))
        }

        @Test("keys of all CAs in a token (needs the packages softhsm2 and libengine-pkcs11-openssl)") func token()
            async throws
        {
            let wheel = try Wheel()
            let token = try SoftwareToken(label: "nave")
            let keys = try ["root", "organization"].enumerated().map {
                try token.makeKey($0.element, id: "A\($0.offset)")
            }
            let uri = token.uri() + token.pinSource
            let none = try await hub(
                [
                    "init", "--data", wheel.directory.file("none"), "--organization", "corp.example", "--ca-key-token",
                    token.uri() + "&pin-value=\(SoftwareToken.pin)",
                ], environment: token.environment)
            #expect(none.code == 1 && none.errors.contains("pin-source") && !none.errors.contains(SoftwareToken.pin))
            try await wheel.initializeHub(["--ca-key-token", uri], environment: token.environment)
            // Without the token there is no hub.
            let without = try await hub(["serve", "--data", wheel.directory.file("hub")])
            #expect(without.code == 1 && without.errors.contains("error:"))
            try await wheel.startHub(environment: token.environment)
            #expect(try await wheel.nave(["status"]).code == 0)

            // The key of a zone's CA is made in the token before the zone comes.
            let early = try await wheel.nave([
                "topology", "apply", wheel.directory.file("topology"), "--yes", "--why", "too early",
            ])
            #expect(early.code != 0 && early.errors.contains("pkcs11-tool"), "\(early.errors)")
            let zoneKeys = try ["finance", "analytics"].enumerated().map {
                try token.makeKey($0.element, id: "B\($0.offset)")
            }
            _ = try await wheel.hub?.terminate()
            try await wheel.startHub(environment: token.environment)
            try await demandWorking(wheel)
            try await wheel.enrolSpoke()
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")

            let files = try FileManager.default.subpathsOfDirectory(atPath: wheel.directory.file("hub"))
            let names = Set(files.filter { $0.hasPrefix("keys/") && ($0.hasSuffix(".key") || $0.hasSuffix(".uri")) })
            #expect(
                names == [
                    "keys/bundle.key", "keys/lease.key", "keys/checkpoint.key", "keys/token.uri", "keys/root.uri",
                    "keys/organization.uri", "keys/zones/finance.uri", "keys/zones/analytics.uri",
                ])
            for file in files {
                guard let bytes = FileManager.default.contents(atPath: wheel.directory.file("hub/\(file)")) else {
                    continue
                }
                for key in keys + zoneKeys {
                    #expect(bytes.range(of: Data(key.split(separator: "\n")[1].utf8)) == nil, "\(file)")
                }
                #expect(bytes.range(of: Data("=\(SoftwareToken.pin)".utf8)) == nil, "\(file)")
            }
        }

        @Test("an offline root in a token signs for a hub whose own CA's key is in a token") func offlineToken()
            async throws
        {
            let wheel = try Wheel()
            let (rootToken, hubToken) = (try SoftwareToken(label: "vault"), try SoftwareToken(label: "nave"))
            try rootToken.makeKey("the-root", id: "A1")
            try hubToken.makeKey("organization", id: "A1")
            let key = rootToken.uri("object=the-root") + rootToken.pinSource
            _ = try await done(
                [
                    "root", "init", "--dir", wheel.directory.file("root"), "--organization", "corp.example", "--key",
                    key,
                ],
                environment: rootToken.environment)
            try await wheel.initializeHub(
                [
                    "--offline-root", wheel.directory.file("root/root.pem"), "--ca-key-token",
                    hubToken.uri() + hubToken.pinSource,
                ], environment: hubToken.environment)
            let signed = try await sign(wheel, more: ["--yes"], environment: rootToken.environment)
            #expect(signed.code == 0, "\(signed.errors)")
            _ = try await done(
                [
                    "init", "--data", wheel.directory.file("hub"), "--complete",
                    wheel.directory.file("organization.pem"),
                ], environment: hubToken.environment)
            try await wheel.startHub(environment: hubToken.environment)
            try await demandWorking(wheel)
            for directory in ["root", "hub"] {
                let files = try FileManager.default.subpathsOfDirectory(atPath: wheel.directory.file(directory))
                #expect(!files.contains { $0.hasSuffix("root.key") || $0.hasSuffix("organization.key") })
            }
        }
    }
}
