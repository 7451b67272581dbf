import Foundation
import Model
import Transport

/// Where the contexts of this person lie: `~/.config/nave/contexts/NAME.json`, mode 0600, and `current`, which names
/// one.
package struct ContextStore: Sendable {
    /// `~/.config/nave`.
    package let directory: String
    /// What may be lost: `~/.cache/nave`.
    package let cache: String

    package init(directory: String, cache: String) {
        self.directory = directory
        self.cache = cache
    }

    /// By the XDG base directory specification. A relative path there counts as none.
    /// - Throws: `no-home`.
    package init(environment: [String: String]) throws(AdminError) {
        func base(_ variable: String, _ standard: String) -> String? {
            if let path = environment[variable], path.hasPrefix("/") { return path }
            return environment["HOME"].flatMap { $0.hasPrefix("/") ? "\($0)/\(standard)" : nil }
        }
        guard let config = base("XDG_CONFIG_HOME", ".config"), let cache = base("XDG_CACHE_HOME", ".cache") else {
            throw AdminError(
                "no-home", "neither HOME nor XDG_CONFIG_HOME says where contexts are kept",
                hint: "give the file with `--context FILE`")
        }
        self.init(directory: "\(config)/nave", cache: "\(cache)/nave")
    }

    package func path(of name: String) -> String { "\(directory)/contexts/\(name).json" }

    /// Letters, digits, `.`, `_`, `-`, at most 128; does not begin with a dot.
    package static func isName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && !text.hasPrefix(".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Sorted.
    package func names() -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/contexts")) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(".json".count)) }.filter(Self.isName)
            .sorted()
    }

    /// The one that `nave context use` chose.
    package func current() -> String? {
        guard let text = try? String(contentsOfFile: "\(directory)/current", encoding: .utf8) else { return nil }
        let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return Self.isName(name) ? name : nil
    }

    /// - Throws: `unknown-context`, `cannot-write`.
    package func use(_ name: String) throws(AdminError) {
        guard names().contains(name) else { throw unknown(name) }
        try PrivateFile.replace("\(directory)/current", with: Array("\(name)\n".utf8))
    }

    /// The file that is meant: of the option, else of `NAVE_CONTEXT`, else the current one. What holds a `/` or ends in
    /// `.json` is a file, else a name.
    /// - Throws: `no-context`, `unknown-context`.
    package func resolve(option: String?, environment: [String: String]) throws(AdminError) -> String {
        let asked = [option, environment["NAVE_CONTEXT"]].compactMap(\.self).first { !$0.isEmpty }
        if let asked, asked.contains("/") || asked.hasSuffix(".json") { return asked }
        guard let name = asked ?? current() else {
            throw AdminError(
                "no-context", "no hub is chosen",
                hint: "`nave login` with a join token, `nave context use NAME`, or `--context FILE`")
        }
        guard names().contains(name) else { throw unknown(name) }
        return path(of: name)
    }

    /// - Throws: `bad-context`, and what `PrivateFile.read` throws.
    package static func load(_ path: String) throws(AdminError) -> HubContext {
        let bytes = try PrivateFile.read(path)
        do throws(ModelError) {
            let context = try JSONCoding.decode(HubContext.self, from: bytes)
            guard context.v == 1 else { throw ModelError("unknown-version", "version \(context.v) is not known") }
            return context
        } catch {
            // The message of a strict reader may quote the file, and so the key.
            throw AdminError(
                "bad-context", "\(backticked(path)) is no context of this version of nave (\(error.code))",
                hint: "enrol again with a new join token")
        }
    }

    /// - Throws: `cannot-write`.
    package static func save(_ context: HubContext, at path: String) throws(AdminError) {
        let json: JSON
        do throws(ModelError) {
            json = try JSONCoding.encode(context)
        } catch {
            throw AdminError("cannot-write", "cannot write a context (\(error.code))")
        }
        try PrivateFile.replace(path, with: Array(jsonText(json).utf8))
    }

    /// Changes a part of a context and leaves the rest as it stands now: another command, or another task of this one, may
    /// follow the trust manifest in the same file while this one renews its certificate.
    /// - Throws: As `load` and `save`, `bad-context`, and what `body` throws.
    static func change(_ path: String, _ body: (inout HubContext) throws -> Void) throws -> OpenedContext {
        // The directory's lock leaves no file behind, and is gone with its holder. Where it cannot be had the change is made
        // without: both writers are right, and the later one stays.
        let directory = open(
            URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        flock(directory, LOCK_EX)
        var context = try load(path)
        try body(&context)
        let opened = try OpenedContext(context)
        try save(context, at: path)
        return opened
    }

    private func unknown(_ name: String) -> AdminError {
        AdminError(
            "unknown-context", "there is no context \(backticked(name))",
            hint: suggestionHint(for: name, among: names()) ?? "`nave context list` shows those there are")
    }
}

extension HubContext {
    /// - Throws: `other-environment` for files of another environment than the one that the context is bound to.
    package func demandEnvironment(_ environment: String?) throws(AdminError) {
        guard let bound = self.environment, bound != environment else { return }
        let other = environment.map { "of \(backticked($0))" } ?? "of no environment"
        throw AdminError(
            "other-environment", "the files are \(other), this context is bound to \(backticked(bound))",
            hint: "`nave context list` shows the contexts you have; `nave context use NAME` chooses another")
    }
}
