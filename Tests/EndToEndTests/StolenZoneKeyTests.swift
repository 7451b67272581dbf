import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// The key of the intermediate of `analytics`, in the hands of whoever has `openssl`.
    @Suite("a stolen zone key")
    struct StolenZoneKeyTests {
        private struct Minted: Sendable {
            var name: String
            var names: String?
            var subject = "/CN=x"
            /// Whether a verifier that knows nothing of our rules takes it: it names nobody.
            var isHarmless = false
        }

        private static let own = "URI:spiffe://analytics.corp.example/client/reporting-bot"
        private static let attacks = [
            Minted(name: "zone", names: "URI:spiffe://finance.corp.example/client/housekeeping"),
            Minted(name: "person", names: "URI:spiffe://corp.example/user/dana"),
            Minted(name: "hub", names: "URI:spiffe://corp.example/hub/h1"),
            Minted(name: "dns", names: "\(own), DNS:fin-1.finance.corp.example"),
            Minted(name: "address", names: "\(own), IP:127.0.0.1"),
            Minted(name: "mail", names: "\(own), email:dana@corp.example"),
            Minted(name: "host", names: nil, subject: "/CN=h1.hub.corp.example"),
            Minted(name: "nobody", names: nil, isHarmless: true),
        ]

        @Test("mints nothing outside its zone: not for openssl, not for a web server, not for a spoke")
        func outside() async throws {
            let wheel = try await Wheel.turning()
            let (body, headers) = Wheel.modernCall("read_entry", ["account": "4711"])
            func called(_ name: String) async throws -> CurlAnswer {
                try await wheel.curl("/ledger/mcp", as: name, body: body, headers: headers)
            }
            let authority = wheel.directory.file("hub/keys/zones/analytics")
            try await mint(wheel, Minted(name: "inside", names: Self.own), by: authority)
            #expect(try await verified(wheel, "inside"))
            let inside = try await called("inside")
            #expect(inside.status == 200, "inside it, anything goes: \(inside.errors)")

            for attack in Self.attacks {
                try await mint(wheel, attack, by: authority)
                #expect(try await verified(wheel, attack.name) == attack.isHarmless, "\(attack.name)")
                let answer = try await called(attack.name)
                #expect(answer.exit != 0 && answer.status == 0, "\(attack.name): \(answer.body)")
            }
            // A CA below it, which the path's length forbids, with a leaf that names the zone's own client.
            try await mint(
                wheel, Minted(name: "below", names: nil), by: authority,
                extensions: "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign")
            try await mint(wheel, Minted(name: "leaf", names: Self.own), by: wheel.directory.file("below"))
            #expect(try await !verified(wheel, "leaf"))
            let leaf = try await called("leaf")
            #expect(leaf.exit != 0 && leaf.status == 0, "\(leaf.body)")
            try await demandWebServerAgrees(wheel)
        }

        /// Key, certificate and context: leaf, then what is above it up to the root.
        private func mint(
            _ wheel: Wheel, _ minted: Minted, by authority: String,
            extensions: String = """
            basicConstraints = critical, CA:FALSE
            keyUsage = critical, digitalSignature
            extendedKeyUsage = clientAuth, serverAuth
            """
        ) async throws {
            let directory = wheel.directory
            let file = directory.file(minted.name)
            try directory.write(
                "\(minted.name).ext",
                "\(extensions)\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
                    + (minted.names.map { "subjectAltName = \($0)\n" } ?? ""))
            try await openssl([
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                minted.subject, "-keyout", "\(file).key", "-out", "\(file).csr",
            ])
            try await openssl([
                "x509", "-req", "-in", "\(file).csr", "-CA", "\(authority).pem", "-CAkey", "\(authority).key",
                "-days", "3", "-extfile", "\(file).ext", "-out", "\(file).leaf",
            ])
            let chain =
                try directory.read("\(minted.name).leaf")
                + String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(authority).pem")), as: UTF8.self)
            try directory.write("\(minted.name).pem", chain)
            let context: JSON = ["key": .string(try directory.read("\(minted.name).key")), "chain": .string(chain)]
            try directory.write("\(minted.name).json", String(decoding: context.bytes, as: UTF8.self))
        }

        private func openssl(_ arguments: [String]) async throws {
            let done = try await run(URL(fileURLWithPath: "/usr/bin/openssl"), arguments)
            try #require(done.code == 0, "\(done.errors)")
        }

        private func verified(_ wheel: Wheel, _ name: String) async throws -> Bool {
            let chain = wheel.directory.file("\(name).pem")
            let judged = try await run(
                URL(fileURLWithPath: "/usr/bin/openssl"),
                [
                    "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile",
                    wheel.directory.file("hub/keys/root.pem"), "-untrusted", chain,
                    wheel.directory.file("\(name).leaf"),
                ])
            return judged.code == 0
        }

        /// nginx with our root and nothing of our rules, where it is installed.
        private func demandWebServerAgrees(_ wheel: Wheel) async throws {
            let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin"]
            let program = path.map { "\($0)/nginx" }.first(where: FileManager.default.isExecutableFile(atPath:))
            guard let program else { return }
            let port = try freePort()
            let directory = wheel.directory
            let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \($0);" }
            try directory.write(
                "nginx.conf",
                """
                daemon off; master_process off; pid nginx.pid; error_log stderr;
                events {}
                http {
                    access_log off; \(folders.joined(separator: " "))
                    server {
                        listen 127.0.0.1:\(port) ssl; ssl_certificate inside.pem; ssl_certificate_key inside.key;
                        ssl_client_certificate hub/keys/root.pem; ssl_verify_client on; ssl_verify_depth 3; return 204;
                    }
                }
                """)
            let server = try ChildProcess(
                URL(fileURLWithPath: program), ["-p", directory.path, "-c", "nginx.conf", "-e", "stderr"])
            @Sendable func status(_ name: String) async throws -> String {
                try await run(
                    URL(fileURLWithPath: "/usr/bin/curl"),
                    [
                        "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--cert", directory.file("\(name).pem"),
                        "--key",
                        directory.file("\(name).key"), "https://127.0.0.1:\(port)/",
                    ]
                ).output
            }
            try await eventually("nginx serves: \(server.standardError)") { try await status("inside") == "204" }
            for attack in Self.attacks {
                let answer = try await status(attack.name)
                #expect(answer == (attack.isHarmless ? "204" : "400"), "\(attack.name)")
            }
            #expect(try await status("leaf") == "400")
            _ = try await server.terminate()
        }
    }
}
