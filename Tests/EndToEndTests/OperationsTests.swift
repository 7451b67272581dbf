import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("Docs/Operations.md")
    struct OperationsTests {
        @Test("its commands do what it says, in its order")
        func page() async throws {
            let wheel = try await Wheel.withHub()
            try await wheel.enrolUser("erin@corp.example", as: "erin")
            try await wheel.enrolUser("frank@corp.example", as: "frank")
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
            // The name also in a reason, which only a commitment of stands in the ledger.
            _ = try await wheel.nave([
                "client", "invite", "finance/housekeeping", "--why", "asked for by Erin@corp.example",
            ])
            #expect(try grep("erin@corp.example", wheel.directory.file("hub")) != [])
            #expect(try await wheel.hub?.terminate() == 0)

            let blocks = try Checkout.text("Docs/Operations.md").components(separatedBy: "```sh\n").dropFirst().map {
                $0.components(separatedBy: "\n```")[0]
            }
            #expect(blocks.count >= 12)
            let programs = Checkout.program("nave").deletingLastPathComponent().path
            let script = """
                set -euo pipefail
                cd '\(wheel.directory.path)'
                trap 'kill "$(cat hub.pid)" 2> /dev/null || true' EXIT
                \(blocks.joined(separator: "\necho ---\n"))
                """
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let played = try await run(
                URL(fileURLWithPath: "/bin/bash"), ["-c", script], environment: ["PATH": "\(programs):\(path)"])
            let log = (try? wheel.directory.read("hub.log")) ?? ""
            try #require(played.code == 0, "\(played.output)\n\(played.errors)\n\(log.suffix(2000))")
            let said = played.output.components(separatedBy: "---\n")
            try #require(said.count == blocks.count)

            #expect(said[1].contains("without keys"))
            #expect(said[2].contains("with keys"))
            #expect(said[3].contains("it ends where the lost one ended"))
            #expect(said[4].contains("nave-hub epoch open"))
            #expect(said[6].contains("goes on as corp.example/nave/2"))
            #expect(said[7].contains("alarm") && said[7].contains("recover-admin"))
            #expect(log.contains("alarm: an owner was made by recover-admin"))
            #expect(!said[8].contains("alarm"), "the alarm ends with the identity")
            #expect(said[9].contains("erased by ledger entry"))
            #expect(said[11].contains("revoked"))
            #expect(said[12].contains("frank@corp.example") && said[12].contains("(erased)"))
            #expect(!said[12].contains("erin@corp.example"))
            let attributes = try FileManager.default.attributesOfItem(atPath: wheel.directory.file("frank.token"))
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let stopped = try #require(said.first { $0.contains("hub-2.pending") })
            #expect(stopped.contains("nave-hub root sign"))
            #expect(said.contains { $0.contains("certificates signed: 1") })
            #expect(said.contains { $0.contains("hub of corp.example made in hub-2") })
            #expect(!FileManager.default.fileExists(atPath: wheel.directory.file("hub-2.pending")))
            #expect(!FileManager.default.fileExists(atPath: wheel.directory.file("hub-2/keys/root.key")))

            // Nothing of the person is left, neither in files nor in what the hub gives out.
            #expect(try grep("erin@corp.example", wheel.directory.file("hub")) == [])
            #expect(try grep("erin@corp.example", wheel.directory.file("backup-2")) == [])
            #expect(FileManager.default.fileExists(atPath: wheel.directory.file("backup-2/keys/root.key")))
            try await wheel.startHub()
            for question in [
                ["topology", "export", wheel.directory.file("exported")], ["decision", "list", "-o", "json"],
                ["client", "list", "-o", "json"],
                ["user", "list", "-o", "json"],
            ] {
                let answer = try await wheel.nave(question, as: "dana-2")
                #expect(answer.code == 0, "\(answer.errors)")
                #expect(!answer.output.lowercased().contains("erin@corp.example"))
            }
            #expect(try grep("erin@corp.example", wheel.directory.file("exported")) == [])
            // Who was forgotten is nobody here any more.
            #expect(try await wheel.nave(["zone", "list"], as: "erin").code != 0)
            // Whose laptop was lost comes back with the token that was made for them.
            #expect(try await wheel.nave(["zone", "list"], as: "frank").code != 0)
        }

        /// Files below a directory that hold the text in whatever case.
        private func grep(_ text: String, _ directory: String) throws -> [String] {
            try FileManager.default.subpathsOfDirectory(atPath: directory).filter { name in
                var isDirectory: ObjCBool = false
                guard FileManager.default.fileExists(atPath: "\(directory)/\(name)", isDirectory: &isDirectory),
                    !isDirectory.boolValue
                else { return false }
                let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
                return String(decoding: bytes, as: UTF8.self).lowercased().contains(text)
            }
        }
    }
}
