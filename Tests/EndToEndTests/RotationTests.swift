import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("keys rotate while the wheel turns")
    struct RotationTests {
        @Test("bundle and lease keys rotate while a spoke runs and while it is off, and no call is refused")
        func rotation() async throws {
            let wheel = try await Wheel.turning()
            let load = Load(wheel)
            defer { load.end() }
            let (body, headers) = Wheel.modernCall("read_entry", ["account": "4711"])
            try await eventually("calls go through") { load.allowed > 0 }

            // While it runs.
            try await rotate(wheel, ["bundle", "lease"], "next-2.json")
            try await eventually("the spoke walks to version 2") {
                wheel.spoke?.standardError.contains("trust manifest in force") == true
            }
            try wheel.addRules("rotated.yaml", rule(1))
            try await wheel.apply(why: "under the new keys")
            try await wheel.converge()
            let before = load.allowed
            try await eventually("calls go on") { load.allowed > before }
            try await load.finish()
            #expect(load.refused == [], "a call was refused")
            #expect(wheel.spoke?.standardError.contains("refused") == false)

            // While it is off: two versions, and it returns.
            #expect(try await wheel.spoke?.terminate() == 0)
            try await rotate(wheel, ["lease"], "next-3.json")
            try await rotate(wheel, ["bundle", "checkpoint"], "next-4.json")
            // The first command since: it follows the manifest on its way, and judges by that one.
            let exported = try await wheel.nave(["ledger", "export", wheel.directory.file("ledger.jsonl")])
            #expect(exported.code == 0 && exported.errors.contains("version 4"), "\(exported.output)\(exported.errors)")
            // The hub restarts on the new keys, too.
            #expect(try await wheel.hub?.terminate() == 0)
            try await wheel.writeSpokeConfiguration()
            try await wheel.startSpoke()
            let offline = try await wheel.curl("/ledger/mcp", as: "bot", body: body, headers: headers)
            #expect(offline.status == 200, "what it held is in force before the hub is back: \(offline.body)")
            try await wheel.startHub()
            try wheel.addRules("rotated.yaml", rule(2))
            try await wheel.apply(why: "under the newest keys")
            try await wheel.converge()
            #expect(wheel.spoke?.standardError.contains("delivery refused") == false)
            let after = try await wheel.curl("/ledger/mcp", as: "bot", body: body, headers: headers)
            #expect(after.status == 200 && after.body.contains("1200"))

            let shown = try await wheel.nave(["trust", "show", "-o", "json"])
            let rows = try JSON(parsing: Array(shown.output.utf8)).array ?? []
            #expect(rows.compactMap { $0["version"]?.integer } == [1, 2, 3, 4])
            let verified = try await run(
                Checkout.program("nave-spoke"), ["verify", "--data", wheel.directory.file("spoke"), "-o", "json"])
            #expect(verified.code == 0 && verified.output.contains("version 4"), "\(verified.output)\(verified.errors)")
            let judged = try JSON(parsing: Array(verified.output.utf8))
            #expect(judged["isGood"] == true && judged["problems"]?.array == [], "\(verified.output)")
            let hub = try await wheel.verifyHub()
            #expect(hub.code == 0, "\(hub.output)\(hub.errors)")
            // A newcomer of now walks from version 1; the bot's context walked, or will.
            try await wheel.enrolUser("erin@corp.example", as: "erin")
            let context = try await wheel.nave(["status"], as: "erin")
            #expect(context.errors.contains("the trust manifest is now version 4"))
            let again = try await wheel.nave(["status"], as: "erin")
            #expect(!again.errors.contains("trust manifest"), "\(again.errors)")
            // So does `nave connect` when it asks the hub, and it keeps what it has seen of the ledger.
            let cache = wheel.directory.file("fresh-cache")
            for isFirst in [true, false] {
                let connected = try await run(
                    Checkout.program("nave"), ["connect", "finance/ledger"],
                    environment: ["NAVE_CONTEXT": wheel.directory.file("bot.json"), "XDG_CACHE_HOME": cache],
                    input: Wheel.hello() + "\n")
                #expect(connected.output.contains("serverInfo"), "\(connected)")
                #expect(connected.errors.contains("the trust manifest is now version 4") == isFirst, "\(connected)")
                let kept = try FileManager.default.contentsOfDirectory(atPath: "\(cache)/nave/checkpoints")
                #expect(kept.count == 1)
                try FileManager.default.removeItem(atPath: "\(cache)/nave/resolutions")
            }
        }

        /// What people do: prepare, carry to two machines, publish.
        private func rotate(_ wheel: Wheel, _ roles: [String], _ name: String) async throws {
            let file = wheel.directory.file(name)
            let prepared = try await wheel.nave(["trust", "rotate"] + roles + ["--out", file])
            try #require(prepared.code == 0, "\(prepared.errors)")
            let early = try await wheel.nave(["trust", "publish", file, "--yes"])
            #expect(early.code == 1, "an unsigned version is refused")
            let unasked = try await wheel.nave(["trust", "publish", file])
            #expect(unasked.code == 64, "somebody is asked before")
            let published = try await wheel.publishManifest(file)
            try #require(published.code == 0, "\(published.errors)")
        }

        private func rule(_ number: Int) -> String {
            """
              - id: rotated-\(number)
                allow: [tool:read_entry]
                servers: [ledger]
                to: [client:analytics/reporting-bot]
                reason: a test
            """
        }
    }
}
