import Foundation
import Model
import SpokeAgent
import TestSupport
import Testing

@Suite("how a stdio server is started")
struct StdioStartupTests {
    private func command(_ yaml: String) throws -> StdioCommand {
        let text = "listen: 127.0.0.1:0\nservers:\n  s: { command: [/usr/bin/true, a], \(yaml) }\n"
        let configuration = try SpokeConfiguration.read(Array(text.utf8), file: "spoke.yaml")
        guard case .stdio(let command) = configuration.servers[0].upstream else {
            throw SpokeError("no-command", "a test's server is none")
        }
        return command
    }

    @Test("as the file says: alone, bounded, in a sandbox that sees what it names")
    func words() throws {
        let plain = try StdioStartup(try command("env: {}"), path: "/usr/bin")
        #expect([plain.program] + plain.arguments == ["/usr/bin/true", "a"])
        let bounded = try StdioStartup(try command("limits: { memory: 256MiB }"), path: "/usr/bin")
        #expect(
            [bounded.program] + bounded.arguments
                == ["/usr/bin/prlimit", "--data=268435456", "--core=0", "--", "/usr/bin/true", "a"])
        let confined = try StdioStartup(
            try command("sandbox: { read: [/srv/repo], write: [/var/lib/s] }"), path: "/usr/bin")
        let words = [confined.program] + confined.arguments
        #expect(words.first == "/usr/bin/bwrap")
        #expect(words.suffix(3) == ["--", "/usr/bin/true", "a"])
        let text = words.joined(separator: " ")
        #expect(text.contains("--unshare-all") && !text.contains("--share-net"))
        #expect(text.contains("--ro-bind /srv/repo /srv/repo") && text.contains("--bind /var/lib/s /var/lib/s"))
        #expect(!text.contains("--ro-bind-try / ") && !text.contains("/etc/passwd") && !text.contains("/home"))
        let online = try StdioStartup(try command("sandbox: { network: true }"), path: "/usr/bin")
        #expect(online.arguments.contains("--share-net"))
    }

    @Test("as another user where the spoke may")
    func users() throws {
        let nobody = try command("user: nobody")
        if geteuid() == 0 {
            #expect(try StdioStartup(nobody, path: "/usr/bin").user?.id == 65534)
        } else {
            #expect(throws: SpokeError.self) { try StdioStartup(nobody, path: "/usr/bin") }
        }
    }

    @Test("a program or a user that is not there is one clear error")
    func missing() throws {
        #expect(throws: SpokeError.self) { try StdioStartup(try command("sandbox: {}"), path: "/nowhere") }
        #expect(throws: SpokeError.self) { try StdioStartup(try command("user: no-such-user"), path: "/usr/bin") }
    }

    @Test(arguments: [
        "sandbox: { read: [srv] }", "limits: { memory: lots }", "sandbox: { net: true }", "limits: { processes: 0 }",
    ])
    func badSettings(yaml: String) { #expect(throws: SpokeError.self) { try command(yaml) } }

    @Test("processes that end before they say anything are started later each time; so many start in a minute")
    func pace() {
        var pace = StartPace()
        func allows(_ limit: Int, _ caller: String, _ now: Instant) -> Bool {
            pace.allows(limit, caller: caller, now: now)
        }
        var now = SpokeFixture.now
        #expect(allows(2, "a", now))
        pace.started(caller: "a", now: now)
        var pauses: [Int64] = []
        for _ in 0..<8 {
            pace.ended(caller: "a", wasGood: false, now: now)
            #expect(!allows(100, "a", now))
            #expect(allows(100, "b", now))
            let start = now
            while !allows(100, "a", now) { now = now + .seconds(1) }
            pauses.append((now - start).count / 1000)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60])
        pace.ended(caller: "a", wasGood: true, now: now)
        #expect(allows(100, "a", now))
        pace.started(caller: "a", now: now)
        pace.started(caller: "b", now: now)
        #expect(!allows(2, "c", now))
        #expect(allows(2, "c", now + .minutes(1)))
    }

    @Test("of the starts in a minute one caller has a quarter", arguments: [(120, 30), (8, 2), (3, 2), (1, 1)])
    func quarter(limit: Int, own: Int) {
        var pace = StartPace()
        let now = SpokeFixture.now
        func start(_ caller: String, _ now: Instant) -> Bool {
            guard pace.allows(limit, caller: caller, now: now) else { return false }
            pace.started(caller: caller, now: now)
            return true
        }
        #expect((0..<200).count { _ in start("a", now) } == own)
        #expect((0..<200).count { _ in start("b", now) } == min(own, limit - own))
        #expect(!start("a", now + .seconds(59)))
        #expect(start("a", now + .minutes(1)))
    }
}
