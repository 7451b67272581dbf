import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import Testing

@testable import SpokeAgent

@Suite("calls of stateless callers to a server of the handshake era")
struct BridgedCallTests {
    /// One call, and the server as the test plays it.
    private final class Scene {
        let loop = EmbeddedEventLoop()
        let sessions: BridgedSessions
        private let now: NIOLockedValueBox<Instant>
        private let places = Concurrency()
        /// What went to the server, in order.
        private(set) var sent: [(call: UpstreamCall, receive: (UpstreamEvent) -> Void)] = []
        private(set) var heard: [String] = []
        private(set) var departures: [Departure] = []
        private(set) var reading: [Bool] = []
        private(set) var flow = UpstreamFlow.none

        init() {
            let now = NIOLockedValueBox(SpokeFixture.now)
            self.now = now
            sessions = BridgedSessions(now: { now.withLockedValue(\.self) })
        }

        var methods: [String] { sent.compactMap { $0.call.message?.method } }

        /// Whether the caller's only place can be had.
        var isFree: Bool {
            guard let ticket = places.enter(caller: "bot", server: "ledger", limit: 1) else { return false }
            ticket.release()
            return true
        }

        func begin(_ message: MCPMessage? = nil, token: JSON? = nil) {
            var meta = JSONObject([("io.modelcontextprotocol/clientInfo", ["name": "x"])])
            meta["progressToken"] = token
            let params = JSONObject([("name", "t"), ("arguments", [:]), ("_meta", .object(meta))])
            var call = UpstreamCall(.probe(.tool, name: "t"), id: 7, version: .newest, session: nil)
            call.content = .message(
                .callTool(name: "t", arguments: JSONObject()),
                message ?? .request(id: .string("caller's"), method: "tools/call", params: params), mirrored: nil)
            call.place = places.enter(caller: "bot", server: "ledger", limit: 1)
            flow = BridgedCall(
                call, caller: "bot", on: loop, sessions,
                direct: { call, receive in
                    self.sent.append((call, receive))
                    return UpstreamFlow(
                        cancel: { self.departures.append($0) }, setReading: { self.reading.append($0) },
                        setTime: { _ in }, reply: { _ in })
                }, receive: hear
            ).begin()
            loop.run()
        }

        private func hear(_ event: UpstreamEvent) {
            switch event {
            case .response(let response):
                if case .failure(_, let error) = response.message {
                    heard.append("\(response.status) \(error.code)")
                } else {
                    heard.append("answer to \(response.message.id?.description ?? "nobody")")
                }
            case .failed(let error): heard.append(error.code)
            case .accepted: heard.append("accepted")
            case .notification(let message, _): heard.append("\(message.params?["progressToken"] ?? "no token")")
            default: heard.append("other")
            }
        }

        /// Says something to the newest of what was sent. The place of what is over is given back, as an exchange does it.
        func say(_ event: UpstreamEvent) {
            guard let last = sent.last else { return }
            if event.isLast { last.call.place?.release() }
            last.receive(event)
            loop.run()
        }

        func respond(_ message: MCPMessage, status: Int = 200, session: String? = nil) {
            say(.response(UpstreamResponse(status: status, message: message, session: session)))
        }

        func progress() {
            let params = JSONObject([("progressToken", 1), ("progress", 1)])
            say(.notification(.notification(method: "notifications/progress", params: params)))
        }

        func answer() { respond(.result(id: .integer(1), ["content": []])) }

        func shakeHands(_ session: String?) {
            respond(.result(id: .integer(0), ["protocolVersion": "2025-11-25"]), session: session)
            say(.accepted)
        }

        func pass(_ time: Milliseconds) { now.withLockedValue { $0 = $0 + time } }
    }

    private static let hello = ["initialize", "notifications/initialized", "tools/call"]

    @Test("a call whose session the server forgot is sent once more, in the place that it had")
    func again() {
        let scene = Scene()
        scene.begin()
        scene.shakeHands("s1")
        #expect(scene.methods == Self.hello && !scene.isFree)
        scene.say(.refused(status: 404))
        #expect(!scene.isFree, "while hands are shaken again")
        scene.shakeHands("s2")
        #expect(scene.methods == Self.hello + Self.hello)
        #expect(scene.sent.map(\.call.session) == [nil, "s1", "s1", nil, "s2", "s2"])
        #expect(!scene.isFree, "while it runs again")
        scene.answer()
        #expect(scene.heard == [#"answer to "caller's""#] && scene.isFree)
    }

    @Test("and not a third time")
    func twice() {
        let scene = Scene()
        scene.begin()
        scene.shakeHands("s1")
        scene.say(.refused(status: 404))
        scene.shakeHands("s2")
        scene.say(.refused(status: 404))
        #expect(scene.heard == ["upstream-closed"] && scene.isFree)
        #expect(scene.methods == Self.hello + Self.hello)
    }

    @Test("a server without sessions has what it says under 404 passed on, and the call only once")
    func sessionless() {
        let scene = Scene()
        scene.begin()
        scene.shakeHands(nil)
        let error = JSONRPCError(code: JSONRPCErrors.methodNotFound, message: "Method not found")
        scene.respond(.failure(id: .integer(1), error), status: 404)
        #expect(scene.heard == ["404 -32601"] && scene.isFree)
        #expect(scene.methods == Self.hello)
    }

    @Test("who left before hands were shaken has nothing sent, and the place back at once")
    func leftEarly() {
        let scene = Scene()
        scene.begin()
        #expect(!scene.isFree)
        scene.flow.cancel(.left)
        #expect(scene.isFree)
        scene.shakeHands("s1")
        #expect(scene.methods == ["initialize", "notifications/initialized"])
        #expect(scene.heard.isEmpty && scene.departures.isEmpty)
    }

    @Test("a call under way is called off with its reason, and its exchange gives the place back")
    func cutOff() {
        let scene = Scene()
        scene.begin()
        scene.shakeHands("s1")
        scene.flow.cancel(.cutOff("revoked"))
        #expect(scene.departures == [.cutOff("revoked")] && !scene.isFree)
        scene.answer()
        #expect(scene.heard.isEmpty && scene.isFree)
        scene.pass(.minutes(10))
        #expect(scene.sessions.sweep().map(\.session) == ["s1"], "no call of the session is under way")
    }

    @Test("a session is under a call until that has its answer")
    func held() {
        let scene = Scene()
        scene.begin()
        scene.shakeHands("s1")
        scene.pass(.minutes(15))
        #expect(scene.sessions.sweep().isEmpty)
        scene.answer()
        scene.pass(.minutes(10))
        #expect(scene.sessions.sweep().map(\.session) == ["s1"])
    }

    @Test("a call goes under an id and a token of ours, and its progress comes back under the caller's")
    func token() {
        let scene = Scene()
        scene.begin(token: "mine")
        scene.shakeHands("s1")
        let message = scene.sent.last?.call.message
        #expect(message?.id == .integer(1) && message?.params?["_meta"] == ["progressToken": 1])
        scene.progress()
        #expect(scene.heard == [#""mine""#])
    }

    @Test("progress of a call that asked for none goes nowhere")
    func noToken() {
        let scene = Scene()
        scene.begin()
        scene.shakeHands("s1")
        #expect(scene.sent.last?.call.message?.params?["_meta"] == nil)
        scene.progress()
        #expect(scene.heard.isEmpty)
    }

    @Test("a client that did not follow before its call was sent does not then")
    func slow() {
        let scene = Scene()
        scene.begin()
        scene.flow.setReading(false)
        #expect(scene.reading.isEmpty)
        scene.shakeHands("s1")
        #expect(scene.reading == [false])
        scene.flow.setReading(true)
        #expect(scene.reading == [false, true])
    }

    @Test("hands that are not shaken fail the call, which keeps no place and no session")
    func refused() {
        let other = MCPMessage.result(id: .integer(0), ["protocolVersion": "2026-07-28"])
        let failure = MCPMessage.failure(id: .integer(0), JSONRPCError(code: -32603, message: "no"))
        for (event, code) in [
            (UpstreamEvent.failed(SpokeError("upstream-timeout", "no answer in time")), "upstream-timeout"),
            (.refused(status: 401), "bad-upstream"), (.accepted, "bad-upstream"),
            (.response(UpstreamResponse(status: 200, message: other)), "bad-upstream"),
            (.response(UpstreamResponse(status: 200, message: failure)), "bad-upstream"),
        ] {
            let scene = Scene()
            scene.begin()
            scene.say(event)
            #expect(scene.heard == [code] && scene.isFree)
            scene.begin()
            #expect(scene.methods == ["initialize", "initialize"])
        }
    }

    @Test("a stateless client's notification is taken, and says nothing to the server")
    func notification() {
        let scene = Scene()
        scene.begin(.notification(method: "notifications/cancelled", params: JSONObject([("requestId", 1)])))
        scene.shakeHands("s1")
        #expect(scene.heard == ["accepted"] && scene.isFree)
        #expect(scene.methods == ["initialize", "notifications/initialized"])
    }
}
