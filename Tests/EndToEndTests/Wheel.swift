import Foundation
import Model
import TestSupport
import Testing

/// A real wheel on loopback: hub, spoke, MCP servers and clients as processes, in a directory of its own.
final class Wheel: @unchecked Sendable {
    // Only changed by the test that owns it, one step after the other.
    let directory: TemporaryDirectory
    let hubPort: Int
    let frontPort: Int
    private(set) var hub: ChildProcess?
    private(set) var spoke: ChildProcess?
    private(set) var ledger: ChildProcess?
    private(set) var spokePort = 0
    private var starts = 0

    init() throws {
        directory = try TemporaryDirectory()
        hubPort = try freePort()
        frontPort = try freePort()
        try FileManager.default.copyItem(
            atPath: Checkout.root.appending(path: "Topology/example").path, toPath: directory.file("topology"))
        // The example's own tests would refuse the changes that these tests make; they stand last in their files.
        for file in ["zone.yaml", "servers.yaml"] {
            let text = try directory.read("topology/zones/finance/\(file)")
            try directory.write(
                "topology/zones/finance/\(file)", text.components(separatedBy: "\ntests:")[0] + "\n")
        }
    }

    /// A hub with the example topology applied, as `dana`.
    static func withHub() async throws -> Wheel {
        let wheel = try Wheel()
        try await wheel.initializeHub()
        try await wheel.startHub()
        try await wheel.apply(why: "first import")
        return wheel
    }

    /// The whole example: hub, spoke in front of the ledger (HTTP) and a git repository (stdio), the enrolled bot.
    static func turning(
        spokeSettings: String = "", jsonAnswers: Bool = false, python version: String = "2.3",
        ledger program: String = "ledger_server.py"
    ) async throws -> Wheel {
        let wheel = try await withHub()
        try await wheel.startLedger(program, jsonAnswers: jsonAnswers)
        try await wheel.enrolSpoke()
        try await wheel.writeSpokeConfiguration(settings: spokeSettings)
        try await wheel.startSpoke()
        try await wheel.converge()
        try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
        try await wheel.awaitCatalogs()
        return wheel
    }

    /// For tests that call as fast as they can with one caller: it is not its rate that they test. To be applied.
    func raiseRates() throws {
        for (file, rate) in [
            ("organization.yaml", "requests: 300, per: 60s, burst: 60"),
            ("zones/finance/servers.yaml", "requests: 120, per: 60s"),
        ] {
            let text = try directory.read("topology/\(file)")
            guard text.contains(rate) else { throw TimedOut(description: "the example has no `\(rate)`") }
            try directory.write(
                "topology/\(file)", text.replacing(rate, with: "requests: 60000, per: 60s, burst: 6000"))
        }
    }

    // MARK: programs

    func initializeHub(_ more: [String] = [], environment: [String: String] = [:]) async throws {
        let made = try await run(
            Checkout.program("nave-hub"),
            [
                "init", "--data", directory.file("hub"), "--organization", "corp.example", "--listen",
                "127.0.0.1:\(hubPort)", "--front", "127.0.0.1:\(frontPort)", "--admin-context",
                directory.file("dana.json"),
            ] + more, environment: environment)
        try #require(made.code == 0, "\(made.errors)")
    }

    func startHub(_ more: [String] = [], environment: [String: String] = [:]) async throws {
        starts += 1
        let ready = directory.file("hub.ready.\(starts)")
        let child = try ChildProcess(
            Checkout.program("nave-hub"), ["serve", "--data", directory.file("hub"), "--ready-file", ready] + more,
            environment: environment)
        hub = child
        try await eventually("the hub is ready: \(child.standardError.suffix(2000))") {
            guard child.isRunning else { throw TimedOut(description: "the hub ended: \(child.standardError)") }
            return FileManager.default.fileExists(atPath: ready)
        }
    }

    func startLedger(_ program: String = "ledger_server.py", jsonAnswers: Bool = false) async throws {
        let server = try await ServerProcess(program, jsonAnswers ? ["json"] : [])
        ledger = server.child
        ledgerPort = server.port
        try await server.listens()
    }

    private(set) var ledgerPort = 0

    func enrolSpoke() async throws {
        let token = try await nave(["spoke", "invite", "finance/fin-1"]).output
        let enrolled = try await run(
            Checkout.program("nave-spoke"), ["enroll", "--data", directory.file("spoke")], input: token)
        try #require(enrolled.code == 0, "\(enrolled.errors)")
    }

    func writeSpokeConfiguration(settings: String = "") async throws {
        let repository = directory.file("repository")
        if !FileManager.default.fileExists(atPath: repository) {
            let git = URL(fileURLWithPath: "/usr/bin/git")
            _ = try await run(git, ["init", "-q", repository])
            _ = try await run(
                git,
                [
                    "-C", repository, "-c", "user.name=t", "-c", "user.email=t@corp.example", "commit", "-q",
                    "--allow-empty",
                    "-m", "the books are opened",
                ])
        }
        let server = try await PythonEnvironment.python("2.3").deletingLastPathComponent().appending(
            path: "mcp-server-git")
        try directory.write(
            "spoke.yaml",
            """
            listen: 127.0.0.1:\(spokePort)
            \(settings)
            servers:
              ledger: { url: "http://127.0.0.1:\(ledgerPort)/mcp" }
              git:
                command: ["\(server.path)", --repository, "\(repository)"]

            """)
    }

    func startSpoke(_ more: [String] = [], environment: [String: String] = [:]) async throws {
        starts += 1
        let ready = directory.file("spoke.ready.\(starts)")
        let child = try ChildProcess(
            Checkout.program("nave-spoke"),
            [
                "run", "--data", directory.file("spoke"), "--config", directory.file("spoke.yaml"), "--ready-file",
                ready,
                "--report-interval", "1s",
            ] + more, environment: environment)
        spoke = child
        try await eventually("the spoke is ready") {
            guard child.isRunning else { throw TimedOut(description: "the spoke ended: \(child.standardError)") }
            return FileManager.default.fileExists(atPath: ready)
        }
        let answer = try JSON(parsing: Array(try Data(contentsOf: URL(fileURLWithPath: ready))))
        spokePort = Int(answer["listen"]?.string?.split(separator: ":").last ?? "") ?? 0
    }

    /// Ends the spoke and starts it again with other flags, on another port.
    func restartSpoke(_ more: [String], environment: [String: String] = [:]) async throws {
        _ = try await spoke?.terminate()
        try await startSpoke(more, environment: environment)
    }

    // MARK: what people do

    func nave(_ arguments: [String], as name: String = "dana", input: String? = nil) async throws -> Finished {
        try await run(
            Checkout.program("nave"), arguments,
            environment: [
                "NAVE_CONTEXT": directory.file("\(name).json"), "XDG_CACHE_HOME": directory.file("wheel-cache"),
            ], input: input)
    }

    @discardableResult
    func apply(_ more: [String] = [], why: String = "a test") async throws -> Finished {
        let applied = try await nave(
            ["topology", "apply", directory.file("topology"), "--yes", "--why", why] + more)
        try #require(applied.code == 0, "\(applied.errors)")
        return applied
    }

    /// Until every enrolled spoke acknowledges the newest bundle.
    func converge() async throws {
        let rollout = try await nave(["rollout", "status", "--wait", "30s"])
        try #require(rollout.code == 0, "\(rollout.output)\(rollout.errors)\(spoke?.standardError.suffix(3000) ?? "")")
    }

    func enrolClient(_ client: String, as name: String) async throws {
        let token = try await nave(["client", "invite", client]).output
        let enrolled = try await run(
            Checkout.program("nave"), ["client", "enroll", "--context-file", directory.file("\(name).json")],
            input: token)
        try #require(enrolled.code == 0, "\(enrolled.errors)")
    }

    func enrolUser(_ address: String, as name: String) async throws {
        let token = try await nave(["user", "invite", address]).output
        let enrolled = try await run(
            Checkout.program("nave"), ["login", "--context-file", directory.file("\(name).json")], input: token)
        try #require(enrolled.code == 0, "\(enrolled.errors)")
    }

    /// Carries a prepared version of the trust manifest to two of its three keys and publishes it.
    func publishManifest(_ file: String) async throws -> Finished {
        for key in ["manifest-1.key", "manifest-3.key"] {
            let signed = try await nave(["trust", "sign", file, "--key", directory.file("hub.manifest-keys/\(key)")])
            guard signed.code == 0 else { return signed }
        }
        return try await nave(["trust", "publish", file, "--yes", "--why", "a test", "-o", "json"])
    }

    /// Adds a file with rules to the finance zone.
    func addRules(_ file: String, _ rules: String) throws {
        try directory.write("topology/zones/finance/\(file)", "in: finance\nrules:\n\(rules)\n")
    }

    /// Names one more reviewer of the finance zone.
    func addReviewer(_ address: String) throws {
        let text = try directory.read("topology/zones/finance/zone.yaml")
        try directory.write(
            "topology/zones/finance/zone.yaml",
            text.replacingOccurrences(
                of: "reviewer: [user:erin@corp.example]", with: "reviewer: [user:erin@corp.example, user:\(address)]"))
    }

    /// Until the spoke has learned what its servers offer.
    func awaitCatalogs() async throws {
        try await eventually("the spoke reports both servers up") {
            let listed = try await self.nave(["server", "list", "-o", "json"])
            guard listed.code == 0, let rows = try JSON(parsing: Array(listed.output.utf8)).array else { return false }
            return rows.count >= 2
                && rows.allSatisfy { row in
                    row["spokes"]?.object?.pairs.allSatisfy { $0.value.string == "up" } ?? false
                        && row["tools"]?.array?.isEmpty == false
                }
        }
    }

    /// One session of the official SDK's client with `nave connect`.
    func session(
        _ server: String, _ steps: [JSON], as name: String = "bot", sdk version: String = "2.3", mode: String? = nil
    ) async throws -> [JSON] {
        let python = try await PythonEnvironment.python(version)
        let arguments =
            [Checkout.root.appending(path: "Deploy/mcp/session.py").path] + (mode.map { ["--mode", $0] } ?? [])
            + [
                String(decoding: JSON.array(steps).bytes, as: UTF8.self), Checkout.program("nave").path, "connect",
                server, "--context", directory.file("\(name).json"),
            ]
        let finished = try await run(python, arguments, environment: ["XDG_CACHE_HOME": directory.file("cache")])
        let lines = try finished.output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        try #require(
            lines.count == steps.count,
            "\(finished.output)\(finished.errors.suffix(3000))\(spoke?.standardError.suffix(3000) ?? "")")
        return lines
    }

    /// What `nave-hub verify` finds of the ledger and of every row that follows from it.
    func verifyHub() async throws -> Finished {
        try await run(Checkout.program("nave-hub"), ["verify", "--data", directory.file("hub")])
    }

    /// The page of the spoke's `metrics:` at that port of loopback.
    func metrics(_ port: Int) async throws -> String {
        try await run(Self.curlProgram, ["-sS", "--max-time", "20", "http://127.0.0.1:\(port)/metrics"]).output
    }

    // MARK: raw requests

    /// Key and chain of a context of this moment, as files for programs that are not ours.
    func credential(of name: String) throws -> (chain: String, key: String) {
        let context = try JSON(parsing: Array(try directory.read("\(name).json").utf8))
        return (
            try directory.write("\(name).pem", try #require(context["chain"]?.string)),
            try directory.write("\(name).key", try #require(context["key"]?.string))
        )
    }

    /// One HTTPS request to the spoke by curl, with the certificate of a context or none.
    func curl(_ path: String, as name: String?, body: String? = nil, headers: [String] = [], more: [String] = [])
        async throws -> CurlAnswer
    {
        let arguments = try curlArguments(path, as: name, body: body, headers: headers)
        return CurlAnswer(try await run(Self.curlProgram, arguments + more))
    }

    /// One whose client is gone as soon as the file is there.
    func leave(_ path: String, as name: String, body: String, headers: [String], once file: String) async throws {
        let client = try ChildProcess(
            Self.curlProgram, try curlArguments(path, as: name, body: body, headers: headers))
        try await eventually("the server is at it: \(client.standardOutput)\(client.standardError)") {
            FileManager.default.fileExists(atPath: file)
        }
        client.signal(SIGKILL)
        try await client.wait()
    }

    private static let curlProgram = URL(fileURLWithPath: "/usr/bin/curl")

    private func curlArguments(_ path: String, as name: String?, body: String?, headers: [String]) throws -> [String] {
        var arguments = [
            "-sS", "-i", "--http1.1", "-k", "--max-time", "40", "https://127.0.0.1:\(spokePort)\(path)", "-H",
            "Content-Type: application/json", "-H", "Accept: application/json, text/event-stream",
        ]
        if let name {
            let credential = try credential(of: name)
            arguments += ["--cert", credential.chain, "--key", credential.key]
        }
        for header in headers { arguments += ["-H", header] }
        if let body { arguments += ["--data-binary", "@\(try directory.write("body-\(UUID().uuidString)", body))"] }
        return arguments
    }

    /// The first line of a client of the handshake era.
    static func hello(_ version: String = "2025-11-25") -> String {
        #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"\#(version)","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#
    }

    /// The body and headers of a 2026-07-28 call of a tool.
    static func modernCall(_ tool: String, _ arguments: JSON = .object(JSONObject([])), id: Int64 = 1) -> (
        body: String, headers: [String]
    ) {
        let body: JSON = [
            "jsonrpc": "2.0", "id": .number(JSONNumber(id)), "method": "tools/call",
            "params": [
                "name": .string(tool), "arguments": arguments,
                "_meta": [
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": .object(JSONObject([])),
                ],
            ],
        ]
        return (
            String(decoding: body.bytes, as: UTF8.self),
            ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: \(tool)"]
        )
    }
}

/// What curl saw.
struct CurlAnswer {
    var exit: Int32
    var status: Int
    var headers: [String: String]
    var body: String
    var errors: String

    init(_ finished: Finished) {
        exit = finished.code
        errors = finished.errors
        let parts = finished.output.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
        headers = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if pair.count == 2 { headers[pair[0].lowercased()] = pair[1] }
        }
        body = parts.dropFirst().joined(separator: "\r\n\r\n")
    }
}
