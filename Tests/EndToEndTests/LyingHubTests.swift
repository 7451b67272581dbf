import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("a hub that lies")
    struct LyingHubTests {
        private func cached(_ wheel: Wheel) -> [String: String] { ["XDG_CACHE_HOME": wheel.directory.file("cache")] }

        private func nave(_ wheel: Wheel, _ arguments: [String]) async throws -> Finished {
            try await run(
                Checkout.program("nave"), arguments + ["--context", wheel.directory.file("dana.json")],
                environment: cached(wheel))
        }

        /// `nave connect` as the bot; the hub is asked, since no spoke is there that could have been resolved.
        private func connected(_ wheel: Wheel) async throws -> Finished {
            try await run(
                Checkout.program("nave"), ["connect", "finance/ledger"],
                environment: [
                    "NAVE_CONTEXT": wheel.directory.file("bot.json"),
                    "XDG_CACHE_HOME": wheel.directory.file("bot-cache"),
                ], input: Wheel.hello() + "\n")
        }

        @Test("shortened, then forked: a person's next command says so and ends with 1, and the hub keeps the evidence")
        func shortenedAndForked() async throws {
            let wheel = try await Wheel.withHub()
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
            let (hub, old) = (wheel.directory.file("hub"), wheel.directory.file("old"))
            #expect(try await wheel.hub?.terminate() == 0)
            try FileManager.default.copyItem(atPath: hub, toPath: old)
            try await wheel.startHub()
            let token = try await nave(wheel, ["client", "invite", "analytics/reporting-bot"])
            try #require(token.code == 0, "\(token.errors)")
            // `nave connect` keeps what it has seen, too: in a cache of its own here.
            let seen = try await connected(wheel)
            #expect(!seen.errors.contains("ALARM"), "\(seen)")
            let fine = try await nave(wheel, ["status"])
            try #require(fine.code == 0, "\(fine.errors)")

            // The auditor's way: export, and check offline with the manifest alone.
            let file = wheel.directory.file("ledger.txt")
            let exported = try await nave(wheel, ["ledger", "export", file])
            try #require(exported.code == 0, "\(exported.errors)")
            let offline = ["ledger", "verify", file, "--manifest", "\(hub)/manifest.json"]
            let verified = try await run(Checkout.program("nave"), offline)
            #expect(verified.code == 0, "\(verified.output)\(verified.errors)")
            let listed = try await nave(wheel, ["ledger", "list", "--type", "bundles.published", "-o", "json"])
            #expect(try JSON(parsing: Array(listed.output.utf8)).array?.count == 1)
            let text = try wheel.directory.read("ledger.txt")
            try wheel.directory.write(
                "ledger.txt", text.replacing("\"type\":\"bundles.published\"", with: "\"type\":\"bundles.publishex\""))
            let tampered = try await run(Checkout.program("nave"), offline)
            #expect(tampered.code == 2, "\(tampered.output)\(tampered.errors)")
            #expect(tampered.output.contains("entry"))

            #expect(try await wheel.hub?.terminate() == 0)
            try FileManager.default.removeItem(atPath: hub)
            try FileManager.default.copyItem(atPath: old, toPath: hub)
            try await wheel.startHub()
            let shortened = try await nave(wheel, ["status"])
            #expect(shortened.code == 1)
            #expect(shortened.errors.contains("ALARM"), "\(shortened.errors)")
            let unseen = try await connected(wheel)
            #expect(unseen.output.contains("\"error\"") && unseen.errors.contains("ALARM"), "\(unseen)")
            // It goes on under the other history until its ledger is longer than the one that was seen.
            for number in 0..<6 {
                let more = try await wheel.nave(["client", "invite", "finance/housekeeping"])
                try #require(more.code == 0, "\(number): \(more.errors)")
            }
            let forked = try await nave(wheel, ["status"])
            #expect(forked.code == 1)
            #expect(forked.errors.contains("ALARM"), "\(forked.errors)")
            // One note of one person and one of one client, so two rows of evidence. Who has seen nothing yet sees the alarm
            // that the hub itself raised, with both notes.
            let status = try await run(
                Checkout.program("nave"), ["status", "-o", "json", "--context", wheel.directory.file("dana.json")],
                environment: ["XDG_CACHE_HOME": wheel.directory.file("another")])
            let found = try JSON(parsing: Array(status.output.utf8))["contradictions"]?.array ?? []
            let codes: [String] = found.compactMap { $0["code"]?.string }
            #expect(codes == ["checkpoint-older", "checkpoint-older"], "\(status.output)\(status.errors)")
            let log = wheel.hub?.standardError ?? ""
            #expect(log.contains("alarm:"))
        }
    }
}
