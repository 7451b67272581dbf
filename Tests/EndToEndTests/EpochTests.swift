import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("a hub is restored from a backup that is too old")
    struct EpochTests {
        private let hubProgram = Checkout.program("nave-hub")

        private func hub(_ wheel: Wheel, _ arguments: [String]) async throws -> Finished {
            try await run(hubProgram, arguments)
        }

        private func isAllowed(_ wheel: Wheel) async throws -> Bool {
            let (body, headers) = Wheel.modernCall("read_entry", ["account": "4711"])
            let answer = try await wheel.curl("/ledger/mcp", as: "bot", body: body, headers: headers)
            return answer.status == 200 && answer.body.contains("1200")
        }

        private func secondSpoke(_ wheel: Wheel) throws -> ChildProcess {
            try wheel.directory.write("spoke-2.yaml", "listen: 127.0.0.1:0\nservers: {}\n")
            return try ChildProcess(
                Checkout.program("nave-spoke"),
                [
                    "run", "--data", wheel.directory.file("spoke-2"), "--config", wheel.directory.file("spoke-2.yaml"),
                    "--report-interval", "1s",
                ])
        }

        private func swap(_ wheel: Wheel, _ one: String, _ other: String) throws {
            let (one, other, aside) = (
                wheel.directory.file(one), wheel.directory.file(other), wheel.directory.file("aside")
            )
            try FileManager.default.moveItem(atPath: one, toPath: aside)
            try FileManager.default.moveItem(atPath: other, toPath: one)
            try FileManager.default.moveItem(atPath: aside, toPath: other)
        }

        @Test("nobody follows it before two of three keys have signed for another epoch; then everybody does")
        func epoch() async throws {
            let wheel = try await Wheel.turning()
            let zone = try wheel.directory.read("topology/zones/finance/zone.yaml")
            try wheel.directory.write(
                "topology/zones/finance/zone.yaml", zone.replacing("fin-1: {}", with: "fin-1: {}\n  fin-2: {}"))
            try await wheel.apply(why: "another host")
            let token = try await wheel.nave(["spoke", "invite", "finance/fin-2"]).output
            let enrolled = try await run(
                Checkout.program("nave-spoke"), ["enroll", "--data", wheel.directory.file("spoke-2")], input: token)
            try #require(enrolled.code == 0, "\(enrolled.errors)")
            let off = try secondSpoke(wheel)
            try await eventually("the other spoke has a bundle") { off.standardError.contains("bundle in force") }
            try await wheel.converge()
            #expect(try await isAllowed(wheel))
            #expect(try await off.terminate() == 0)

            let (data, backup) = (wheel.directory.file("hub"), wheel.directory.file("backup"))
            let backedUp = try await hub(wheel, ["backup", "--data", data, "--to", backup, "--with-keys"])
            try #require(backedUp.code == 0, "\(backedUp.errors)")

            // What will be lost: applied, enforced, seen by a person.
            try wheel.addRules(
                "lost.yaml",
                """
                  - id: lost
                    deny: [tool:read_entry]
                    servers: [ledger]
                    to: [client:analytics/reporting-bot]
                    reason: a test
                """)
            try await wheel.apply(why: "after the backup")
            try await eventually("the denial is enforced") { try await !isAllowed(wheel) }
            #expect(try await wheel.nave(["status"]).code == 0)
            wheel.hub?.signal(SIGKILL)
            try await wheel.hub?.wait()
            try FileManager.default.removeItem(atPath: data)

            let restored = try await hub(wheel, ["restore", "--from", backup, "--data", data])
            try #require(restored.code == 0, "\(restored.errors)")
            #expect(restored.output.contains("nave-hub epoch prepare --data \(data)"), "\(restored.output)")
            try FileManager.default.copyItem(atPath: data, toPath: wheel.directory.file("fork"))
            let refused = try await hub(wheel, ["serve", "--data", data])
            #expect(refused.code == 1 && refused.errors.contains("must not go on"), "\(refused.errors)")

            try await fork(wheel)
            #expect(try await !isAllowed(wheel), "what is enforced is what was decided last")

            try await openEpoch(wheel)
            try await wheel.startHub(["--lease-interval", "1s"])
            let back = try secondSpoke(wheel)
            for (name, spoke) in [("the one that ran", wheel.spoke), ("the one that was off", back)] {
                try await eventually("\(name) walks: \(spoke?.standardError.suffix(2000) ?? "")") {
                    spoke?.standardError.contains("corp.example/nave/2") == true
                }
            }
            try await eventually("the bundle of the new epoch is enforced") { try await isAllowed(wheel) }
            let first = try await wheel.nave(["status"])
            #expect(first.code == 0 && first.errors.contains("THE HUB WENT BACK"), "\(first.errors)")
            let second = try await wheel.nave(["status"])
            #expect(second.code == 0 && !second.errors.contains("BACK") && !second.errors.contains("warning"))
            try await wheel.apply(why: "again, from the files")
            try await wheel.converge()
            #expect(try await !isAllowed(wheel), "the denial is back, by the files")
            // Another walk from version 1: who enrols now.
            try await wheel.enrolUser("kim@corp.example", as: "kim")

            try await audited(wheel)
            try await oldEpochIsRefused(wheel, back)
        }

        /// A copy without the note of `restore`: a hub that goes on in the old epoch, and outgrows what was seen.
        private func fork(_ wheel: Wheel) async throws {
            try swap(wheel, "hub", "fork")
            try FileManager.default.removeItem(atPath: wheel.directory.file("hub/epoch.json"))
            try await wheel.startHub(["--lease-interval", "1s"])
            let alarmed = try await wheel.nave(["status"])
            #expect(alarmed.code == 1 && alarmed.errors.contains("ALARM"), "\(alarmed.errors)")
            for _ in 0..<10 {
                let more = try await run(
                    Checkout.program("nave"), ["client", "invite", "finance/housekeeping"],
                    environment: [
                        "NAVE_CONTEXT": wheel.directory.file("dana.json"),
                        "XDG_CACHE_HOME": wheel.directory.file("fork-cache"),
                    ])
                try #require(more.code == 0, "\(more.errors)")
            }
            try await eventually("the spoke refuses the fork") {
                wheel.spoke?.standardError.contains("delivery refused") == true
            }
            #expect(try await wheel.hub?.terminate() == 0)
            try swap(wheel, "hub", "fork")
        }

        private func openEpoch(_ wheel: Wheel) async throws {
            let (data, file) = (wheel.directory.file("hub"), wheel.directory.file("next.json"))
            let prepared = try await hub(wheel, ["epoch", "prepare", "--data", data, "--out", file])
            try #require(prepared.code == 0, "\(prepared.errors)")
            #expect(prepared.output.contains("corp.example/nave/2"))
            let open = ["epoch", "open", "--data", data, "--manifest", file, "--why", "the disk of h1 was lost"]
            for (number, key) in ["manifest-1.key", "manifest-2.key"].enumerated() {
                let early = try await hub(wheel, open)
                #expect(early.code == 1, "\(number) signatures are enough: \(early.output)")
                // No hub serves: signing needs none.
                let signed = try await run(
                    Checkout.program("nave"),
                    ["trust", "sign", file, "--key", wheel.directory.file("hub.manifest-keys/\(key)")])
                try #require(signed.code == 0, "\(signed.errors)")
                #expect(signed.errors.contains("goes on from"), "\(signed.errors)")
            }
            let opened = try await hub(wheel, open)
            try #require(opened.code == 0, "\(opened.errors)")
        }

        private func audited(_ wheel: Wheel) async throws {
            let verified = try await hub(wheel, ["verify", "--data", wheel.directory.file("hub")])
            #expect(verified.code == 0, "\(verified.output)\(verified.errors)")
            let file = wheel.directory.file("ledger.txt")
            let exported = try await wheel.nave(["ledger", "export", file])
            try #require(exported.code == 0, "\(exported.errors)")
            func offline(_ manifest: String) async throws -> Finished {
                try await run(
                    Checkout.program("nave"),
                    ["ledger", "verify", file, "--manifest", wheel.directory.file(manifest)])
            }
            let clean = try await offline("hub/manifest.json")
            #expect(clean.code == 0, "\(clean.output)\(clean.errors)")
            let old = try await offline("fork/manifest.json")
            #expect(old.code == 2, "the manifest of the old epoch knows nothing of this one: \(old.output)")
            let listed = try await wheel.nave(["ledger", "list", "--type", "epoch.opened", "-o", "json"])
            let rows = try JSON(parsing: Array(listed.output.utf8)).array ?? []
            #expect(rows.count == 1 && rows.first?["why"]?.string == "the disk of h1 was lost")
        }

        /// The fork again: its keys and its origin are nobody's any more.
        private func oldEpochIsRefused(_ wheel: Wheel, _ other: ChildProcess) async throws {
            #expect(try await wheel.hub?.terminate() == 0)
            try swap(wheel, "hub", "fork")
            try await wheel.startHub(["--lease-interval", "1s"])
            for spoke in [wheel.spoke, other] {
                try await eventually("the old epoch's delivery is refused: \(spoke?.standardError.suffix(2000) ?? "")")
                {
                    spoke?.standardError.contains("\"code\":\"below-threshold\"") == true
                }
            }
            #expect(try await !isAllowed(wheel))
            let status = try await wheel.nave(["status"])
            #expect(status.code == 1 && status.errors.contains("corp.example/nave/1"), "\(status.errors)")
            // A restart forgets nothing of it.
            #expect(try await other.terminate() == 0)
            let again = try secondSpoke(wheel)
            try await eventually("also after a restart") {
                again.standardError.contains("\"code\":\"below-threshold\"")
            }
            #expect(!again.standardError.contains("stored delivery is refused"))
            #expect(try await again.terminate() == 0)
        }
    }
}
