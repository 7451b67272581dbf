import Foundation
import Model
import TestSupport
import Testing

/// What a spoke's `oauth:` listener takes: an authorization server made with Authlib, as a process, and a certificate.
struct TokenDoor {
    let identity: ChildProcess
    /// Where the authorization server listens.
    let issuer: String
    let port: Int
    let files: TemporaryDirectory

    var url: String { "https://localhost:\(port)" }
    /// For curl, to believe the certificate that is shown now.
    var roots: [String] { ["--cacert", files.file("pem")] }

    static func open() async throws -> TokenDoor {
        let identityPort = try freePort()
        let child = try ChildProcess(
            try await PythonEnvironment.python("identity"),
            [Checkout.root.appending(path: "Deploy/mcp/identity_provider.py").path, "\(identityPort)"],
            environment: ["AUTHLIB_INSECURE_TRANSPORT": "1"])
        try await eventually("the authorization server listens") {
            guard child.isRunning else { throw TimedOut(description: "it ended: \(child.standardError)") }
            return child.standardError.contains("Running on")
        }
        let door = TokenDoor(
            identity: child, issuer: "http://127.0.0.1:\(identityPort)", port: try freePort(),
            files: try TemporaryDirectory())
        try await door.makeCertificate("pem", key: "key")
        return door
    }

    /// A certificate for `localhost` that signs itself, and its key, under those names in `files`.
    func makeCertificate(_ name: String, key: String) async throws {
        let made = try await run(
            URL(fileURLWithPath: "/usr/bin/openssl"),
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", files.file(key),
                "-out", files.file(name),
            ])
        try #require(made.code == 0, "\(made.errors)")
    }

    /// `oauth:` of `spoke.yaml`.
    /// - Parameters:
    ///   - more: settings besides, each a line of its own.
    ///   - issuer: settings of the issuer besides, in the same form.
    func settings(_ more: [String] = [], issuer settings: [String] = []) -> String {
        let lines =
            [
                "oauth:", "  listen: 127.0.0.1:\(port)", "  url: \(url)", "  certificate: \(files.file("pem"))",
                "  key: \(files.file("key"))",
            ] + more.map { "  \($0)" }
            + [
                "  issuers:", "    - issuer: \(issuer)", "      keys: \(issuer)/keys",
                #"      groups: { prefix: "corp:" }"#,
            ]
            + settings.map { "      \($0)" }
        return lines.joined(separator: "\n")
    }

    func curl(_ arguments: [String]) async throws -> CurlAnswer {
        CurlAnswer(
            try await run(
                URL(fileURLWithPath: "/usr/bin/curl"), ["-sS", "-i", "--http1.1", "--max-time", "20"] + arguments))
    }

    /// A token for that server, straight from the authorization server.
    /// - Parameter key: the name that it gives its key, where that is another one.
    func token(for server: String, key: String? = nil) async throws -> String {
        let named = key.map { ["-d", "kid=\($0)"] } ?? []
        return try await curl(["-d", "resource=\(url)/\(server)/mcp"] + named + ["\(issuer)/mint"]).body
    }

    /// What the authorization server does when it is told so.
    @discardableResult
    func tell(_ path: String) async throws -> String { try await curl(["-X", "POST", "\(issuer)/\(path)"]).body }

    /// How often the spoke fetched the keys.
    func asked() async throws -> Int { Int(try await curl(["\(issuer)/asked"]).body) ?? 0 }
}
