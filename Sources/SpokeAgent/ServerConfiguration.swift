import Model
import Transport

/// One server of `spoke.yaml`: its short name and how this host reaches it.
package struct ServerConfiguration: Hashable, Sendable {
    package enum Upstream: Hashable, Sendable {
        case http(HTTPTarget)
        case stdio(StdioCommand)
    }

    package var name: String
    package var upstream: Upstream
    /// How it is told who calls; nil for not at all.
    package var identity: IdentitySettings?

    package init(name: String, upstream: Upstream, identity: IdentitySettings? = nil) {
        self.name = name
        self.upstream = upstream
        self.identity = identity
    }

    static func read(_ key: NodeReader, _ value: NodeReader) -> ServerConfiguration? {
        guard let name = key.label("a server's name") else { return nil }
        var identity: IdentitySettings?
        let upstream = value.mapping("a server") { server -> Upstream? in
            identity = server.optional("upstream", IdentitySettings.read).flatMap { $0.form == .none ? nil : $0 }
            let remote = server.optional("allowRemote") { $0.bool() } ?? false
            let path = server.optional("path") { $0.parsed("a path", HTTPTarget.path) }
            let environment = server.optional("env") { $0.entries(maximum: 100, EnvironmentVariable.read) } ?? []
            let user = server.optional("user") { $0.string("a user of this host", maximumLength: 32) }
            let sandbox = server.optional("sandbox", StdioCommand.Sandbox.read)
            let limits = server.optional("limits", StdioCommand.Limits.read) ?? StdioCommand.Limits()
            guard let source = server.oneOf(["url", "command"]) else { return nil }
            if source.key == "url" {
                for key in ["env", "user", "sandbox", "limits"] where server.has(key) {
                    server.problems.add("bad-value", "`\(key)` is for `command` only", at: server.place(of: key))
                }
                return source.value.parsed(
                    "a URL",
                    throwing: { text throws(ModelError) in
                        .http(try HTTPTarget(text, path: path, allowRemote: remote))
                    })
            }
            if server.has("upstream") {
                server.problems.add("bad-value", "`upstream` is for `url` only", at: server.place(of: "upstream"))
            }
            let words = source.value.list(minimum: 1, maximum: 200) {
                $0.string("a word of a command", allowsEmpty: true)
            }
            guard let program = words.first, !program.isEmpty else { return nil }
            return .stdio(
                StdioCommand(
                    program: program, arguments: Array(words.dropFirst()), environment: environment, user: user,
                    sandbox: sandbox, limits: limits))
        }
        return upstream.map { ServerConfiguration(name: name, upstream: $0, identity: identity) }
    }
}

/// Where an HTTP upstream listens on this host.
package struct HTTPTarget: Hashable, Sendable {
    package enum Address: Hashable, Sendable {
        case tcp(HostPort)
        case unix(String)
    }

    package var address: Address
    /// What goes upstream as `Host`.
    package var authority: String
    /// Of the MCP endpoint there.
    package var path: String

    /// `http://127.0.0.1:8000/mcp`, or `unix:/run/ledger.sock` with the endpoint's path beside it (default `/mcp`).
    /// - Throws: `bad-url`, `remote-upstream`.
    package init(_ text: String, path: String? = nil, allowRemote: Bool = false) throws(ModelError) {
        if text.hasPrefix("unix:/") {
            address = .unix(String(text.dropFirst("unix:".count)))
            // Servers that hold `Host` to a list of loopback names want a port with it.
            authority = "localhost:80"
            self.path = path ?? "/mcp"
            return
        }
        let scheme = "http://"
        let rest = text.dropFirst(scheme.count)
        let authority = String(rest.prefix { $0 != "/" })
        guard text.hasPrefix(scheme), !authority.contains("@"),
            let target = (try? HostPort(authority)) ?? (try? HostPort(authority + ":80")), target.port > 0,
            let parsed = Self.path(String(rest.dropFirst(authority.count)))
        else {
            throw ModelError(
                "bad-url", "`\(text.prefix(120))` is not an upstream",
                hint: "`http://127.0.0.1:PORT/mcp` or `unix:/path`; TLS to an upstream is not spoken")
        }
        guard allowRemote || target.isLoopback else {
            throw ModelError(
                "remote-upstream", "`\(target)` is not on this host",
                hint: "without TLS a call can be read on the way; `allowRemote: true` accepts that")
        }
        guard path == nil else { throw ModelError("bad-url", "`path` is for `unix:` only, here it stands in the URL") }
        address = .tcp(target)
        self.authority = authority
        self.path = parsed
    }

    static func path(_ text: String) -> String? {
        guard text.hasPrefix("/"), text.utf8.count <= 1024,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "?") })
        else { return nil }
        return text
    }
}

/// A server that speaks on its standard streams.
package struct StdioCommand: Hashable, Sendable {
    package var program: String
    package var arguments: [String]
    package var environment: [EnvironmentVariable]
    /// Whom it runs as; nil for the spoke's own user.
    package var user: String?
    package var sandbox: Sandbox?
    package var limits = Limits()

    /// A bubblewrap sandbox: a file system of its own with the system's programs, no network, no other processes.
    package struct Sandbox: Hashable, Sendable {
        /// Absolute paths that are there as they are, not to be written.
        package var read: [String]
        package var write: [String]
        package var network: Bool

        static func read(_ value: NodeReader) -> Sandbox? {
            let path = { (value: NodeReader) in
                value.parsed("an absolute path", { $0.hasPrefix("/") && !$0.contains("\0") ? $0 : nil })
            }
            return value.mapping("a sandbox") { sandbox in
                Sandbox(
                    read: sandbox.optional("read") { $0.list(maximum: 64, path) } ?? [],
                    write: sandbox.optional("write") { $0.list(maximum: 64, path) } ?? [],
                    network: sandbox.optional("network") { $0.bool() } ?? false)
            }
        }
    }

    package struct Limits: Hashable, Sendable {
        /// Processes at once, of all callers and of one.
        package var processes = 64
        package var processesPerCaller = 8
        /// Of each process; nil for no bound but the host's.
        package var memory: ByteCount?
        /// After which a process that nobody uses ends.
        package var idle = Milliseconds.minutes(5)
        /// Starts in a minute, of all callers; a quarter of them, two at least, is for one (`StartPace`).
        package var starts = 120

        static func read(_ value: NodeReader) -> Limits? {
            value.mapping("limits") { limits in
                var read = Limits()
                let count = { (key: String, standard: Int) in
                    limits.optional(key) { $0.integer(in: 1...10_000).map { Int($0) } } ?? standard
                }
                read.processes = count("processes", read.processes)
                read.processesPerCaller = count("processesPerCaller", read.processesPerCaller)
                read.starts = count("starts", read.starts)
                read.memory = limits.optional("memory") { $0.size() }
                read.idle = limits.optional("idle") { $0.duration() } ?? read.idle
                return read
            }
        }
    }
}

/// One variable of a stdio server's environment.
package struct EnvironmentVariable: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case literal(String)
        case file(String)
        /// Of systemd: a file below `$CREDENTIALS_DIRECTORY`.
        case credential(String)
    }

    package var name: String
    package var value: Value

    static func read(_ key: NodeReader, _ value: NodeReader) -> EnvironmentVariable? {
        let isName = { (text: String) in
            text.utf8.allSatisfy {
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
                    || UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || $0 == UInt8(ascii: "_")
            }
        }
        guard let name = key.parsed("a variable's name", { isName($0) ? $0 : nil }),
            let text = value.string("a value", allowsEmpty: true)
        else { return nil }
        if text.hasPrefix("file:") {
            let path = String(text.dropFirst("file:".count))
            guard path.hasPrefix("/") else {
                value.fail("bad-value", "\(backticked(text)) names no absolute path")
                return nil
            }
            return EnvironmentVariable(name: name, value: .file(path))
        }
        if text.hasPrefix("credential:") {
            let credential = String(text.dropFirst("credential:".count))
            guard !credential.isEmpty, !credential.contains("/"), credential != "..", credential != "." else {
                value.fail("bad-value", "\(backticked(text)) names no credential")
                return nil
            }
            return EnvironmentVariable(name: name, value: .credential(credential))
        }
        guard !looksSecret(name: name, value: text) else {
            // The value itself is not quoted: this message goes to a log.
            value.fail(
                "literal-secret", "the value of \(backticked(name)) looks like a secret",
                hint: "put it into a file of its own and write `file:/path` or `credential:NAME`")
            return nil
        }
        return EnvironmentVariable(name: name, value: .literal(text))
    }

    /// The value, read now; secrets are read at each start of a process and kept nowhere.
    /// - Throws: `not-readable`.
    package func resolve(credentials: String?) throws(SpokeError) -> String {
        let path: String
        switch value {
        case .literal(let text): return text
        case .file(let file): path = file
        case .credential(let name):
            guard let credentials else {
                throw SpokeError(
                    "not-readable", "`credential:\(name)` needs `CREDENTIALS_DIRECTORY`", hint: "systemd sets it")
            }
            path = credentials + "/" + name
        }
        guard let bytes = try DurableFile.read(path, maximumBytes: 64 << 10) else {
            throw SpokeError("not-readable", "the value of `\(name)` is not at `\(path)`")
        }
        guard var text = String(validating: bytes, as: UTF8.self), !text.contains("\0") else {
            throw SpokeError("not-readable", "the value of `\(name)` at `\(path)` is not text")
        }
        while text.hasSuffix("\n") || text.hasSuffix("\r") { text.removeLast() }
        return text
    }
}

/// Whether a literal looks like something that must not stand in a file of settings: by its variable's name, by a known
/// prefix, or as a long run without spaces or slashes that mixes letters and digits.
func looksSecret(name: String, value: String) -> Bool {
    guard !value.isEmpty else { return false }
    let words = [
        "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "API_KEY", "PRIVATE_KEY", "ACCESS_KEY",
        "CREDENTIAL",
    ]
    let upper = name.uppercased()
    if words.contains(where: upper.contains) { return true }
    let prefixes = [
        "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk-", "AKIA", "eyJ", "-----BEGIN", "nave-join:",
    ]
    if prefixes.contains(where: value.hasPrefix) { return true }
    let bytes = value.utf8
    guard bytes.count >= 24, bytes.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ".") })
    else {
        return false
    }
    return value.contains(where: \.isNumber) && value.contains(where: \.isLetter)
}
