import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import SpokeAgent

@Suite("calls that wait for their callers")
struct HeldCallTests {
    private static let able: JSON = ["elicitation": [:], "roots": [:]]

    /// What goes on at both ends of one call, on one event loop.
    private final class Scene {
        let calls: HeldCalls
        let loop: any EventLoop
        private(set) var told: [String] = []
        private(set) var replied: [MCPMessage] = []
        private(set) var departure: Departure?
        private(set) var times: [Milliseconds?] = []
        private(set) var refused = NIOLockedValueBox(0)
        /// The newest answer's call.
        private(set) var key: String?
        var server: (UpstreamEvent) -> Void = { _ in }

        init(_ limits: ListenerLimits, _ loop: any EventLoop) {
            calls = HeldCalls(limits)
            self.loop = loop
        }

        func call(_ id: Int64 = 1, _ capabilities: JSON = able, responses: JSON? = nil) -> UpstreamCall {
            var call = UpstreamCall(.probe(.tool, name: "t"), id: id, version: .newest, session: nil)
            let meta = JSONObject([(EraRules.capabilitiesKey, capabilities)])
            var params = JSONObject([("name", "t"), ("arguments", [:]), ("_meta", .object(meta))])
            params["inputResponses"] = responses
            call.content = .message(
                .callTool(name: "t", arguments: JSONObject()),
                .request(id: .integer(id), method: "tools/call", params: params), mirrored: nil)
            return call
        }

        func begin(_ capabilities: JSON = able) {
            let refused = refused
            let held = HeldCall(
                call(1, capabilities), caller: "bot", server: "ledger", calls, on: loop,
                refused: { refused.withLockedValue { $0 += 1 } })
            _ = held.begin(hear) { receive in
                server = receive
                return UpstreamFlow(
                    cancel: { self.departure = $0 }, setReading: { _ in }, setTime: { self.times.append($0) },
                    reply: { self.replied.append($0) })
            }
        }

        func hear(_ event: UpstreamEvent) {
            guard case .response(let response) = event, case .result(let id, let result) = response.message else {
                return told.append(event.isLast ? "failed" : "said")
            }
            key = response.held
            let keys = result["inputRequests"]?.object?.pairs.map(\.key) ?? []
            told.append("\(id) \(keys.isEmpty ? "done" : keys.joined(separator: "+"))")
        }

        func ask(_ id: String, _ method: String = "elicitation/create", _ params: JSONObject = JSONObject()) {
            server(.request(.string(id), method: method, params: params))
        }

        func finish(_ text: String = "x") {
            server(.response(UpstreamResponse(status: 200, message: .result(id: .integer(1), ["text": .string(text)]))))
        }

        /// The caller's next request, its answers under the keys that it was asked by.
        func answer(_ id: Int64, _ responses: JSON) -> Bool {
            guard let key, let held = calls.take(key, caller: "bot", server: "ledger") else { return false }
            _ = held.resume(call(id, responses: responses), on: loop, hear)
            return true
        }
    }

    private func run<Result: Sendable>(
        _ limits: ListenerLimits = ListenerLimits(), _ steps: [@Sendable (Scene) -> Void],
        _ result: @escaping @Sendable (Scene) -> Result
    ) async throws -> Result {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let box = try await loop.submit { NIOLoopBound(Scene(limits, loop), eventLoop: loop) }.get()
        // What a step hands to the loop, and what that hands on, is done before the next.
        for step in steps {
            try await loop.submit { step(box.value) }.get()
            for _ in 0..<2 { try await loop.submit {}.get() }
        }
        return try await loop.submit { result(box.value) }.get()
    }

    @Test("a question goes to the caller, its answer to the server, and the rest to the request that brought it")
    func answered() async throws {
        let (told, replied, times) = try await run(
            steps: [
                { $0.begin() },
                { $0.server(.notification(.notification(method: "notifications/message", params: nil))) },
                { $0.ask("a") }, { $0.ask("b", "roots/list") }, { $0.finish() },
                { _ = $0.answer(2, ["q1": ["action": "accept"]]) },
            ])
        #expect(told == ["said", "1 q1", "2 done"])
        #expect(replied == [.result(id: .string("a"), ["action": "accept"])])
        #expect(times == [nil])
    }

    @Test("what is not answered is asked again, with what was asked meanwhile; nobody is late while the caller thinks")
    func rounds() async throws {
        let (told, replied, times) = try await run(
            steps: [
                { $0.begin() }, { $0.ask("a") }, { $0.ask("b", "roots/list") }, { _ = $0.answer(2, [:]) },
                { _ = $0.answer(3, ["q1": ["action": "decline"], "q2": ["roots": []]]) }, { $0.finish() },
            ])
        #expect(told == ["1 q1", "2 q1+q2", "3 done"])
        #expect(Set(replied.compactMap(\.id)) == [.string("a"), .string("b")])
        let time = Milliseconds.seconds(20)
        #expect(times == [nil, time, nil, time])
    }

    @Test(
        "what the client does not declare, and what may not be asked at all, is refused in its name",
        arguments: [
            ("sampling/createMessage", [:]), ("tasks/get", [:]), ("elicitation/create", ["url": "https://a.example"]),
            ("elicitation/create", ["url": "file:///etc"]),
        ] as [(String, JSON)])
    func refused(method: String, params: JSON) async throws {
        let (told, replied, _) = try await run(
            steps: [{ $0.begin() }, { $0.ask("a", method, params.object ?? JSONObject()) }, { $0.finish() }])
        #expect(told == ["1 done"])
        #expect(replied == [ServerMessage.refusal(of: .string("a"), method: method)])
    }

    @Test("what a server says while the caller is waited for is bounded")
    func bounds() async throws {
        let long = String(repeating: "x", count: 300 << 10)
        let (told, replied, _) = try await run(
            steps: [
                { $0.begin() }, { $0.ask("long", "elicitation/create", JSONObject([("message", .string(long))])) },
                { scene in for number in 0..<20 { scene.ask("n\(number)") } }, { $0.finish(long) },
                { _ = $0.answer(2, [:]) },
            ])
        #expect(told == ["1 q1", "failed"])
        #expect(replied.count == 5)
    }

    @Test("a call waits for its caller only, once, and so many at a time")
    func bound() async throws {
        var limits = ListenerLimits()
        limits.heldCallsPerCaller = 1
        let outcome = try await run(limits, [{ $0.begin() }, { $0.ask("a") }, { $0.begin() }, { $0.ask("b") }]) {
            scene -> [Bool] in
            guard let key = scene.key else { return [] }
            return [
                scene.calls.take(key, caller: "other", server: "ledger") == nil,
                scene.calls.take(key, caller: "bot", server: "vault") == nil,
                scene.refused.withLockedValue { $0 } == 1,
                scene.replied == [ServerMessage.refusal(of: .string("b"), method: "elicitation/create")],
                scene.answer(2, [:]), scene.calls.take(key, caller: "bot", server: "ledger") == nil,
            ]
        }
        #expect(outcome == Array(repeating: true, count: 6))
    }

    @Test("the call of a caller who may not be here any more is called off at once")
    func gone() async throws {
        let (departure, count) = try await run(
            ListenerLimits(),
            [{ $0.begin() }, { $0.ask("a") }, { $0.calls.end(callers: ["other"]) }, { $0.calls.end(callers: ["bot"]) }]
        ) { ($0.departure, $0.calls.count) }
        #expect(departure == .cutOff("unanswered") && count == 0)
    }

    @Test("nobody who waited too long is found again")
    func late() async throws {
        var limits = ListenerLimits()
        limits.heldFor = Milliseconds(1)
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let box = try await loop.submit { [limits] in NIOLoopBound(Scene(limits, loop), eventLoop: loop) }.get()
        try await loop.submit {
            box.value.begin()
            box.value.ask("a")
        }.get()
        // On the same loop, and due later.
        try await loop.scheduleTask(in: .milliseconds(2)) {}.futureResult.get()
        let (departure, found) = try await loop.submit { (box.value.departure, box.value.answer(2, [:])) }.get()
        #expect(departure == .cutOff("unanswered") && !found)
    }

    @Test(
        "what a server is told that callers can be asked is what they declare, of a fixed few",
        arguments: [
            ([:], [:]), (["elicitation": [:]], ["elicitation": ["form": [:]]]),
            (["elicitation": ["url": [:]]], ["elicitation": ["url": [:]]]),
            (["sampling": ["tools": [:]], "roots": ["listChanged": true]], ["sampling": [:], "roots": [:]]),
            (["experimental": ["x": [:]], "sampling": true], [:]),
        ] as [(JSON, JSON)])
    func capabilities(declared: JSON, told: JSON) throws {
        let message = MCPMessage.request(
            id: .integer(1), method: "tools/call",
            params: JSONObject([("_meta", .object(JSONObject([(EraRules.capabilitiesKey, declared)])))]))
        #expect(AskedCapabilities(declaredIn: message).json == told)
    }

    private func run(
        steps: [@Sendable (Scene) -> Void]
    ) async throws -> (told: [String], replied: [MCPMessage], times: [Milliseconds?]) {
        try await run(ListenerLimits(), steps) { ($0.told, $0.replied, $0.times) }
    }
}
