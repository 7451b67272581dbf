import MCP
import Model
import NIOConcurrencyHelpers
import Testing

@testable import SpokeAgent

@Suite("sessions in the place of stateless callers")
struct BridgedSessionsTests {
    /// What callers and the server do, at a time that the test sets.
    private final class Scene: Sendable {
        private struct State {
            var now = SpokeFixture.now
            var begun: [BridgedSessions.Waiter] = []
            var told: [String] = []
        }

        let sessions: BridgedSessions
        private let state: NIOLockedValueBox<State>

        init() {
            let state = NIOLockedValueBox(State())
            self.state = state
            sessions = BridgedSessions(now: { state.withLockedValue(\.now) })
        }

        /// What each waiter was told: a session or an error's code.
        var told: [String] { state.withLockedValue(\.told) }
        /// Handshakes so far.
        var begun: Int { state.withLockedValue(\.begun.count) }

        func pass(_ time: Milliseconds) { state.withLockedValue { $0.now = $0.now + time } }

        func ask(_ key: BridgedSessions.Key) {
            sessions.session(of: key) { result in
                let word =
                    switch result {
                    case .success(let established): established.session ?? "none"
                    case .failure(let error): error.code
                    }
                self.state.withLockedValue { $0.told.append(word) }
            } begin: { done in
                state.withLockedValue { $0.begun.append(done) }
            }
        }

        /// Ends the handshake that began as that one.
        func shake(_ number: Int, _ result: Result<String, SpokeError>) {
            let done = state.withLockedValue { $0.begun[number] }
            done(
                result.map {
                    BridgedSessions.Established(
                        session: $0, version: .v20251125, caller: nil, bridge: .overHandshake([:]))
                })
        }

        func open(_ key: BridgedSessions.Key, _ session: String) {
            ask(key)
            shake(begun - 1, .success(session))
        }

        func swept(_ callers: Set<String> = []) -> [String] {
            sessions.sweep(callers: callers).compactMap(\.session).sorted()
        }
    }

    private static func key(_ caller: String, _ capabilities: AskedCapabilities = []) -> BridgedSessions.Key {
        BridgedSessions.Key(caller: caller, capabilities: capabilities)
    }

    @Test("calls that come while hands are shaken wait for that one session")
    func waiting() {
        let scene = Scene()
        scene.ask(Self.key("a"))
        scene.ask(Self.key("a"))
        #expect(scene.begun == 1 && scene.told.isEmpty)
        scene.shake(0, .success("s1"))
        #expect(scene.told == ["s1", "s1"])
        scene.ask(Self.key("a"))
        #expect(scene.begun == 1 && scene.told == ["s1", "s1", "s1"])
    }

    @Test("nobody meets a session of another caller, nor one whose server was told of other capabilities")
    func apart() {
        let scene = Scene()
        scene.open(Self.key("a"), "s1")
        scene.open(Self.key("b"), "s2")
        scene.open(Self.key("a", .sampling), "s3")
        #expect(scene.begun == 3 && scene.told == ["s1", "s2", "s3"])
    }

    @Test("who waited for hands that were not shaken is told so, the next one tries again", arguments: [true, false])
    func failed(isCutOff: Bool) {
        let scene = Scene()
        scene.ask(Self.key("a"))
        scene.ask(Self.key("a"))
        if isCutOff { #expect(scene.swept(["a"]).isEmpty) }
        scene.shake(0, .failure(SpokeError("upstream-unreachable", "nobody answers")))
        #expect(scene.told == ["upstream-unreachable", "upstream-unreachable"])
        #expect(scene.swept(["a"]).isEmpty)
        scene.open(Self.key("a"), "s1")
        #expect(scene.begun == 2 && scene.told.last == "s1")
    }

    @Test("a caller who is cut off while hands are shaken leaves no session behind")
    func cutOff() {
        let scene = Scene()
        scene.ask(Self.key("a"))
        #expect(scene.swept(["a"]).isEmpty)
        scene.shake(0, .success("s1"))
        #expect(scene.told == ["upstream-closed"])
        #expect(scene.swept() == ["s1"])
        #expect(scene.swept().isEmpty)
        // Who may come back begins another one.
        scene.open(Self.key("a"), "s2")
        #expect(scene.begun == 2 && scene.told.last == "s2")
        #expect(scene.swept().isEmpty)
    }

    @Test("a session is not ended under a call that runs, however long, and is once nobody used it for ten minutes")
    func running() {
        let scene = Scene()
        scene.open(Self.key("a"), "s1")
        #expect(scene.sessions.begin(of: Self.key("a")) == 1)
        #expect(scene.sessions.begin(of: Self.key("a")) == 2)
        scene.pass(.minutes(15))
        #expect(scene.swept().isEmpty)
        scene.sessions.end(1, of: Self.key("a"))
        scene.sessions.end(1, of: Self.key("a"))
        scene.pass(.minutes(15))
        #expect(scene.swept().isEmpty, "one of two runs still")
        scene.sessions.end(2, of: Self.key("a"))
        scene.pass(.minutes(9))
        #expect(scene.swept().isEmpty, "idle since the end of the last call")
        scene.pass(.minutes(1))
        #expect(scene.swept() == ["s1"])
        #expect(scene.swept().isEmpty)
    }

    @Test("a call of a session that the server forgot ends no call of the next")
    func late() {
        let scene = Scene()
        scene.open(Self.key("a"), "s1")
        let first = scene.sessions.begin(of: Self.key("a"))
        scene.sessions.forget("s1", of: Self.key("a"))
        scene.open(Self.key("a"), "s2")
        let second = scene.sessions.begin(of: Self.key("a"))
        scene.sessions.end(first, of: Self.key("a"))
        scene.pass(.minutes(15))
        #expect(scene.swept().isEmpty, "the second runs still")
        scene.sessions.end(second, of: Self.key("a"))
        scene.pass(.minutes(10))
        #expect(scene.swept() == ["s2"])
    }

    @Test("sessions of a caller who may not connect any more end at once, calls or not, and nobody else's")
    func revoked() {
        let scene = Scene()
        scene.open(Self.key("a"), "s1")
        scene.open(Self.key("a", .roots), "s2")
        scene.open(Self.key("b"), "s3")
        _ = scene.sessions.begin(of: Self.key("a"))
        #expect(scene.swept(["a"]) == ["s1", "s2"])
        scene.ask(Self.key("b"))
        #expect(scene.begun == 3 && scene.told.last == "s3")
    }

    @Test("a session that the server forgot is begun anew once, however many calls meet its end")
    func forgotten() {
        let scene = Scene()
        scene.open(Self.key("a"), "s1")
        scene.sessions.forget("s1", of: Self.key("a"))
        scene.open(Self.key("a"), "s2")
        // A second call of the first session.
        scene.sessions.forget("s1", of: Self.key("a"))
        scene.ask(Self.key("a"))
        #expect(scene.begun == 2 && scene.told == ["s1", "s2", "s2"])
    }

    @Test("a server's sessions are bounded, and those that end make room")
    func bounded() {
        let scene = Scene()
        for number in 0..<4096 { scene.open(Self.key("\(number)"), "s") }
        scene.ask(Self.key("late"))
        #expect(scene.told.last == "busy" && scene.begun == 4096)
        #expect(scene.swept(["7"]) == ["s"])
        scene.open(Self.key("late"), "s")
        #expect(scene.told.last == "s" && scene.begun == 4097)
    }
}
