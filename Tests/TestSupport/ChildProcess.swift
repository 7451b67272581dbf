import Foundation
import Synchronization

/// A real program as a child, ended by its pid when the value goes.
package final class ChildProcess: @unchecked Sendable {
    // `Process` is not Sendable; it is only started, waited for and signalled here, which Foundation allows on any thread.
    private let process = Process()
    private let output: URL
    private let errors: URL
    private let directory: TemporaryDirectory

    package var pid: Int32 { process.processIdentifier }

    package init(
        _ program: URL, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws {
        directory = try TemporaryDirectory()
        output = URL(fileURLWithPath: directory.file("stdout"))
        errors = URL(fileURLWithPath: directory.file("stderr"))
        for file in [output, errors] { try Data().write(to: file) }
        process.executableURL = program
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("NAVE_") }
        // A backtracer that holds on to a pipe would outlive a crash that is expected.
        variables["SWIFT_BACKTRACE"] = "enable=no"
        variables.merge(environment) { $1 }
        process.environment = variables
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let given = directory.file("stdin")
        try (input ?? "").write(toFile: given, atomically: true, encoding: .utf8)
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: given))
        try process.run()
    }

    deinit {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
    }

    package var standardOutput: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }
    package var standardError: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }
    package var isRunning: Bool { process.isRunning }

    package func signal(_ number: Int32) { _ = Foundation.kill(process.processIdentifier, number) }

    /// The exit code, or 128 + the signal that ended it.
    /// - Throws: `TimedOut` when it is still running then; it is killed.
    @discardableResult
    package func wait(seconds: Double = 60) async throws -> Int32 {
        do {
            try await eventually("`\(process.executableURL?.lastPathComponent ?? "")` ends", seconds: seconds) {
                !self.process.isRunning
            }
        } catch {
            signal(SIGKILL)
            throw error
        }
        return process.terminationReason == .uncaughtSignal
            ? 128 + process.terminationStatus : process.terminationStatus
    }

    /// Asks it to end and waits.
    @discardableResult
    package func terminate() async throws -> Int32 {
        signal(SIGTERM)
        return try await wait(seconds: 20)
    }
}

/// What a program that has ended left behind.
package struct Finished: Sendable {
    package var code: Int32
    package var output: String
    package var errors: String
}

/// Runs a program to its end.
package func run(
    _ program: URL, _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
    seconds: Double = 120
) async throws -> Finished {
    let child = try ChildProcess(program, arguments, environment: environment, input: input)
    let code = try await child.wait(seconds: seconds)
    return Finished(code: code, output: child.standardOutput, errors: child.standardError)
}

package struct TimedOut: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
}

/// Returns as soon as the condition holds.
/// - Throws: `TimedOut` when it does not in time.
package func eventually(
    _ what: String, seconds: Double = 30, _ condition: @Sendable () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .milliseconds(Int(seconds * 1000))
    while true {
        if try await condition() { return }
        guard ContinuousClock.now < deadline else { throw TimedOut(description: "not in \(seconds) s: \(what)") }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// A TCP port of 127.0.0.1 that was free a moment ago, never given twice by this process.
package func freePort() throws -> Int {
    while true {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
            }
        }
        guard bound else { throw TimedOut(description: "no free port") }
        let port = Int(UInt16(bigEndian: address.sin_port))
        if given.withLock({ $0.insert(port).inserted }) { return port }
    }
}

private let given = Mutex<Set<Int>>([])
