import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite("README.md")
    struct ReadmeTests {
        @Test("the first five minutes by hand go as they are written")
        func firstMinutes() async throws {
            let section = try Checkout.text("README.md").components(separatedBy: "## The first five minutes by hand")[1]
            var block = section.components(separatedBy: "```\n")[1]
            let build = "swift build && export PATH=$PWD/.build/debug:$PATH\n"
            #expect(block.hasPrefix(build))
            block.removeFirst(build.count)
            // Its own places instead of those that a reader has free.
            for port in ["127.0.0.1:8443", "127.0.0.1:9443", "127.0.0.1:8000"] {
                #expect(block.contains(port))
                block.replace(port, with: "127.0.0.1:\(try freePort())")
            }
            let ledger = try #require(block.firstMatch(of: /127\.0\.0\.1:(\d+)\/mcp/)?.output.1)
            block.replace("ledger_server.py 8000", with: "ledger_server.py \(ledger)")
            block.replace("--listen", with: "--front 127.0.0.1:\(try freePort()) --listen")

            let directory = try TemporaryDirectory()
            for name in ["Deploy", "Topology", ".build"] {
                try FileManager.default.createSymbolicLink(
                    atPath: directory.file(name), withDestinationPath: Checkout.root.appending(path: name).path)
            }
            let script = """
                set -euo pipefail
                cd '\(directory.path)'
                trap 'jobs -p | xargs -r kill 2> /dev/null' EXIT
                \(block)
                """
            let programs = Checkout.program("nave").deletingLastPathComponent().path
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let played = try await run(
                URL(fileURLWithPath: "/bin/bash"), ["-c", script], environment: ["PATH": "\(programs):\(path)"])
            try #require(played.code == 0, "\(played.output)\n\(played.errors)")
            for words in [
                "4711: 1200", "Unknown tool: write_entry", "denied", "client:analytics/reporting-bot", "you are",
            ] {
                #expect(played.output.contains(words), "\(words): \(played.output)\n\(played.errors)")
            }
        }
    }
}
