import Foundation

/// The Python that has the official MCP SDK of a version, in a virtual environment made once and kept beside the build.
package enum PythonEnvironment {
    /// - Parameter version: of a `Deploy/mcp/requirements-*.txt`, as `2.3`.
    /// - Throws: when it cannot be made; a test never goes on without it.
    package static func python(_ version: String) async throws -> URL {
        let made = try await run(
            Checkout.root.appending(path: "Deploy/lib/python"), [version], seconds: 600)
        guard made.code == 0 else { throw TimedOut(description: "no Python environment: \(made.errors)") }
        return URL(fileURLWithPath: made.output.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
