import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("bad input end to end")
    struct BadInputTests {
        @Test("five mistakes in the files show five, each with its place, and nothing is applied")
        func fiveMistakes() async throws {
            let directory = try TemporaryDirectory()
            try FileManager.default.copyItem(
                atPath: Checkout.root.appending(path: "Topology/example").path, toPath: directory.file("topology"))
            try directory.write(
                "topology/zones/finance/mistakes.yaml",
                """
                in: finance
                rules:
                  - id: one
                    alow: [tool:x]
                    to: [anyone]
                  - id: two
                    allow: [tol:x]
                    to: [client:analytics/reporting-bott]
                  - id: reports-read
                    allow: [tool:x]
                    servers: [ledgr]
                    to: [anyone]
                """)
            let checked = try await run(Checkout.program("nave"), ["topology", "check", directory.file("topology")])
            #expect(checked.code == 7 || checked.code == 1, "\(checked)")
            let lines = (checked.output + checked.errors).split(separator: "\n").filter {
                $0.contains("zones/finance/mistakes.yaml:")
            }
            for place in [
                "mistakes.yaml:4:5", "mistakes.yaml:7:13", "mistakes.yaml:8:", "mistakes.yaml:9:", "mistakes.yaml:11:",
            ] {
                #expect(lines.contains { $0.contains(place) }, "\(place) in \(lines)")
            }
        }

        @Test("a join token: once, by one key, as it was made")
        func joinToken() async throws {
            let wheel = try await Wheel.withHub()
            let token = try await wheel.nave(["spoke", "invite", "finance/fin-1"]).output
            let spoke = Checkout.program("nave-spoke")
            let first = try await run(spoke, ["enroll", "--data", wheel.directory.file("one")], input: token)
            #expect(first.code == 0, "\(first.errors)")
            let second = try await run(spoke, ["enroll", "--data", wheel.directory.file("two")], input: token)
            #expect(second.code != 0 && second.errors.contains("token"), "\(second)")
            #expect(!FileManager.default.fileExists(atPath: wheel.directory.file("two/chain.pem")))

            // The token says finance; somebody turns it into analytics.
            let fresh = try await wheel.nave(["spoke", "invite", "finance/fin-1"]).output.trimmingCharacters(
                in: .whitespacesAndNewlines)
            let forged = try Self.edited(fresh) { $0["zone"] = "analytics" }
            let wrongZone = try await run(spoke, ["enroll", "--data", wheel.directory.file("three")], input: forged)
            #expect(wrongZone.code != 0 && !wrongZone.errors.isEmpty, "\(wrongZone)")
            // And somebody points it at a hub with another root: refused before the secret is sent.
            let otherRoot = try Self.edited(fresh) {
                $0["root"] = .string("sha256:" + String(repeating: "0", count: 64))
            }
            let pinned = try await run(spoke, ["enroll", "--data", wheel.directory.file("four")], input: otherRoot)
            #expect(pinned.code != 0 && !pinned.errors.isEmpty, "\(pinned)")
            let good = try await run(spoke, ["enroll", "--data", wheel.directory.file("five")], input: fresh)
            #expect(good.code == 0, "the secret was not spent by the forgeries: \(good.errors)")
            for garbage in ["", "nave-join:", "nave-join:AAAA", "hello", String(repeating: "x", count: 100_000)] {
                let refused = try await run(spoke, ["enroll", "--data", wheel.directory.file("six")], input: garbage)
                #expect(refused.code != 0 && refused.errors.contains("error"), "\(garbage.prefix(20)): \(refused)")
            }
        }

        private static func edited(_ token: String, _ change: (inout JSONObject) -> Void) throws -> String {
            let prefix = "nave-join:"
            var text = token.dropFirst(prefix.count).replacingOccurrences(of: "-", with: "+").replacingOccurrences(
                of: "_", with: "/")
            text += String(repeating: "=", count: (4 - text.count % 4) % 4)
            let decoded = try #require(Data(base64Encoded: text))
            var object = try #require(try JSON(parsing: Array(decoded)).object)
            change(&object)
            let encoded = Data(JSON.object(object).canonicalBytes).base64EncodedString()
            return prefix
                + encoded.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                .replacingOccurrences(of: "=", with: "")
        }

        @Test("a full disk gives one clear error, exit 1, and nothing half-written")
        func fullDisk() async throws {
            let directory = try TemporaryDirectory()
            let target = directory.file("hub")
            // Files may not grow over 16 KiB: SQLite's first page group does not fit. The signal is ignored, so writes fail.
            let made = try await run(
                URL(fileURLWithPath: "/bin/bash"),
                [
                    "-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "bash", Checkout.program("nave-hub").path, "init",
                    "--data", target,
                    "--organization", "corp.example", "--listen", "127.0.0.1:\(try freePort())",
                ])
            #expect(made.code == 1, "\(made)")
            #expect(made.errors.contains("error:"), "\(made)")
            #expect(!FileManager.default.fileExists(atPath: target))
            let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            #expect(left.isEmpty, "\(left)")
        }

        @Test("a read-only directory gives one clear error, exit 1, and nothing half-written")
        func readOnly() async throws {
            let directory = try TemporaryDirectory()
            let readable = directory.file("locked")
            try FileManager.default.createDirectory(atPath: readable, withIntermediateDirectories: false)
            let program = directory.file("nave-hub")
            // Copied by a child: a descriptor of ours, open for writing, could leak into another child and keep the text busy.
            let copied = try await run(
                URL(fileURLWithPath: "/bin/cp"), [Checkout.program("nave-hub").path, program])
            try #require(copied.code == 0, "\(copied)")
            for path in [directory.path, readable] {
                try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: path)
            }
            defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path) }
            let arguments = [
                program, "init", "--data", "\(readable)/hub", "--organization", "corp.example", "--listen",
                "127.0.0.1:\(try freePort())",
            ]
            // Root may write anywhere, so the child is another user then.
            let made =
                getuid() == 0
                ? try await run(
                    URL(fileURLWithPath: "/usr/bin/setpriv"),
                    ["--reuid=65534", "--regid=65534", "--clear-groups"] + arguments,
                    environment: ["HOME": readable])
                : try await run(URL(fileURLWithPath: program), Array(arguments.dropFirst()))
            #expect(made.code == 1, "\(made)")
            #expect(made.errors.contains("error:") && made.errors.split(separator: "\n").count <= 3, "\(made)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: readable).isEmpty)
        }

        @Test("a hub that meets a newer database file says so")
        func newerDatabase() async throws {
            let wheel = try await Wheel.withHub()
            try await wheel.hub?.terminate()
            let raised = try await run(
                URL(fileURLWithPath: "/usr/bin/env"),
                [
                    "python3", "-c",
                    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version = 9999'); c.commit()",
                    wheel.directory.file("hub/hub.sqlite"),
                ])
            try #require(raised.code == 0, "\(raised.errors)")
            let served = try await run(
                Checkout.program("nave-hub"), ["serve", "--data", wheel.directory.file("hub")], seconds: 20)
            #expect(served.code == 1 && served.errors.contains("newer"), "\(served)")
        }
    }
}
