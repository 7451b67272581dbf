import ArgumentParser
import Foundation
import SpokeAgent

@main
struct NaveSpoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nave-spoke",
        abstract: "The agent that fronts a host's MCP servers and enforces what the hub decided.",
        discussion: """
            A spoke keeps its key, its certificate, the last good delivery and its journal in one data directory. What it
            runs or dials on this host is in spoke.yaml, which the hub never sees:

              listen: 0.0.0.0:9443
              servers:
                ledger: { url: "http://127.0.0.1:8000/mcp" }
                git:
                  command: [mcp-server-git, --repository, /srv/repo]
                  env: { TOKEN: "file:/run/credentials/token" }

            Get a token with `nave spoke invite ZONE/NAME`, then:

              nave-spoke enroll --data /var/lib/nave-spoke --token-file token
              nave-spoke run --data /var/lib/nave-spoke --config /etc/nave/spoke.yaml

            Flags whose help names a variable can stand in the environment instead.
            """,
        version: Commands.version,
        subcommands: [Enroll.self, Run.self, VerifyData.self, BundleNoun.self])
}

/// Prints an error as people read it, and ends with 1.
func failing<T>(_ body: () async throws -> T) async throws -> T {
    do { return try await body() } catch {
        say(Commands.explain(error), terminator: "")
        throw ExitCode(1)
    }
}

/// Talk, which goes to standard error.
func say(_ text: String, terminator: String = "\n") {
    FileHandle.standardError.write(Data((text + terminator).utf8))
}

/// A flag, or the variable that stands for it.
func given(_ flag: String?, _ variable: String) -> String? {
    flag ?? ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
}

/// - Throws: `ValidationError` when there is neither.
func required(_ flag: String?, _ name: String, _ variable: String) throws -> String {
    guard let value = given(flag, variable) else {
        throw ValidationError("Missing --\(name) (or \(variable) in the environment)")
    }
    return value
}
