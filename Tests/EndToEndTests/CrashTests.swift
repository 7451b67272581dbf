import Foundation
import Model
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
    /// kill -9 at moments that nothing chose, while several kinds of requests are under way at once. What was acknowledged is
    /// there, nothing is half, `verify` is clean, and who got no answer asks again and gets one.
    @Suite("kill -9 under load")
    struct CrashTests {
        @Test("the hub: enrolments, renewals, revocations, verdicts, trust manifests, erasures")
        func hub() async throws {
            let wheel = try await Wheel.withHub()
            let load = try await HubLoad.prepared(wheel)
            for round in 0..<(isLong ? 24 : 4) {
                let hub = try #require(wheel.hub)
                let killer = Task {
                    defer { hub.signal(SIGKILL) }
                    if round == 0 {
                        // Once, everybody has an answer first.
                        try await eventually("all kinds of requests are answered", seconds: 60) {
                            load.done.withLock(\.kinds) == HubLoad.Done.allKinds
                        }
                    }
                    // From before the first answer until many are given.
                    try await Task.sleep(for: .milliseconds(round * 613 % 3000))
                }
                try await load.run(while: hub)
                try await killer.value
                try await hub.wait()
                let verified = try await TestSupport.run(
                    Checkout.program("nave-hub"), ["verify", "--data", wheel.directory.file("hub")])
                try #require(verified.code == 0, "round \(round): \(verified.output)\(verified.errors)")
                #expect(try load.traces() == [], "round \(round): a person who was erased is named")
                try await wheel.startHub()
                try await load.checkAcknowledged(round)
                try await load.repeatUnanswered(round)
            }
            #expect(load.repeated.withLock { $0 } > 0 || !isLong, "no answer was ever lost")
            _ = try await wheel.hub?.terminate()
            let verified = try await TestSupport.run(
                Checkout.program("nave-hub"), ["verify", "--data", wheel.directory.file("hub")])
            #expect(verified.code == 0, "\(verified)")
        }

        @Test("the spoke: while it renews, takes deliveries in and follows the trust manifest")
        func spoke() async throws {
            let wheel = try await Wheel.turning()
            var number = 0
            var manifests = 1
            for round in 0..<(isLong ? 20 : 3) {
                try await wheel.restartSpoke(["--renew-after", "1s"])
                let spoke = try #require(wheel.spoke)
                let killer = Task {
                    try await Task.sleep(for: .milliseconds(200 + round * 431 % 2500))
                    spoke.signal(SIGKILL)
                }
                while spoke.isRunning {
                    number += 1
                    try wheel.addRules("crash.yaml", Wheel.denyRule("crash-\(number)"))
                    try await wheel.apply()
                    if number % 2 == 0, try await wheel.publishManifest(rotating: "bundle") { manifests += 1 }
                }
                try await killer.value
                try await spoke.wait()
                let told = try await applied(wheel)
                let verified = try await run(
                    Checkout.program("nave-spoke"), ["verify", "--data", wheel.directory.file("spoke")])
                try #require(verified.code == 0, "round \(round): \(verified.output)\(verified.errors)")
                // It enforces at least what it had told the hub, before it hears anything new.
                try await wheel.startSpoke()
                let log = wheel.spoke?.standardError.split(separator: "\n") ?? []
                let first = try #require(log.first { $0.contains("bundle in force") }, "\(log)")
                let revision = try JSON(parsing: Array(first.utf8))["revision"]?.string.flatMap { Int64($0) }
                #expect(try #require(revision) >= told, "round \(round): \(first)")
                try await wheel.converge()
                #expect(wheel.spoke?.standardError.contains("refused") == false, "round \(round)")
            }
            #expect(manifests > 1)
            let rows = try await wheel.nave(["certificate", "list", "--zone", "finance", "-o", "json"])
            let spokes = try JSON(parsing: Array(rows.output.utf8)).array?.filter {
                $0["identity"]?.string?.hasSuffix("/spoke/fin-1") ?? false
            }
            #expect((spokes?.count ?? 0) > 1, "it renewed: \(rows.output)")
            let call = Wheel.modernCall("read_entry", ["account": "4711"])
            try await wheel.awaitCatalogs()
            let answer = try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers)
            #expect(answer.status == 200 && answer.body.contains("1200"), "\(answer)")
        }

        /// The revision that the spoke told the hub last.
        private func applied(_ wheel: Wheel) async throws -> Int64 {
            let rollout = try await wheel.nave(["rollout", "status", "-o", "json"])
            let rows = try JSON(parsing: Array(rollout.output.utf8))["rows"]?.array
            return rows?.first?["applied"]?.integer ?? 0
        }
    }
}

/// People and hosts who all want something of one hub, and what each was told.
private final class HubLoad: Sendable {
    struct Done {
        static let allKinds: Set<String> = ["enrolled", "revoked", "decided", "published", "erased", "renewed"]

        var spokes: [String] = []
        var revoked: [String] = []
        /// Verdicts by item.
        var verdicts: [Int: String] = [:]
        /// Versions of the trust manifest that were acknowledged.
        var manifests = 0
        var erased: [String] = []
        var renewals = 0
        /// Tokens of enrolments without an answer, by spoke.
        var unansweredTokens: [String: String] = [:]
        var unansweredErasures: [String] = []
        var unansweredVerdicts: [Int: String] = [:]

        var kinds: Set<String> {
            Set(
                [
                    ("enrolled", !spokes.isEmpty), ("revoked", !revoked.isEmpty), ("decided", !verdicts.isEmpty),
                    ("published", manifests > 0), ("erased", !erased.isEmpty), ("renewed", renewals > 0),
                ].filter(\.1).map(\.0))
        }
    }

    let done = Mutex(Done())
    /// Requests that had no answer and were made again.
    let repeated = Mutex(0)
    private let wheel: Wheel
    private let review: String
    private let next = Mutex<[String: Int]>([:])
    private static let members = isLong ? 400 : 60

    private init(_ wheel: Wheel, review: String) {
        self.wheel = wheel
        self.review = review
    }

    /// A zone of hosts and clients that may come, rules to judge, and people.
    static func prepared(_ wheel: Wheel) async throws -> HubLoad {
        let numbers = 1...members
        try wheel.directory.write(
            "topology/zones/load/zone.yaml",
            """
            zone: load
            classification: internal
            networks: [127.0.0.0/8]
            roles: { reviewer: [user:erin@corp.example] }
            spokes: { \(numbers.map { "s-\($0): {}" }.joined(separator: ", ")) }
            clients: { \(numbers.map { "c-\($0): {}" }.joined(separator: ", ")) }
            servers: { box: { spokes: [s-1] } }
            rules:
            \(numbers.map { "  - { id: r-\($0), allow: [\"tool:t\"], to: [\"client:load/c-\($0)\"] }" }.joined(separator: "\n"))

            """)
        try await wheel.apply()
        try await wheel.enrolUser("erin@corp.example", as: "erin")
        try await wheel.enrolUser("frank@corp.example", as: "frank")
        let due = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) + .days(30)
        let opened = try await wheel.nave([
            "review", "open", "--zone", "load", "--due", due.description, "--why", "a test", "-o", "json",
        ])
        try #require(opened.code == 0, "\(opened.errors)")
        let id = try JSON(parsing: Array(opened.output.utf8))["row"]?["id"]?.string
        return HubLoad(wheel, review: try #require(id))
    }

    /// Everybody at once, until the hub is gone.
    func run(while hub: ChildProcess) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for step in [enrol, revoke, decide, publish, erase, renew] {
                group.addTask {
                    while hub.isRunning { try await step() }
                }
            }
            try await group.waitForAll()
        }
    }

    private func number(_ kind: String) -> Int {
        next.withLock { next in
            next[kind, default: 0] += 1
            return (next[kind] ?? 0) % Self.members + 1
        }
    }

    // MARK: what they do

    private func enrol() async throws {
        let name = "s-\(number("spoke"))"
        let invited = try await wheel.nave(["spoke", "invite", "load/\(name)"])
        guard invited.code == 0 else { return }
        let isDone = try await enrol(name, invited.output)
        done.withLock {
            if isDone { $0.spokes.append(name) } else { $0.unansweredTokens[name] = invited.output }
        }
    }

    private func enrol(_ name: String, _ token: String) async throws -> Bool {
        let data = wheel.directory.file("load/\(name)")
        try FileManager.default.createDirectory(
            atPath: wheel.directory.file("load"), withIntermediateDirectories: true)
        return try await TestSupport.run(Checkout.program("nave-spoke"), ["enroll", "--data", data], input: token)
            .code == 0
    }

    private func revoke() async throws {
        let name = "load/c-\(number("client"))"
        guard try await wheel.nave(["client", "invite", name, "--replace"]).code == 0 else { return }
        let revoked = try await wheel.nave(["client", "revoke", name, "--why", "a test", "--yes"])
        if revoked.code == 0 { done.withLock { $0.revoked.append(name) } }
    }

    private func decide() async throws {
        let number = next.withLock { next in
            next["item", default: 0] += 1
            return next["item"] ?? 0
        }
        // Each is judged once; then the review is only read.
        guard number <= Self.members else { return _ = try await wheel.nave(["review", "show", review], as: "erin") }
        let verdict = number % 3 == 0 ? "revoke" : "keep"
        let isDone = try await decide(number, verdict)
        done.withLock {
            if isDone { $0.verdicts[number] = verdict } else { $0.unansweredVerdicts[number] = verdict }
        }
    }

    private func decide(_ number: Int, _ verdict: String) async throws -> Bool {
        let arguments = ["review", "decide", "\(review)/\(number)", "--verdict", verdict, "--yes", "--why", "judged"]
        let decided = try await wheel.nave(arguments, as: "erin")
        // Asked again, the hub says which answer stands.
        return decided.code == 0 || decided.errors.contains("was decided: \(verdict)")
    }

    private func publish() async throws {
        if try await wheel.publishManifest(rotating: "lease") { done.withLock { $0.manifests += 1 } }
    }

    private func erase() async throws {
        let address = "p-\(UUID().uuidString.lowercased())@corp.example"
        guard try await wheel.nave(["user", "invite", address]).code == 0 else { return }
        let isDone = try await erase(address)
        done.withLock {
            if isDone { $0.erased.append(address) } else { $0.unansweredErasures.append(address) }
        }
    }

    private func erase(_ address: String) async throws -> Bool {
        try await wheel.nave(["person", "erase", address, "--why", "DSR-1", "--yes"]).code == 0
    }

    /// Each command of a person whose certificate is a second old makes a new one.
    private func renew() async throws {
        let before = try wheel.directory.read("frank.json")
        _ = try await TestSupport.run(
            Checkout.program("nave"), ["zone", "list"],
            environment: ["NAVE_CONTEXT": wheel.directory.file("frank.json"), "NAVE_RENEW_AFTER": "1s"])
        if try wheel.directory.read("frank.json") != before { done.withLock { $0.renewals += 1 } }
    }

    // MARK: what must be so afterwards

    private func json(_ arguments: [String]) async throws -> JSON {
        let answer = try await wheel.nave(arguments + ["-o", "json"])
        try #require(answer.code == 0, "\(arguments): \(answer.errors)")
        return try JSON(parsing: Array(answer.output.utf8))
    }

    func checkAcknowledged(_ round: Int) async throws {
        let done = done.withLock { $0 }
        let certificates = try await json(["certificate", "list"]).array ?? []
        for name in done.spokes {
            let current = certificates.filter {
                $0["identity"]?.string == "spiffe://load.corp.example/spoke/\(name)" && $0["state"] == "current"
            }
            #expect(current.count == 1, "round \(round): \(name)")
        }
        // What lies in a context stands in the ledger: it was not shown before.
        let (chain, _) = try wheel.credential(of: "frank")
        let shown = try await TestSupport.run(
            URL(fileURLWithPath: "/usr/bin/openssl"), ["x509", "-noout", "-serial", "-in", chain])
        let serial = shown.output.trimmingCharacters(in: .whitespacesAndNewlines).dropFirst("serial=".count)
        #expect(certificates.contains { $0["serial"]?.string == serial.lowercased() }, "round \(round): \(serial)")

        for name in Set(done.revoked) {
            let invited = try await wheel.nave(["client", "invite", name])
            #expect(
                invited.code == 1 && invited.errors.contains("was revoked"), "round \(round): \(name): \(invited)")
        }
        let items = try await json(["review", "show", review])["items"]?.array ?? []
        for (number, verdict) in done.verdicts {
            let item = items.first { $0["number"]?.integer == Int64(number) }
            #expect(item?["verdict"]?.string == verdict, "round \(round): item \(number)")
        }
        let versions = try await json(["trust", "show"]).array?.compactMap { $0["version"]?.integer } ?? []
        #expect(versions == (0..<versions.count).map { Int64($0 + 1) }, "round \(round): \(versions)")
        #expect(versions.count > done.manifests, "round \(round): \(versions), \(done.manifests) acknowledged")
    }

    func repeatUnanswered(_ round: Int) async throws {
        let open = done.withLock { done in
            defer {
                done.unansweredTokens = [:]
                done.unansweredErasures = []
                done.unansweredVerdicts = [:]
            }
            return done
        }
        repeated.withLock {
            $0 += open.unansweredTokens.count + open.unansweredErasures.count + open.unansweredVerdicts.count
        }
        for (name, token) in open.unansweredTokens {
            let isDone = try await enrol(name, token)
            #expect(isDone, "round \(round): \(name) asked again with its key and token")
            done.withLock { $0.spokes.append(name) }
        }
        for address in open.unansweredErasures {
            let isDone = try await erase(address)
            #expect(isDone, "round \(round): \(address) asked again")
            done.withLock { $0.erased.append(address) }
        }
        for (number, verdict) in open.unansweredVerdicts {
            let isDone = try await decide(number, verdict)
            #expect(isDone, "round \(round): item \(number) judged again")
            done.withLock { $0.verdicts[number] = verdict }
        }
    }

    /// Addresses of people whose erasure was acknowledged that still stand in a file of the hub.
    func traces() throws -> [String] {
        let hub = wheel.directory.file("hub")
        let contents = try FileManager.default.subpathsOfDirectory(atPath: hub).compactMap {
            try? Data(contentsOf: URL(fileURLWithPath: "\(hub)/\($0)"))
        }
        return done.withLock(\.erased).filter { address in
            contents.contains { $0.range(of: Data(address.utf8)) != nil }
        }
    }
}

extension Wheel {
    /// A rule of the finance zone that changes its bundles.
    static func denyRule(_ id: String) -> String {
        "  - { id: \(id), deny: [\"tool:nothing\"], servers: [ledger], to: [anyone], reason: a test }"
    }

    /// Prepares, signs and publishes the next version of the trust manifest.
    /// - Returns: whether the hub acknowledged it.
    func publishManifest(rotating role: String) async throws -> Bool {
        let file = directory.file("next-\(UUID().uuidString).json")
        guard try await nave(["trust", "rotate", role, "--out", file]).code == 0 else { return false }
        return try await publishManifest(file).code == 0
    }
}
