import Model
import SpokeAgent
import Testing

@Suite("spoke.yaml")
struct ConfigurationTests {
    private func read(_ text: String) throws -> SpokeConfiguration {
        try SpokeConfiguration.read(Array(text.utf8), file: "spoke.yaml")
    }

    @Test("the example of the design")
    func example() throws {
        let configuration = try read(
            """
            listen: 0.0.0.0:9443
            servers:
              ledger: { url: "http://127.0.0.1:8000/mcp" }
              socket: { url: "unix:/run/socket.sock", path: /rpc }
              git:
                command: [mcp-server-git, --repository, /srv/repo]
                env: { TOKEN: "file:/run/credentials/token", LOG_LEVEL: debug, KEY: "credential:git" }
            audit: { sync: always, onFull: spill, spill: { directory: /var/spool/nave, limit: 1MiB }, keep: 8MiB, segment: 1MiB }
            metrics: 127.0.0.1:9464
            """)
        #expect("\(configuration.listen)" == "0.0.0.0:9443")
        #expect(configuration.audit.sync == .always)
        #expect(configuration.audit.spill == AuditSettings.Spill(directory: "/var/spool/nave", limit: 1 << 20))
        #expect(configuration.audit.keep == 8 << 20)
        #expect(configuration.audit.segment == 1 << 20)
        #expect(configuration.servers.map(\.name) == ["git", "ledger", "socket"])
        guard case .stdio(let command) = configuration.servers[0].upstream else {
            Issue.record("git is no command")
            return
        }
        #expect(command.program == "mcp-server-git")
        #expect(
            command.environment.map(\.value) == [
                .file("/run/credentials/token"), .literal("debug"), .credential("git"),
            ])
        guard case .http(let target) = configuration.servers[2].upstream else {
            Issue.record("socket is no URL")
            return
        }
        #expect(target.address == .unix("/run/socket.sock"))
        #expect(target.path == "/rpc")
    }

    @Test(
        "what is refused, with the words that say why",
        arguments: [
            ("servers: {}", "missing-key", "`listen`"),
            ("listen: here\nservers: {}", "bad-value", "HOST:PORT"),
            ("listen: 127.0.0.1:1\nservers: {}\naudit: { onFull: spill }", "missing-key", "`spill`"),
            ("listen: 127.0.0.1:1\nservers: {}\naudit: { onFull: wait }", "bad-value", "deny"),
            (
                "listen: 127.0.0.1:1\nservers: {}\naudit: { spill: { directory: /x, limit: 1MiB } }", "bad-value",
                "`onFull: spill` only"
            ),
            (
                "listen: 127.0.0.1:1\nservers: {}\naudit: { onFull: spill, spill: { directory: x, limit: 1MiB } }",
                "bad-value", "absolute"
            ),
            (
                "listen: 127.0.0.1:1\nservers: {}\naudit: { onFull: spill, spill: { directory: /x, limit: 1GiB } }",
                "bad-value", "256MiB"
            ),
            ("listen: 127.0.0.1:1\nservers: {}\naudit: { segment: 1B }", "bad-value", "4KiB"),
            ("listen: 127.0.0.1:1\nservers: {}\nmetrics: 0.0.0.0:9464", "bad-value", "loopback"),
            (
                "listen: 127.0.0.1:1\nservers: { a: { url: \"http://10.0.0.1:80/mcp\" } }", "remote-upstream",
                "not on this host"
            ),
            ("listen: 127.0.0.1:1\nservers: { a: { url: \"https://127.0.0.1/mcp\" } }", "bad-url", "TLS"),
            ("listen: 127.0.0.1:1\nservers: { a: { url: \"http://u@127.0.0.1/mcp\" } }", "bad-url", "upstream"),
            ("listen: 127.0.0.1:1\nservers: { A: { command: [x] } }", "bad-value", "name"),
            (
                "listen: 127.0.0.1:1\nservers: { a: { command: [x], env: { API_TOKEN: hunter2 } } }", "literal-secret",
                "API_TOKEN"
            ),
            (
                "listen: 127.0.0.1:1\nservers: { a: { command: [x], env: { V: ghp_0123456789abcdef } } }",
                "literal-secret", "V"
            ),
            (
                "listen: 127.0.0.1:1\nservers: { a: { command: [x], env: { V: \"file:relative\" } } }", "bad-value",
                "absolute"
            ),
            ("listen: 127.0.0.1:1\nservers: { a: { comand: [x] } }", "unknown-key", "comand"),
            (
                "listen: 127.0.0.1:1\nservers: { a: { command: [x], url: \"http://127.0.0.1:1/\" } }", "bad-value",
                "not both"
            ),
        ])
    func refused(_ text: String, _ code: String, _ words: String) throws {
        let error = #expect(throws: SpokeError.self) { try read(text) }
        #expect(error?.code == "bad-configuration")
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        // A secret that was found is not shown.
        #expect(error?.message.contains("hunter2") == false)
        #expect(error?.message.contains("ghp_") == false)
    }

    @Test("a remote upstream can be allowed")
    func remote() throws {
        let configuration = try read(
            "listen: 127.0.0.1:1\nservers: { a: { url: \"http://10.0.0.1:8000/mcp\", allowRemote: true } }")
        guard case .http(let target) = configuration.servers[0].upstream else {
            Issue.record("no URL")
            return
        }
        #expect(target.authority == "10.0.0.1:8000")
    }
}
