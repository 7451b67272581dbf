import Foundation
import Synchronization

/// A real program as a child, ended by its pid when the value goes.
///
/// Spawned by posix_spawn(3) itself: Foundation's `Process` was seen to crash in `run()` after some hundred children.
package final class ChildProcess: Sendable {
    package let pid: Int32
    private let name: String
    private let directory: TemporaryDirectory
    /// The wait status, once the child has ended and was reaped.
    private let status = Mutex<Int32?>(nil)

    package init(
        _ program: URL, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws {
        directory = try TemporaryDirectory()
        name = program.lastPathComponent
        try directory.write("stdin", input ?? "")
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("NAVE_") }
        // A backtracer that holds on to a pipe would outlive a crash that is expected.
        variables["SWIFT_BACKTRACE"] = "enable=no"
        variables.merge(environment) { $1 }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, directory.file("stdin"), O_RDONLY, 0)
        for (descriptor, file) in [(Int32(1), "stdout"), (2, "stderr")] {
            posix_spawn_file_actions_addopen(&actions, descriptor, directory.file(file), O_WRONLY | O_CREAT, 0o600)
        }
        var words: [UnsafeMutablePointer<CChar>?] = ([program.path] + arguments).map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + settings).forEach { free($0) } }
        // Threads of Swift's pool block signals, and a child inherits that: SIGALRM would never reach it.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var child: pid_t = 0
        let failure = posix_spawn(&child, program.path, &actions, &attributes, &words, &settings)
        guard failure == 0 else {
            throw TimedOut(description: "cannot start `\(program.path)`: \(String(cString: strerror(failure)))")
        }
        pid = child
    }

    deinit {
        if isRunning {
            kill(pid, SIGKILL)
            var ended: Int32 = 0
            waitpid(pid, &ended, 0)
        }
    }

    package var standardOutput: String { (try? directory.read("stdout")) ?? "" }
    package var standardError: String { (try? directory.read("stderr")) ?? "" }

    package var isRunning: Bool {
        status.withLock { known in
            guard known == nil else { return false }
            var ended: Int32 = 0
            guard waitpid(pid, &ended, WNOHANG) == pid else { return true }
            known = ended
            return false
        }
    }

    package func signal(_ number: Int32) {
        // Never a pid that was reaped: it may be somebody else's by now.
        if isRunning { kill(pid, number) }
    }

    /// Blocks the thread until it ends: for where nothing can be awaited, and for programs that end by themselves.
    @discardableResult
    package func waitUntilExit() -> Int32 {
        while isRunning { usleep(2000) }
        return code
    }

    private var code: Int32 {
        let ended = status.withLock { $0 ?? 0 }
        return ended & 0x7F == 0 ? (ended >> 8) & 0xFF : 128 + (ended & 0x7F)
    }

    /// The exit code, or 128 + the signal that ended it.
    /// - Throws: `TimedOut` when it is still running then; it is killed.
    @discardableResult
    package func wait(seconds: Double = 60) async throws -> Int32 {
        do {
            try await eventually("`\(name)` ends", seconds: seconds) { !self.isRunning }
        } catch {
            signal(SIGKILL)
            throw error
        }
        return code
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
/// - Parameter what: asked for once it did not, so that a log in it is what it is by then.
/// - Throws: `TimedOut` when it does not in time.
package func eventually(
    _ what: @autoclosure @Sendable () -> String, seconds: Double = 30, _ condition: @Sendable () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .milliseconds(Int(seconds * 1000))
    while true {
        if try await condition() { return }
        guard ContinuousClock.now < deadline else { throw TimedOut(description: "not in \(seconds) s: \(what())") }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// A TCP port of 127.0.0.1 that was free a moment ago, never given twice by this process.
///
/// Below the range that the kernel takes for outgoing connections (32768 and up, ip_local_port_range): nobody is given it by
/// chance while the program that it is for starts, or starts again.
package func freePort() throws -> Int {
    for _ in 0..<1000 {
        let port = Int.random(in: 10_000..<32_768)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if bound, given.withLock({ $0.insert(port).inserted }) { return port }
    }
    throw TimedOut(description: "no free port")
}

private let given = Mutex<Set<Int>>([])
