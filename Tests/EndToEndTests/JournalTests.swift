import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("the journal end to end")
    struct JournalTests {
        private static let trace = "0af7651916cd43dd8448eb211c80319c"

        /// A wheel whose hub anchors every second, after some calls.
        private func used(_ settings: String, calls: Int = 12) async throws -> Wheel {
            let wheel = try await Wheel.turning(spokeSettings: settings)
            #expect(try await wheel.hub?.terminate() == 0)
            try await wheel.startHub(["--anchor-interval", "1s"])
            try await self.calls(calls, wheel)
            return wheel
        }

        private func calls(_ count: Int, _ wheel: Wheel) async throws {
            let call = Wheel.modernCall("read_entry", ["account": "4711"])
            let trace = "traceparent: 00-\(Self.trace)-b7ad6b7169203331-01"
            for _ in 0..<count {
                let answer = try await wheel.curl(
                    "/ledger/mcp", as: "bot", body: call.body, headers: call.headers + [trace])
                try #require(answer.status == 200, "\(answer)\(wheel.spoke?.standardError.suffix(2000) ?? "")")
            }
        }

        private func spoke(_ arguments: [String]) async throws -> Finished {
            try await run(Checkout.program("nave-spoke"), arguments)
        }

        private func segments(_ wheel: Wheel, _ place: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: wheel.directory.file("\(place)/journal"))
                .filter { $0.hasSuffix(".jsonl") }.sorted().map { "\(place)/journal/\($0)" }
        }

        private func lines(_ wheel: Wheel, _ file: String) throws -> [String] {
            try wheel.directory.read(file).split(separator: "\n").map(String.init)
        }

        /// Until the ledger vouches for the journal up to the head that the spoke signed last; then the two files of proof.
        private func anchored(_ wheel: Wheel) async throws -> [String] {
            try await eventually("a head is signed") {
                FileManager.default.fileExists(atPath: wheel.directory.file("spoke/journal/head.json"))
            }
            let head = try await signedLine(wheel)
            try await eventually("the ledger anchors line \(head)") {
                let listed = try await wheel.nave(["ledger", "journals", "finance/fin-1", "-o", "json"])
                try wheel.directory.write("anchors.json", listed.output)
                let rows = try JSON(parsing: Array(listed.output.utf8)).array ?? []
                return try rows.contains { row in
                    try line(of: row["checkpoint"]?["payload"]?.string ?? "") >= head
                }
            }
            let exported = try await wheel.nave(["ledger", "export", wheel.directory.file("ledger.jsonl")])
            try #require(exported.code == 0, "\(exported.errors)")
            return [
                "--ledger", wheel.directory.file("ledger.jsonl"), "--anchors", wheel.directory.file("anchors.json"),
            ]
        }

        private func signedLine(_ wheel: Wheel) async throws -> Int64 {
            let head = try JSON(parsing: Array(try wheel.directory.read("spoke/journal/head.json").utf8))
            return try line(of: head["payload"]?.string ?? "")
        }

        private func line(of payload: String) throws -> Int64 {
            let data = try #require(Data(base64Encoded: payload))
            return try #require(try JSON(parsing: Array(data))["line"]?.integer)
        }

        @Test("whole and anchored is shown offline; a changed, dropped, moved or cut line is named; decisions replay")
        func evidence() async throws {
            let wheel = try await used("audit: { segment: 4KiB }")
            _ = try await wheel.curl(
                "/ledger/mcp", as: "bot", body: Wheel.modernCall("delete_entry").body,
                headers: Wheel.modernCall("delete_entry").headers)
            #expect(try await wheel.spoke?.terminate() == 0)
            let proof = try await anchored(wheel)
            let data = wheel.directory.file("spoke")
            let whole = try await spoke(["verify", "--data", data] + proof)
            #expect(whole.code == 0, "\(whole.output)\(whole.errors)")
            #expect(whole.output.contains("anchored  up to line"), "\(whole.output)")
            #expect(whole.output.contains("checkpoints signed by this spoke"), "\(whole.output)")
            // Enrolled again with the key that is there: what was signed under the first certificate stays proved.
            try await wheel.enrolSpoke()
            let again = try await spoke(["verify", "--data", data] + anchored(wheel))
            #expect(again.code == 0, "\(again.output)\(again.errors)")
            let files = try segments(wheel, "spoke")
            try #require(files.count >= 3, "\(files)")
            #expect(try lines(wheel, files[0]).contains { $0.contains(Self.trace) })

            let changes: [(words: String, make: (inout [[String]]) -> Void)] = [
                (
                    "line 3 is not what was written",
                    { $0[0][2] = $0[0][2].replacing("4", with: "5", maxReplacements: 1) }
                ),
                ("line 3 is missing", { $0[0].remove(at: 2) }),
                ("line 3 stands where line 5 was due", { $0[0].swapAt(2, 3) }),
                ("are missing: signed by", { $0[$0.count - 1].removeLast() }),
                ("stands where line", { $0.swapAt(0, 1) }),
            ]
            for (number, change) in changes.enumerated() {
                let place = "spoke-\(number)"
                try FileManager.default.copyItem(atPath: data, toPath: wheel.directory.file(place))
                var content = try files.map { try lines(wheel, $0) }
                change.make(&content)
                for (file, lines) in zip(try segments(wheel, place), content) {
                    try wheel.directory.write(file, lines.map { $0 + "\n" }.joined())
                }
                let found = try await spoke(["verify", "--data", wheel.directory.file(place)])
                #expect(found.code == 2)
                #expect(found.output.contains(change.words), "\(change.words): \(found.output)\(found.errors)")
            }
            // Who has the host's key can write another journal and sign its head; not what the ledger has anchored.
            let forged = wheel.directory.file("spoke-forged")
            try FileManager.default.copyItem(atPath: data, toPath: forged)
            let last = try #require(try segments(wheel, "spoke-forged").last)
            try wheel.directory.write(last, try lines(wheel, last).dropLast().map { $0 + "\n" }.joined())
            try FileManager.default.removeItem(atPath: forged + "/journal/head.json")
            #expect(try await spoke(["verify", "--data", forged]).code == 0)
            let caught = try await spoke(["verify", "--data", forged] + proof)
            #expect(caught.code == 2)
            #expect(caught.output.contains("missing: signed by entry"), "\(caught.output)")

            try await replay(wheel, files)

            // A new journal in the place of the old one is in order by itself; the ledger knows of the other.
            let earlier = wheel.directory.file("earlier")
            try FileManager.default.moveItem(atPath: data + "/journal", toPath: earlier)
            try await wheel.startSpoke()
            try await calls(3, wheel)
            #expect(try await wheel.spoke?.terminate() == 0)
            #expect(try await spoke(["verify", "--data", data]).code == 0)
            try await eventually("the new journal is anchored, and the earlier one given") {
                let proof = try await anchored(wheel)
                return try await spoke(["verify", "--data", data, "--journal", earlier] + proof).code == 0
            }
            let replaced = try await spoke(["verify", "--data", data] + anchored(wheel))
            #expect(replaced.code == 2)
            #expect(replaced.output.contains("and it is not here: it was replaced"), "\(replaced.output)")
        }

        private func replay(_ wheel: Wheel, _ files: [String]) async throws {
            let all = try files.flatMap { try lines(wheel, $0) }
            let decisions = try all.map { try JSON(parsing: Array($0.utf8)) }.filter { $0["verdict"] != nil }
            var bundles: [String] = []
            for digest in Set(decisions.compactMap { $0["bundle"]?.string }) {
                let exported = try await spoke(["bundle", "export", digest, "--data", wheel.directory.file("spoke")])
                try #require(exported.code == 0, "\(exported.errors)")
                bundles += ["--bundle", try wheel.directory.write("\(bundles.count).json", exported.output)]
            }
            let listed = try await spoke(["bundle", "list", "--data", wheel.directory.file("spoke")])
            let kept = listed.output.split(separator: "\n")
            #expect(kept.count >= bundles.count / 2)
            let rows = try await spoke(["bundle", "list", "--data", wheel.directory.file("spoke"), "-o", "json"])
            let digests = try JSON(parsing: Array(rows.output.utf8)).array?.compactMap { $0["digest"]?.string }
            #expect(digests == kept.map { String($0.prefix { $0 != " " }) })
            let file = try wheel.directory.write("lines.jsonl", all.map { $0 + "\n" }.joined())
            let same = try await wheel.nave(["decision", "replay", file, "-o", "json"] + bundles)
            #expect(same.code == 0, "\(same.output)\(same.errors)")
            let outcomes = try JSON(parsing: Array(same.output.utf8)).array?.compactMap { $0["outcome"]?.string } ?? []
            #expect(outcomes.count == decisions.count)
            #expect(outcomes.count { $0 == "same" } >= 12, "\(same.output)")
            let changed = try wheel.directory.write(
                "changed.jsonl",
                all.map { $0.replacing("\"aim\":\"tool:read_entry\"", with: "\"aim\":\"tool:delete_entry\"") + "\n" }
                    .joined())
            let different = try await wheel.nave(["decision", "replay", changed] + bundles)
            #expect(different.code == 2, "\(different.output)\(different.errors)")
            #expect(different.output.contains("recorded allow"), "\(different.output)")
            // What the hub holds of it, too.
            let hubs = try await wheel.nave(["decision", "list", "-o", "json"])
            let fromHub = try await wheel.nave(
                ["decision", "replay", try wheel.directory.write("hub.json", hubs.output)] + bundles)
            #expect(fromHub.code == 0, "\(fromHub.output)\(fromHub.errors)")
        }

        @Test(
            "killed between the signed head and the report: the journal goes on, and is anchored when the hub is back")
        func killed() async throws {
            let wheel = try await used("", calls: 3)
            _ = try await anchored(wheel)
            #expect(try await wheel.hub?.terminate() == 0)
            let before = try await signedLine(wheel)
            try await calls(3, wheel)
            // The head is signed before each report; that it cannot be told now changes nothing.
            try await eventually("a head is signed that nobody was told") { try await signedLine(wheel) > before }
            wheel.spoke?.signal(SIGKILL)
            try await wheel.spoke?.wait()
            try await wheel.startSpoke()
            try await wheel.startHub(["--anchor-interval", "1s"])
            try await wheel.converge()
            try await eventually("the spoke answers") {
                let call = Wheel.modernCall("read_entry", ["account": "4711"])
                return try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers).status
                    == 200
            }
            let proof = try await anchored(wheel)
            let verified = try await spoke(["verify", "--data", wheel.directory.file("spoke")] + proof)
            #expect(verified.code == 0, "\(verified.output)\(verified.errors)")
        }

        @Test("no room: calls are denied and the hub says so; with a second place they go on, and it comes home")
        func full() async throws {
            let wheel = try await used("", calls: 20)
            let call = Wheel.modernCall("read_entry", ["account": "4711"])
            let status = { @Sendable in
                try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers).status
            }
            try await limitFiles(wheel, "8192")
            #expect(try await status() == 503)
            try await eventually("nave status tells the alarm") {
                try await wheel.nave(["status"]).output.contains("the journal of spoke finance/fin-1 is full")
            }
            try await limitFiles(wheel, "unlimited")
            #expect(try await status() == 200)
            try await eventually("the alarm ends") {
                try await !wheel.nave(["status"]).output.contains("the journal of spoke")
            }
            #expect(
                try segments(wheel, "spoke").flatMap { try lines(wheel, $0) }.contains {
                    $0.contains("lines found no room")
                })

            _ = try await wheel.spoke?.terminate()
            let place = wheel.directory.file("second")
            try await wheel.writeSpokeConfiguration(
                settings: "audit: { onFull: spill, spill: { directory: \"\(place)\", limit: 64KiB } }")
            try await wheel.startSpoke()
            try await eventually("the spoke answers") { try await status() == 200 }
            try await limitFiles(wheel, "8192")
            for _ in 0..<3 { #expect(try await status() == 200) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: place).count == 1)
            try await eventually("nave status tells where it goes") {
                try await wheel.nave(["status"]).output.contains("goes to the second place")
            }
            let meanwhile = try await spoke(["verify", "--data", wheel.directory.file("spoke"), "--spill", place])
            #expect(meanwhile.code == 0, "\(meanwhile.output)")
            try await limitFiles(wheel, "unlimited")
            try await eventually("it came home") { try FileManager.default.contentsOfDirectory(atPath: place).isEmpty }
            #expect(try await status() == 200)
            _ = try await wheel.spoke?.terminate()
            let verified = try await spoke(["verify", "--data", wheel.directory.file("spoke")] + anchored(wheel))
            #expect(verified.code == 0, "\(verified.output)")
        }

        private func limitFiles(_ wheel: Wheel, _ limit: String) async throws {
            let pid = try #require(wheel.spoke?.pid)
            let set = try await run(
                URL(fileURLWithPath: "/usr/bin/prlimit"), ["--pid", "\(pid)", "--fsize=\(limit):unlimited"])
            try #require(set.code == 0, "\(set.errors)")
        }

        @Test("Docs/Metrics.md lists what the endpoint tells, no more and no less")
        func metrics() async throws {
            let port = try freePort()
            let wheel = try await used("metrics: 127.0.0.1:\(port)", calls: 3)
            _ = try await wheel.curl("/ledger/mcp", as: nil, body: "{}")
            let page = try await wheel.metrics(port)
            let told = Set(
                page.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] })
            let rows = try Checkout.text("Docs/Metrics.md").split(separator: "\n").filter { $0.hasPrefix("| `nave_") }
            let listed = Set(rows.map { $0.split(separator: "`")[1] })
            #expect(told == listed, "\(told.symmetricDifference(listed))")
            #expect(told.count >= 15)
            for row in rows {
                let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                #expect(page.contains("# TYPE \(cells[0].dropFirst().dropLast()) \(cells[1])\n"), "\(row)")
                // Every label that the page shows is in the list.
                let name = cells[0].dropFirst().dropLast()
                for line in page.split(separator: "\n")
                where line.hasPrefix("\(name){") || line.hasPrefix("\(name)_bucket{") {
                    for pair in line.split(separator: "{")[1].split(separator: "}")[0].split(separator: ",") {
                        let label = pair.split(separator: "=")[0]
                        #expect(cells[2].contains("`\(label)`"), "\(line)")
                    }
                }
            }
            let call = "server=\"finance/ledger\",kind=\"tool\""
            #expect(page.contains("nave_spoke_requests_total{\(call)} 3\n"), "\(page)")
            #expect(page.contains("nave_spoke_request_duration_seconds_bucket{\(call),le=\"+Inf\"} 3\n"))
            #expect(page.contains("nave_spoke_request_duration_seconds_count{\(call)} 3\n"))
            #expect(page.contains("nave_spoke_tls_handshakes_total{result=\"ok\"}"))
            #expect(page.contains("nave_spoke_tls_handshakes_total{result=\"no-certificate\"} 1\n"))
        }
    }
}
