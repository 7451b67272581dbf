import MCP
import Model
import Testing

@Suite struct MCPActionTests {
    static func action(_ method: String, _ params: String? = nil, id: Bool = true, era: Era = .handshake) throws
        -> MCPAction
    {
        let json = try params.map { try JSON(parsing: Array($0.utf8)).object } ?? nil
        let message: MCPMessage =
            id
            ? .request(id: .integer(1), method: method, params: json) : .notification(method: method, params: json)
        return try MCPAction(message, version: era == .handshake ? .v20251125 : .v20260728)
    }

    @Test(
        arguments: [
            ("tools/list", nil, .list(.tools, cursor: nil)),
            ("prompts/list", #"{"cursor":"c"}"#, .list(.prompts, cursor: "c")),
            ("resources/list", "{}", .list(.resources, cursor: nil)),
            ("resources/templates/list", "{}", .list(.resourceTemplates, cursor: nil)),
            ("tools/call", #"{"name":"a.b-c_1"}"#, .callTool(name: "a.b-c_1", arguments: JSONObject())),
            (
                "tools/call", #"{"name":"a","arguments":{"x":[1]}}"#,
                .callTool(name: "a", arguments: JSONObject([("x", [1])]))
            ),
            ("resources/read", #"{"uri":"note://a"}"#, .readResource(uri: "note://a")),
            ("prompts/get", #"{"name":"two words"}"#, .getPrompt(name: "two words", arguments: JSONObject())),
            (
                "completion/complete", #"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""}}"#,
                .complete(Capability(.prompt, "p"))
            ),
            (
                "completion/complete",
                #"{"ref":{"type":"ref/resource","uri":"c://{id}/p"},"argument":{"name":"a","value":"7"}}"#,
                .complete(Capability(.resource, "c://{id}/p"))
            ),
        ] as [(String, String?, MCPAction)])
    func readsWhatBothErasHave(method: String, params: String?, expected: MCPAction) throws {
        #expect(try Self.action(method, params) == expected)
        #expect(try Self.action(method, params, era: .stateless) == expected)
    }

    @Test(
        arguments: [
            (
                "initialize", #"{"protocolVersion":"2025-06-18","capabilities":{"roots":{}},"clientInfo":{}}"#,
                Era.handshake,
                .initialize(requested: "2025-06-18", capabilities: JSONObject([("roots", [:])]))
            ),
            ("ping", nil, .handshake, .ping), ("logging/setLevel", #"{"level":"info"}"#, .handshake, .setLevel("info")),
            ("resources/subscribe", #"{"uri":"n://a"}"#, .handshake, .subscribe(uri: "n://a")),
            ("resources/unsubscribe", #"{"uri":"n://a"}"#, .handshake, .unsubscribe(uri: "n://a")),
            ("server/discover", "{}", .stateless, .discover),
        ] as [(String, String?, Era, MCPAction)])
    func aMethodOfOneEraIsUnknownInTheOther(method: String, params: String?, era: Era, expected: MCPAction) throws {
        #expect(try Self.action(method, params, era: era) == expected)
        let other: Era = era == .handshake ? .stateless : .handshake
        #expect(try Self.action(method, params, era: other) == .unknown(method: method))
    }

    @Test func listeningNamesEachResource() throws {
        let params = #"{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["n://a","n://b"]}}"#
        let action = try Self.action("subscriptions/listen", params, era: .stateless)
        guard case .listen(let listening) = action else {
            Issue.record("not a listen")
            return
        }
        #expect(listening.resources == ["n://a", "n://b"])
        #expect(listening.toolsListChanged)
        #expect(!listening.promptsListChanged)
        #expect(try Self.action("subscriptions/listen", params) == .unknown(method: "subscriptions/listen"))
    }

    @Test(
        arguments: [
            ("tools/call", nil), ("tools/call", "{}"), ("tools/call", #"{"Name":"a"}"#), ("tools/call", #"{"name":1}"#),
            ("tools/call", #"{"name":""}"#), ("tools/call", #"{"name":" a"}"#), ("tools/call", #"{"name":"a\n"}"#),
            ("tools/call", #"{"name":"\u212a"}"#),
            ("tools/call", #"{"name":"\#(String(repeating: "a", count: 129))"}"#),
            ("tools/call", #"{"name":"a","arguments":[]}"#), ("tools/call", #"{"name":"a","arguments":null}"#),
            ("tools/call", #"{"name":"a","task":1}"#), ("tools/call", #"{"name":"a","_meta":1}"#),
            ("tools/call", #"{"name":"a","inputResponses":[]}"#), ("tools/call", #"{"name":"a","requestState":{}}"#),
            ("tools/list", #"{"cursor":1}"#), ("tools/list", #"{"cursor":null}"#), ("resources/read", "{}"),
            ("resources/read", #"{"uri":7}"#), ("prompts/get", #"{"name":["a"]}"#), ("initialize", "{}"),
            ("initialize", #"{"protocolVersion":1,"capabilities":{}}"#),
            ("initialize", #"{"protocolVersion":"1","capabilities":[]}"#), ("logging/setLevel", #"{"level":"loud"}"#),
            ("completion/complete", "{}"), ("completion/complete", #"{"ref":{"type":"ref/x"},"argument":{}}"#),
            ("completion/complete", #"{"ref":{"type":"ref/prompt"},"argument":{"name":"a","value":"b"}}"#),
            (
                "completion/complete",
                #"{"ref":{"type":"ref/resource","uri":"a b"},"argument":{"name":"a","value":"b"}}"#
            ),
        ] as [(String, String?)])
    func refusesParameters(method: String, params: String?) {
        #expect(refusal { try Self.action(method, params) } == "invalid-params")
    }

    @Test(arguments: [
        #"{"notifications":{"taskIds":[1]}}"#, #"{"notifications":{"taskIds":["a b"]}}"#,
        #"{"notifications":{"toolsListChanged":1}}"#, #"{"notifications":[]}"#,
        #"{"notifications":{"resourceSubscriptions":[1]}}"#,
    ])
    func refusesListening(params: String) {
        #expect(refusal { try Self.action("subscriptions/listen", params, era: .stateless) } == "invalid-params")
    }

    @Test func urisAreRefusedBeforeAnyDecision() {
        #expect(refusal { try Self.action("resources/read", #"{"uri":"n://a/../b"}"#) } == "bad-uri")
        #expect(refusal { try Self.action("resources/subscribe", #"{"uri":"n://a/%2e"}"#) } == "bad-uri")
        let listen = #"{"notifications":{"resourceSubscriptions":["N://a"]}}"#
        #expect(refusal { try Self.action("subscriptions/listen", listen, era: .stateless) } == "bad-uri")
    }

    @Test func notificationsAreTold() throws {
        #expect(try Self.action("notifications/initialized", id: false) == .initialized)
        #expect(try Self.action("notifications/roots/list_changed", id: false) == .rootsListChanged)
        #expect(try Self.action("notifications/progress", #"{"progressToken":1}"#, id: false) == .progress)
        #expect(
            try Self.action("notifications/cancelled", #"{"requestId":"x"}"#, id: false, era: .stateless)
                == .cancelled(.string("x")))
        #expect(refusal { try Self.action("notifications/cancelled", "{}", id: false) } == "invalid-params")
        #expect(try Self.action("notifications/other", id: false) == .unknown(method: "notifications/other"))
    }

    /// Some servers execute a call that has no id.
    @Test func callsNeedAnIdAndNotificationsHaveNone() throws {
        #expect(refusal { try Self.action("tools/call", #"{"name":"a"}"#, id: false) } == "invalid-request")
        #expect(refusal { try Self.action("tools/list", id: false) } == "invalid-request")
        #expect(try Self.action("notifications/initialized") == .unknown(method: "notifications/initialized"))
    }

    @Test(arguments: ["tasks/all", "Tasks/get", "TOOLS/CALL", "tools/call/", "sampling/createMessage", "rpc.discover"])
    func everythingElseIsUnknown(method: String) throws {
        #expect(try Self.action(method) == .unknown(method: method))
        #expect(try Self.action(method, era: .stateless) == .unknown(method: method))
    }

    @Test func answersComeInTheHandshakeEraOnly() throws {
        let answer = MCPMessage.result(id: .integer(4), [:])
        #expect(try MCPAction(answer, version: .v20250618) == .response(.integer(4)))
        #expect(refusal { try MCPAction(answer, version: .v20260728) } == "invalid-request")
        let nothing = MCPMessage.failure(id: nil, JSONRPCError(code: 1, message: ""))
        #expect(refusal { try MCPAction(nothing, version: .v20250618) } == "invalid-request")
    }

    @Test func templatesHaveBalancedBracesAndFewExpressions() {
        let sixteen = "c://" + String(repeating: "{a}", count: 16)
        for template in ["c://{id}/p", "{+a}{?b,c*}", "c://a", sixteen] { #expect(isTemplate(template), "\(template)") }
        let bad = [
            "", "a b", "{", "}", "{a", "a}", "}{", "{{a}}", "{a{b}}", "{a}}", sixteen + "{a}", "{é}",
            String(repeating: "{", count: 2040), String(repeating: "{a}", count: 600),
            String(repeating: "a", count: 2049),
        ]
        for template in bad { #expect(!isTemplate(template), "\(template.prefix(20))") }
    }

    @Test func aTypeOfReferenceIsBoundedBeforeItIsCompared() {
        let type = "ref/prompt" + String(repeating: "\u{301}", count: 100) + String(repeating: "\u{316}", count: 100)
        let params = #"{"ref":{"type":"\#(type)","name":"p"},"argument":{"name":"a","value":""}}"#
        #expect(refusal { try Self.action("completion/complete", params) } == "invalid-params")
    }

    @Test func onlyUnderstoodParametersGoOn() throws {
        let params = JSONObject([("name", "a"), ("x", 1), ("arguments", ["y": 1]), ("_meta", ["z": 1])])
        let message = MCPMessage.request(id: .integer(1), method: "tools/call", params: params)
        let understood = message.understood(as: try MCPAction(message, version: .v20251125))
        #expect(understood?.params?.keys == ["name", "arguments", "_meta"])
        let unknown = MCPMessage.request(id: .integer(1), method: "tasks/all", params: JSONObject([("taskId", "1")]))
        #expect(unknown.understood(as: .unknown(method: "tasks/all")) == nil)
    }

    @Test(
        arguments: [
            ("tasks/get", true, true), ("tasks/cancel", true, true), ("tasks/result", true, false),
            ("tasks/update", false, true),
        ] as [(String, Bool, Bool)])
    func tasksAreAskedByTheirId(method: String, handshake: Bool, stateless: Bool) throws {
        let operation = try #require(MCPAction.TaskOperation(rawValue: method))
        for (era, isServed) in [(Era.handshake, handshake), (.stateless, stateless)] {
            let action = try Self.action(method, #"{"taskId":"t-1"}"#, era: era)
            #expect(action == (isServed ? .task(operation, id: "t-1") : .unknown(method: method)))
            guard isServed else { continue }
            #expect(action.mirroredName == "t-1")
            for params in [#"{}"#, #"{"taskId":""}"#, #"{"taskId":"a b"}"#, #"{"taskId":1}"#] {
                #expect(refusal { try Self.action(method, params, era: era) } == "invalid-params")
            }
        }
        // Older versions have none of them.
        let message = MCPMessage.request(id: .integer(1), method: method, params: JSONObject([("taskId", "t-1")]))
        #expect(try MCPAction(message, version: .v20250618) == .unknown(method: method))
    }

    @Test func aCallBecomesATaskWhereItsVersionHasTasks() throws {
        let call = MCPMessage.request(
            id: .integer(1), method: "tools/call", params: JSONObject([("name", "a"), ("task", ["ttl": 1000])]))
        #expect(
            try MCPAction(call, version: .v20251125) == .callTool(name: "a", arguments: JSONObject(), asTask: true))
        let kept = call.understood(as: try MCPAction(call, version: .v20251125))
        #expect(kept?.params?["task"] == ["ttl": 1000])
        for version in [ProtocolVersion.v20250618, .v20260728] {
            #expect(refusal { try MCPAction(call, version: version) } == "invalid-params")
        }
    }
}
