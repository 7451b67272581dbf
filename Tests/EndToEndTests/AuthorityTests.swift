import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("authorities follow each other while the wheel turns")
    struct AuthorityTests {
        private let openssl = URL(fileURLWithPath: "/usr/bin/openssl")

        @Test("a zone's authority, then the root, in four steps each: no call is refused, and what retired is")
        func rotation() async throws {
            let wheel = try await Wheel.turning()
            try await raiseRates(wheel)
            let spoke = try #require(wheel.spoke)
            let load = Load(wheel)
            defer { load.end() }
            try await eventually("calls go through") { load.allowed > 0 }
            let stolen = try await contents(wheel, of: "bot")
            let kept = try Prober(wheel, server: "ledger")
            defer { kept.stop() }
            try await eventually("the prober resumed and kept") {
                kept.lines.contains("resumed true 200") && kept.lines.contains("kept 200")
            }
            let first = try #require(try await authority(wheel, "analytics", "active"))

            // The callers' zone.
            try await step(wheel, "prepare", "analytics")
            #expect(try await wheel.nave(["authority", "taint", "analytics", "--yes"]).errors.contains("activate"))
            try await step(wheel, "activate", "analytics")
            try await step(wheel, "taint", "analytics")
            let early = try await wheel.nave(["authority", "retire", "analytics", "--yes"])
            #expect(early.code == 4 && early.errors.contains("client/reporting-bot"), "\(early)")
            // A client's next command renews; what this one asks is for people only.
            _ = try await wheel.nave(["status"], as: "bot")
            #expect(try await contents(wheel, of: "bot") != stolen)
            #expect(!kept.lines.contains { $0.hasPrefix("kept ended") || $0.hasPrefix("resumed refused") })
            try await step(wheel, "retire", "analytics", "--wait", "30s")
            // The very same certificate over a connection that was open, and over a session that began before.
            try await eventually("open and resumed connections end: \(kept.lines.suffix(5))") {
                kept.lines.contains { $0.hasPrefix("kept ended") }
                    && kept.lines.contains { $0.hasPrefix("resumed refused") }
            }
            // The spoke's own zone: it is told on its stream.
            try await step(wheel, "prepare", "finance")
            try await step(wheel, "activate", "finance")
            try await step(wheel, "taint", "finance")
            try await eventually("the spoke renewed: \(spoke.standardError.suffix(1000))") {
                try await authority(wheel, "finance", "tainted")?["leaves"]?.integer == 0
            }
            try await step(wheel, "retire", "finance", "--wait", "30s")
            try await refused(wheel, stolen, "revoked")
            // One that is left over is not believed by the hub either.
            try wheel.directory.write("thief.json", stolen)
            let thief = try await wheel.nave(["trust", "show"], as: "thief")
            #expect(thief.code == 1 && !thief.errors.contains("forbidden"), "\(thief.errors)")
            #expect(try await authority(wheel, "analytics", "retired")?["serial"] == first["serial"])

            // The organization's own: the hub shows a new certificate, the owner renews.
            for name in ["prepare", "activate", "taint"] { try await step(wheel, name, "organization") }
            try await step(wheel, "retire", "organization", "--wait", "30s")

            // The root.
            let old = try wheel.directory.read("hub/keys/root.pem")
            try wheel.directory.write("old-root.pem", old)
            let under = try await contents(wheel, of: "bot")
            let token = try await wheel.nave(["client", "invite", "finance/housekeeping"]).output
            try await published(wheel, "prepare", "next-2.json")
            try await eventually("the spoke walks to both roots") {
                spoke.standardError.components(separatedBy: "trust manifest in force").count == 2
            }
            try await step(wheel, "activate", "root")
            let enrolled = try await run(
                Checkout.program("nave"),
                ["client", "enroll", "--context-file", wheel.directory.file("housekeeping.json")], input: token)
            #expect(enrolled.code == 0, "a token of before pins the old root: \(enrolled.errors)")
            try await wheel.enrolUser("erin@corp.example", as: "erin")
            try await step(wheel, "taint", "root")
            for name in ["bot", "housekeeping", "erin"] { _ = try await wheel.nave(["status"], as: name) }
            try await eventually("nobody hangs on the old root: \(spoke.standardError.suffix(1000))") {
                try await authority(wheel, "root", "tainted")?["leaves"]?.integer == 0
            }
            try await published(wheel, "retire", "next-3.json")
            try await eventually("the spoke walks to the new root alone") {
                spoke.standardError.components(separatedBy: "trust manifest in force").count == 3
            }
            try await wheel.converge()
            try await refused(wheel, under, "")
            let before = load.allowed
            try await eventually("calls go on") { load.allowed > before + 3 }
            try await load.finish()
            #expect(load.refused == [], "a call was refused: \(spoke.standardError.suffix(3000))")
            #expect(load.allowed > 20)

            // What the spoke and the contexts hold now stands under the new root, for others' eyes too.
            try await verified(wheel, "bot", by: wheel.directory.file("hub/keys/root.pem"), holds: true)
            try await verified(wheel, "bot", by: wheel.directory.file("old-root.pem"), holds: false)
            let lines = try await wheel.session("finance/ledger", [["list": "tools"]])
            #expect(lines[0]["names"] != nil)
            for name in ["dana", "erin"] { #expect(try await wheel.nave(["zone", "list"], as: name).code == 0) }
            let proof = try await wheel.verifyHub()
            #expect(proof.code == 0, "\(proof.output)\(proof.errors)")
            #expect(spoke.standardError.contains("delivery refused") == false)
            // Both start again from what is on disk.
            #expect(try await wheel.hub?.terminate() == 0)
            try await wheel.restartSpoke([])
            let (body, headers) = Wheel.modernCall("read_entry", ["account": "4711"])
            #expect(try await wheel.curl("/ledger/mcp", as: "bot", body: body, headers: headers).status == 200)
            try await wheel.startHub()
            try await wheel.converge()
        }

        @Test("the root leaves the hub, and an offline one follows it: no call is refused, and who was away comes back")
        func offline() async throws {
            let wheel = try await Wheel.turning()
            try await raiseRates(wheel)
            try await wheel.enrolUser("erin@corp.example", as: "erin")
            let spoke = try #require(wheel.spoke)
            let load = Load(wheel)
            defer { load.end() }
            try await eventually("calls go through") { load.allowed > 0 }

            // The hub holds its root's key, and signs that of the one which takes its place.
            try await root(wheel, ["init", "--dir", file(wheel, "root-2"), "--organization", "corp.example"])
            try await published(
                wheel, "prepare", "next-2.json", "--certificate", file(wheel, "root-2/root.pem"), "--requests-out",
                file(wheel, "requests-2"))
            let early = try await wheel.nave(["authority", "activate", "root", "--yes"])
            #expect(early.code == 1 && early.errors.contains("finance"), "\(early.errors)")
            try await signed(wheel, "2")
            try await step(wheel, "activate", "root", "--certificates", file(wheel, "signed-2"))
            #expect(!FileManager.default.fileExists(atPath: file(wheel, "hub/keys/root.key")))
            try await finished(wheel, "last-2.json", ["bot", "erin"])

            // Now it lies elsewhere, and is followed by what it signs there.
            let before = try await contents(wheel, of: "bot")
            try await step(wheel, "prepare", "root", "--requests-out", file(wheel, "requests-3"))
            try await root(wheel, ["init", "--dir", file(wheel, "root-3"), "--organization", "corp.example"])
            try await root(
                wheel,
                [
                    "cross", file(wheel, "root-3/root.pem"), "--dir", file(wheel, "root-2"), "--out",
                    file(wheel, "cross.pem"), "--yes",
                ])
            try await signed(wheel, "3")
            try await published(
                wheel, "prepare", "next-3.json", "--certificate", file(wheel, "root-3/root.pem"), "--cross",
                file(wheel, "cross.pem"))
            try await step(wheel, "activate", "root", "--certificates", file(wheel, "signed-3"))
            // Erin saw no version since the root of before: the hub's certificate leads from it.
            let back = try await wheel.nave(["zone", "list"], as: "erin")
            #expect(back.code == 0 && back.errors.contains("the trust manifest is now version"), "\(back.errors)")
            try await finished(wheel, "last-3.json", ["bot", "erin"])
            try await wheel.converge()
            try await refused(wheel, before, "the old root's")
            let count = load.allowed
            try await eventually("calls go on") { load.allowed > count + 3 }
            try await load.finish()
            #expect(load.refused == [], "a call was refused: \(spoke.standardError.suffix(3000))")
            #expect(load.allowed > 20)

            try await verified(wheel, "bot", by: file(wheel, "root-3/root.pem"), holds: true)
            try await verified(wheel, "bot", by: file(wheel, "root-2/root.pem"), holds: false)
            let proof = try await wheel.verifyHub()
            #expect(proof.code == 0, "\(proof.output)\(proof.errors)")
            #expect(try await wheel.hub?.terminate() == 0)
            try await wheel.restartSpoke([])
            try await wheel.startHub()
            try await wheel.converge()
        }

        @Test("who was away from the first step to the last but one finds the way to the new root")
        func away() async throws {
            let wheel = try await Wheel.turning()
            try await wheel.enrolUser("erin@corp.example", as: "erin")
            #expect(try await wheel.spoke?.terminate() == 0)
            try await published(wheel, "prepare", "next-2.json")
            try await step(wheel, "activate", "root")
            // Neither has seen the second version: the hub's certificate leads from the root that they know.
            try await wheel.startSpoke()
            try await wheel.converge()
            let back = try await wheel.nave(["zone", "list"], as: "erin")
            #expect(back.code == 0 && back.errors.contains("the trust manifest is now version 2"), "\(back.errors)")
            let (body, headers) = Wheel.modernCall("read_entry", ["account": "4711"])
            #expect(try await wheel.curl("/ledger/mcp", as: "bot", body: body, headers: headers).status == 200)
            // `nave connect` walks and renews while its client goes on.
            try await step(wheel, "taint", "root")
            let before = try await contents(wheel, of: "bot")
            try await eventually("the bot's certificate is new") {
                let lines = try await wheel.session("finance/ledger", [["list": "tools"]])
                #expect(lines[0]["names"] != nil)
                return try await contents(wheel, of: "bot") != before
            }
            let context = try JSON(parsing: Array(try await contents(wheel, of: "bot").utf8))
            let payload = try #require(Data(base64Encoded: context["manifest"]?["payload"]?.string ?? ""))
            #expect(try JSON(parsing: Array(payload))["version"]?.integer == 2)
        }

        // MARK: what people do

        private func raiseRates(_ wheel: Wheel) async throws {
            try wheel.raiseRates()
            try await wheel.apply()
            try await wheel.converge()
        }

        private func step(_ wheel: Wheel, _ step: String, _ name: String, _ more: String...) async throws {
            try await self.step(wheel, step, name, arguments: more)
        }

        private func step(_ wheel: Wheel, _ step: String, _ name: String, arguments more: [String]) async throws {
            let done = try await wheel.nave(["authority", step, name, "--yes", "--why", "a test"] + more)
            try #require(done.code == 0, "\(step) \(name): \(done.errors)")
        }

        private func file(_ wheel: Wheel, _ name: String) -> String { wheel.directory.file(name) }

        private func root(_ wheel: Wheel, _ arguments: [String]) async throws {
            let done = try await run(Checkout.program("nave-hub"), ["root"] + arguments)
            try #require(done.code == 0, "\(arguments): \(done.errors)")
        }

        /// Every request of `requests-N` by the root in `root-N`, into `signed-N`.
        private func signed(_ wheel: Wheel, _ number: String) async throws {
            let (requests, signed) = (file(wheel, "requests-\(number)"), file(wheel, "signed-\(number)"))
            try FileManager.default.createDirectory(atPath: signed, withIntermediateDirectories: false)
            let names = try FileManager.default.contentsOfDirectory(atPath: requests).sorted()
            #expect(names.contains("corp.example.csr") && names.contains("finance.corp.example.csr"), "\(names)")
            for name in names {
                let domain = String(name.dropLast(".csr".count))
                try await root(
                    wheel,
                    [
                        "sign", "\(requests)/\(name)", "--dir", file(wheel, "root-\(number)"), "--domain", domain,
                        "--out",
                        "\(signed)/\(domain).pem", "--yes",
                    ])
            }
        }

        /// The last two steps of the root, once the people renewed.
        private func finished(_ wheel: Wheel, _ manifest: String, _ people: [String]) async throws {
            try await step(wheel, "taint", "root")
            for name in people { _ = try await wheel.nave(["status"], as: name) }
            try await eventually("nobody hangs on the old root") {
                try await authority(wheel, "root", "tainted")?["leaves"]?.integer == 0
            }
            try await published(wheel, "retire", manifest)
        }

        /// A step of the root that needs a version of the trust manifest, signed by two of three and published.
        private func published(_ wheel: Wheel, _ step: String, _ name: String, _ more: String...) async throws {
            let file = wheel.directory.file(name)
            try await self.step(wheel, step, "root", arguments: ["--out", file] + more)
            let published = try await wheel.publishManifest(file)
            try #require(published.code == 0, "\(published.errors)")
        }

        private func authority(_ wheel: Wheel, _ name: String, _ state: String) async throws -> JSON? {
            let listed = try await wheel.nave(["authority", "list", "-o", "json"])
            let rows = try JSON(parsing: Array(listed.output.utf8)).array ?? []
            return rows.first { $0["name"]?.string == name && $0["state"]?.string == state }
        }

        private func contents(_ wheel: Wheel, of name: String) async throws -> String {
            try wheel.directory.read("\(name).json")
        }

        /// A kept copy of a key and its certificate: the spoke ends the handshake.
        private func refused(_ wheel: Wheel, _ context: String, _ why: String) async throws {
            try wheel.directory.write("stolen.json", context)
            let (body, headers) = Wheel.modernCall("read_entry", ["account": "4711"])
            let answer = try await wheel.curl("/ledger/mcp", as: "stolen", body: body, headers: headers)
            #expect(answer.exit != 0 && answer.status == 0, "\(why): \(answer.body)")
        }

        private func verified(_ wheel: Wheel, _ name: String, by root: String, holds: Bool) async throws {
            let context = try JSON(parsing: Array(try wheel.directory.read("\(name).json").utf8))
            // Leaf and intermediate, without what leads on to the old root for those who know only that.
            let end = "-----END CERTIFICATE-----\n"
            let links = (context["chain"]?.string ?? "").components(separatedBy: end).prefix(2)
            let chain = try wheel.directory.write("\(name).chain.pem", links.map { $0 + end }.joined())
            let judged = try await run(
                openssl,
                ["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", root, "-untrusted", chain, chain])
            #expect((judged.code == 0) == holds, "\(judged.output)\(judged.errors)")
        }
    }
}
