import Foundation
import Model

/// How a command of `spoke.yaml` becomes a process: found, confined and bounded as that file says.
package struct StdioStartup: Hashable, Sendable {
    package struct User: Hashable, Sendable {
        package var id: UInt32
        package var group: UInt32
    }

    /// An absolute path.
    package var program: String
    package var arguments: [String]
    package var user: User?

    /// What a program needs of a Debian host to run at all; nothing that names people or holds secrets.
    private static let base = [
        "/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/alternatives", "/etc/ca-certificates", "/etc/ssl",
        "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/localtime",
    ]

    /// - Parameter path: of the spoke's own environment, where programs without a slash are looked for.
    /// - Throws: `no-program`, `no-user`.
    package init(_ command: StdioCommand, path: String) throws(SpokeError) {
        var words = [try Self.find(command.program, path)] + command.arguments
        if let sandbox = command.sandbox {
            words = [try Self.find("bwrap", path)] + Self.options(sandbox) + ["--"] + words
        }
        if let memory = command.limits.memory {
            // Private writable memory (`RLIMIT_DATA`): address space alone says little, runtimes reserve what they never use.
            words = [try Self.find("prlimit", path), "--data=\(memory.count)", "--core=0", "--"] + words
        }
        program = words[0]
        arguments = Array(words.dropFirst())
        user = try command.user.map(Self.look)
    }

    private static func options(_ sandbox: StdioCommand.Sandbox) -> [String] {
        // No `--die-with-parent`: the parent's death is that of the thread which started the process. The group is ended.
        var options = ["--unshare-all"]
        if sandbox.network { options.append("--share-net") }
        for place in base { options += ["--ro-bind-try", place, place] }
        options += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        for place in sandbox.read { options += ["--ro-bind", place, place] }
        for place in sandbox.write { options += ["--bind", place, place] }
        return options + ["--chdir", sandbox.write.first ?? sandbox.read.first ?? "/"]
    }

    private static func find(_ program: String, _ path: String) throws(SpokeError) -> String {
        if program.contains("/") { return program }
        for directory in path.split(separator: ":") where directory.hasPrefix("/") {
            let candidate = "\(directory)/\(program)"
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw SpokeError(
            "no-program", "there is no program `\(program)` on the spoke's PATH",
            hint: program == "bwrap" ? "apt-get install bubblewrap" : "write its whole path")
    }

    private static func look(_ name: String) throws(SpokeError) -> User {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw SpokeError("no-user", "this host has no user `\(name)`")
        }
        guard geteuid() == 0 || geteuid() == entry.pw_uid else {
            throw SpokeError(
                "no-user", "only root can run a server as `\(name)`",
                hint: "run the spoke as root, or as that user, or leave `user` out")
        }
        return User(id: entry.pw_uid, group: entry.pw_gid)
    }
}
