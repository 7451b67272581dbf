import Foundation
import TestSupport

/// An MCP server of `Deploy/mcp` over HTTP, as a process on a port of its own. It ends when `child` goes.
struct ServerProcess {
    let child: ChildProcess
    let port: Int

    /// - Parameters:
    ///   - python: nil for that with the newest SDK.
    ///   - more: arguments behind the port.
    init(_ program: String, python: URL? = nil, _ more: [String] = []) async throws {
        port = try freePort()
        let interpreter = if let python { python } else { try await PythonEnvironment.python("2.3") }
        child = try ChildProcess(
            interpreter, [Checkout.root.appending(path: "Deploy/mcp/\(program)").path, "\(port)"] + more)
    }

    /// The same, once it listens.
    static func listening(_ program: String, python: URL? = nil, _ more: [String] = []) async throws -> ServerProcess {
        let server = try await ServerProcess(program, python: python, more)
        try await server.listens()
        return server
    }

    func listens() async throws {
        try await eventually("the server listens", seconds: 60) {
            guard child.isRunning else { throw TimedOut(description: "the server ended: \(child.standardError)") }
            return child.standardError.contains("running on")
        }
    }
}
