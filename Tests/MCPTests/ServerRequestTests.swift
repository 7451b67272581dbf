import MCP
import Model
import Testing

@Suite struct ServerRequestTests {
    static let call = MCPAction.callTool(name: "a", arguments: JSONObject())
    static let asking: JSON = [
        "resultType": "input_required", "requestState": "v1.x",
        "inputRequests": ["k": ["method": "elicitation/create", "params": ["message": "sure?"]]],
    ]

    @Test func whatPolicyAllowsMayBeAskedOfCallsThatCanBeRepeated() throws {
        let kind = try ServerResult.kind(Self.asking, of: Self.call, era: .stateless, allowing: [.elicitation])
        guard case .inputRequired(let input) = kind else {
            Issue.record("\(kind)")
            return
        }
        #expect(input.kinds == ["k": .elicitation])
        #expect(input.state == "v1.x")
        for (action, era, allowing) in [
            (Self.call, Era.stateless, [ServerRequestKind.sampling, .roots]), (Self.call, .stateless, []),
            (Self.call, .handshake, [.elicitation]), (.list(.tools, cursor: nil), .stateless, [.elicitation]),
        ] as [(MCPAction, Era, [ServerRequestKind])] {
            #expect(
                refusal { try ServerResult.kind(Self.asking, of: action, era: era, allowing: allowing) }
                    == "bad-upstream")
        }
    }

    @Test(
        arguments: [
            [:], ["inputRequests": []], ["inputRequests": ["k": ["method": "tools/call"]]], ["inputRequests": ["k": 1]],
            ["requestState": 1],
            ["inputRequests": ["k": ["method": "elicitation/create", "params": ["url": "javascript:alert(1)"]]]],
            ["inputRequests": ["k": ["method": "elicitation/create", "params": ["url": "http://corp.example/"]]]],
        ] as [JSON])
    func whatIsNoSuchRequestIsRefused(result: JSON) throws {
        let object = try #require(result.object)
        #expect(refusal { try InputRequired(object, allowing: ServerRequestKind.allCases) } == "bad-upstream")
    }

    @Test func answersAreToWhatWasAsked() {
        let asked: [String: ServerRequestKind] = ["k": .elicitation]
        #expect(InputRequired.answers(JSONObject([("k", ["action": "accept"])]), to: asked))
        #expect(InputRequired.answers(JSONObject(), to: asked))
        #expect(!InputRequired.answers(JSONObject([("other", ["action": "accept"])]), to: asked))
        #expect(!InputRequired.answers(JSONObject([("k", "accept")]), to: asked))
    }

    @Test func aTaskAnswersACallOnly() throws {
        let task: JSON = ["resultType": "task", "taskId": "t-1", "ttlMs": 60000]
        #expect(try ServerResult.kind(task, of: Self.call, era: .stateless, allowing: []) == .task(id: "t-1"))
        #expect(refusal { try ServerResult.kind(task, of: .discover, era: .stateless, allowing: []) } == "bad-upstream")
        let handshake: JSON = ["task": ["taskId": "t-2", "status": "working"]]
        let asTask = MCPAction.callTool(name: "a", arguments: JSONObject(), asTask: true)
        #expect(try ServerResult.kind(handshake, of: asTask, era: .handshake, allowing: []) == .task(id: "t-2"))
        #expect(try ServerResult.kind(handshake, of: Self.call, era: .handshake, allowing: []) == .complete)
        let bad: JSON = ["resultType": "task", "taskId": "a\nb"]
        #expect(refusal { try ServerResult.kind(bad, of: Self.call, era: .stateless, allowing: []) } == "bad-upstream")
    }

    @Test func onlyAllowedCapabilitiesAreDeclared() {
        let declared: JSON = [
            "sampling": ["tools": [:]], "elicitation": ["form": [:]], "roots": ["listChanged": true], "tasks": [:],
            "experimental": ["x": [:]],
            "extensions": ["io.modelcontextprotocol/tasks": [:], "io.example/other": [:]],
        ]
        let meta = JSONObject([(EraRules.capabilitiesKey, declared)])
        let message = MCPMessage.request(
            id: .integer(1), method: "tools/call", params: JSONObject([("_meta", .object(meta))]))
        let kept = CapabilityStripping.strip(message, keeping: [.elicitation]).meta?[EraRules.capabilitiesKey]
        #expect(
            kept == [
                "elicitation": ["form": [:]], "extensions": ["io.modelcontextprotocol/tasks": [:]],
            ])
        let initialize = MCPMessage.request(
            id: .integer(1), method: "initialize", params: JSONObject([("capabilities", declared)]))
        #expect(
            CapabilityStripping.strip(initialize, keeping: [.roots]).params?["capabilities"]
                == ["roots": ["listChanged": true]])
    }
}
