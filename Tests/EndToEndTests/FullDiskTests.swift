import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("a full disk")
    struct FullDiskTests {
        @Test("changes are refused with 507, reads and streams go on, and it recovers by itself")
        func full() async throws {
            let wheel = try await Wheel.withHub()
            try await wheel.hub?.terminate()
            try await wheel.startHub(["--lease-interval", "1s"])
            let hub = try #require(wheel.hub)
            try await wheel.enrolSpoke()
            try wheel.directory.write(
                "spoke.yaml",
                "listen: 127.0.0.1:0\nservers:\n  ledger: { url: \"http://127.0.0.1:\(try freePort())/mcp\" }\n")
            try await wheel.startSpoke()
            try await wheel.converge()
            let size = try await entries(wheel)

            // No file of the hub may grow, as on a disk without room: the kernel refuses its writes.
            try await limitFiles(of: hub, to: "4096")
            let refused = try await invite(wheel)
            #expect(refused.status == 507, "\(refused)")
            #expect(try JSON(parsing: Array(refused.body.utf8))["code"]?.string == "disk-full")
            #expect(refused.headers["content-type"] == "application/problem+json")
            #expect(try await wheel.nave(["user", "invite", "kim@corp.example"]).code == 1)

            #expect(hub.isRunning)
            #expect(try await wheel.nave(["zone", "list"]).code == 0)
            #expect(try await entries(wheel) == size, "nothing of what was refused was done")
            // Leases come over the stream: the delivery that the spoke keeps is written anew every second.
            let kept = try deliveries(wheel)
            try await eventually("a lease arrives while the disk is full") { try deliveries(wheel) != kept }
            let rollout = try await wheel.nave(["rollout", "status", "-o", "json"])
            let row = try JSON(parsing: Array(rollout.output.utf8))["rows"]?.array?.first
            #expect(row?["connected"]?.bool == true)
            #expect(try await invite(wheel).status == 507, "it stays so while there is no room")

            // There is room again; nobody restarts anything.
            try await limitFiles(of: hub, to: "unlimited")
            #expect(try await invite(wheel).status == 200)
            #expect(hub.isRunning)
            #expect(try await entries(wheel) == size + 1)
            let verified = try await wheel.verifyHub()
            #expect(verified.code == 0, "\(verified.output)")
            #expect(try await hub.terminate() == 0)
        }

        /// Sets the soft limit RLIMIT_FSIZE of a running process (prlimit(1) of util-linux).
        private func limitFiles(of child: ChildProcess, to limit: String) async throws {
            let set = try await run(
                URL(fileURLWithPath: "/usr/bin/prlimit"), ["--pid", "\(child.pid)", "--fsize=\(limit):unlimited"])
            try #require(set.code == 0, "\(set.errors)")
        }

        private func entries(_ wheel: Wheel) async throws -> Int64 {
            let status = try await wheel.nave(["status", "-o", "json"])
            return try #require(try JSON(parsing: Array(status.output.utf8))["ledgerSize"]?.integer)
        }

        private func deliveries(_ wheel: Wheel) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: wheel.directory.file("spoke/delivery.json")))
        }

        private func invite(_ wheel: Wheel) async throws -> CurlAnswer {
            let (chain, key) = try wheel.credential(of: "dana")
            return CurlAnswer(
                try await run(
                    URL(fileURLWithPath: "/usr/bin/curl"),
                    [
                        "-sS", "-i", "--http1.1", "-k", "--max-time", "40", "--cert", chain, "--key", key, "-H",
                        "Content-Type: application/json", "--data-binary",
                        #"{"kind":"user","address":"kim@corp.example"}"#,
                        "https://127.0.0.1:\(wheel.hubPort)/v1/invitations",
                    ]))
        }
    }
}
