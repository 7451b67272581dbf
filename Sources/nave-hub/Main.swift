import ArgumentParser
import Foundation
import HubService

@main
struct NaveHub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nave-hub",
        abstract: "The hub of Nave: registry, certificates and policy of all zones.",
        discussion: """
            A hub keeps everything in one data directory:

              nave-hub init --data /var/lib/nave --organization corp.example
              nave-hub serve --data /var/lib/nave

            Flags whose help names a variable can stand in the environment instead.
            """,
        version: HubProgram.version,
        subcommands: [
            Init.self, Serve.self, Verify.self, Backup.self, Restore.self, RecoverAdmin.self, Epoch.self, Root.self,
        ])
}

/// Prints an error as people read it, and ends with 1.
func failing<T>(_ body: () async throws -> T) async throws -> T {
    do {
        return try await body()
    } catch {
        FileHandle.standardError.write(Data(errorText(error).utf8))
        throw ExitCode(1)
    }
}

/// A flag, or the variable that stands for it.
/// - Throws: `ValidationError` when there is neither.
func required(_ flag: String?, _ name: String, _ variable: String) throws -> String {
    guard let value = optional(flag, variable) else {
        throw ValidationError("Missing --\(name) (or \(variable) in the environment)")
    }
    return value
}

/// The passphrase of the hub's keys, where there is one.
func passphrase(_ file: String?) throws -> [UInt8]? {
    try KeyPassphrase.find(file: file, environment: ProcessInfo.processInfo.environment)
}

func optional(_ flag: String?, _ variable: String) -> String? {
    flag ?? ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
}
