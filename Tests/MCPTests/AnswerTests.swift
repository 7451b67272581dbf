import MCP
import Model
import Testing

@Suite struct AnswerTests {
    static let tools: JSON = [
        "resultType": "complete", "cacheScope": "public", "ttlMs": 60000, "nextCursor": "c2",
        "tools": [
            ["name": "read_a", "annotations": ["readOnlyHint": true]], ["name": "delete_a"], ["name": "\u{212A}"],
            ["title": "x"],
            ["name": "read_b", "annotations": ["readOnlyHint": "true"]], 7,
        ],
    ]

    static func names(_ result: JSON) -> [String] { result["tools"]?.array?.compactMap { $0["name"]?.string } ?? [] }

    @Test func deniedItemsAreTakenOutInOrder() throws {
        var told: [String] = []
        let result = try ListFilter.filter(Self.tools, kind: .tools, era: .stateless, ttlCap: 5000) { name, _ in
            told.append(name)
            return name.hasPrefix("read")
        }
        #expect(told == ["read_a", "delete_a", "read_b"])
        #expect(Self.names(result) == ["read_a", "read_b"])
        #expect(result["nextCursor"] == "c2")
        #expect(result["cacheScope"] == "private")
        #expect(result["ttlMs"] == 5000)
        #expect(result["resultType"] == "complete")
    }

    @Test func anEmptyPageKeepsItsCursor() throws {
        let result = try ListFilter.filter(Self.tools, kind: .tools, era: .handshake, ttlCap: 0) { _, _ in false }
        #expect(result["tools"] == [])
        #expect(result["nextCursor"] == "c2")
        #expect(result["cacheScope"] == "public")
    }

    @Test(arguments: [(nil, 0), (-5, 0), (300, 300), (9_000_000, 1000), ("1", 0)] as [(JSON, Int64)])
    func timeToLiveIsCapped(declared: JSON, expected: Int64) throws {
        let result = try ListFilter.filter(
            ["prompts": [], "ttlMs": declared], kind: .prompts, era: .stateless, ttlCap: 1000
        ) { _, _ in true }
        #expect(result["ttlMs"]?.integer == expected)
    }

    @Test(arguments: [[:], ["resultType": "complete"], ["content": [], "isError": true]] as [JSON])
    func completeResultsPass(result: JSON) throws { try ServerResult.check(result) }

    @Test(
        arguments: [
            ["resultType": "input_required", "inputRequests": ["a": ["method": "elicitation/create"]]],
            ["resultType": "task", "taskId": "1"], ["resultType": ""], ["resultType": "Complete"], ["resultType": nil],
            ["resultType": true], ["resultType": ["complete"]], ["resultType": "complete\u{301}"], nil, [], "complete",
            1,
        ] as [JSON])
    func everyOtherResultIsRefused(result: JSON) {
        #expect(refusal { try ServerResult.check(result) } == "bad-upstream")
    }

    static let read = MCPAction.readResource(uri: "note://a")
    static let call = MCPAction.callTool(name: "a", arguments: JSONObject())

    @Test(
        arguments: [
            (Self.read, ["cacheScope": "public", "ttlMs": 60000], ["cacheScope": "private", "ttlMs": 5000]),
            (Self.read, ["cacheScope": "public", "ttlMs": 10], ["cacheScope": "private", "ttlMs": 10]),
            (Self.read, ["contents": []], ["contents": [], "cacheScope": "private", "ttlMs": 0]),
            (Self.call, ["cacheScope": "public"], ["cacheScope": "private", "ttlMs": 0]),
            (Self.call, ["ttlMs": 9000], ["cacheScope": "private", "ttlMs": 5000]),
            (.discover, ["cacheScope": 1, "ttlMs": "x"], ["cacheScope": "private", "ttlMs": 0]),
            (Self.call, ["content": []], ["content": []]), (Self.read, 7, 7),
        ] as [(MCPAction, JSON, JSON)])
    func whatIsDecidedForOneCallerIsCachedForNoOther(action: MCPAction, result: JSON, expected: JSON) {
        #expect(ServerResult.confined(result, of: action, era: .stateless, ttlCap: 5000) == expected)
        #expect(ServerResult.confined(result, of: action, era: .handshake, ttlCap: 5000) == result)
    }

    @Test func itemsThatCannotBeCalledAreNotListed() throws {
        let resources: JSON = ["resources": [["uri": "n://a"], ["uri": "N://a"], ["uri": "n://a/../b"]]]
        let result = try ListFilter.filter(resources, kind: .resources, era: .handshake, ttlCap: 0) { _, _ in true }
        #expect(result["resources"] == [["uri": "n://a"]])
        let templates: JSON = [
            "resourceTemplates": [["uriTemplate": "c://{id}"], ["uriTemplate": "c d"], ["uriTemplate": "c://{a"]]
        ]
        let kept = try ListFilter.filter(templates, kind: .resourceTemplates, era: .handshake, ttlCap: 0) { _, _ in true
        }
        #expect(kept["resourceTemplates"] == [["uriTemplate": "c://{id}"]])
    }

    @Test(arguments: [nil, [:], ["tools": [:]], ["prompts": []], []] as [JSON])
    func whatIsNoListIsRefused(result: JSON) {
        let filter = { try ListFilter.filter(result, kind: .tools, era: .handshake, ttlCap: 0) { _, _ in true } }
        #expect(refusal(filter) == "bad-upstream")
        var catalog = Catalog()
        #expect(refusal { try catalog.add(page: result, kind: .tools) } == "bad-upstream")
    }

    @Test func theCatalogIsLookedUpByteForByte() throws {
        var catalog = Catalog()
        #expect(try catalog.add(page: Self.tools, kind: .tools) == "c2")
        #expect(try catalog.add(page: ["tools": [["name": "K"]]], kind: .tools) == nil)
        #expect(catalog.tools.keys.sorted() == ["K", "delete_a", "read_a", "read_b"])
        #expect(catalog.tool("read_a")?.readOnlyHint == true)
        #expect(catalog.tool("read_b")?.readOnlyHint == false)
        #expect(catalog.tool("\u{212A}") == nil)
        #expect(catalog.tool("Read_a") == nil)
        #expect(catalog.offers(Capability(.tool, "K")))
        #expect(!catalog.offers(Capability(.prompt, "K")))
        #expect(catalog.offers(Capability(.resource, "n://never-listed")))
        _ = try catalog.add(page: ["tools": [["name": "read_a"]]], kind: .tools)
        #expect(catalog.tool("read_a")?.readOnlyHint == false)
        #expect(refusal { try catalog.add(page: ["tools": [], "nextCursor": 1], kind: .tools) } == "bad-upstream")
    }

    @Test func everyReasonHasItsCodes() {
        for reason in MCPError.Reason.allCases {
            let (code, status) = JSONRPCErrors.codes(reason)
            #expect([-32700, -32603, -32602, -32601, -32600, -32020, -32022].contains(code), "\(reason)")
            #expect((400...599).contains(status), "\(reason)")
        }
    }

    @Test func errorsAreAnsweredAsTheEraExpects() {
        let params = MCPError(.invalidParams, "`name` is not a string")
        #expect(JSONRPCErrors.answer(params, id: .integer(1), era: .handshake).status == 200)
        #expect(JSONRPCErrors.answer(params, id: .integer(1), era: .stateless).status == 400)
        #expect(JSONRPCErrors.answer(MCPError(.methodNotFound, ""), id: .integer(1), era: .stateless).status == 404)
        #expect(JSONRPCErrors.answer(MCPError(.badJSON, ""), id: nil, era: nil).status == 400)
        let version = JSONRPCErrors.answer(
            MCPError(.unsupportedVersion, "m"), id: .integer(1), era: .stateless, requested: "2027-01-01")
        #expect(
            String(decoding: version.message.bytes, as: UTF8.self)
                == #"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"m","data":{"supported":["2026-07-28"],"requested":"2027-01-01"}}}"#
        )
    }

    @Test func unknownNamesAreAnsweredAsTheUpstreamDoes() throws {
        let probe = "nave-probe-7f3a"
        let result: JSON = [
            "content": [["type": "text", "text": .string("No tool '\(probe)' here; \(probe)!")]], "isError": true,
            "_meta": ["s": ["name": "kitchen"]],
        ]
        let answer = try #require(
            UnknownAnswer(probe: probe, status: 200, answer: .result(id: .string("p"), result)))
        let (status, message) = answer.answer(name: "delete_a", id: .integer(9))
        #expect(status == 200)
        #expect(
            message.json["result"]?["content"] == [["type": "text", "text": "No tool 'delete_a' here; delete_a!"]])
        #expect(message.id == .integer(9))

        let error = JSONRPCError(code: -32002, message: "gone: \(probe)", data: ["uri": .string(probe), "n": 1])
        let other = try #require(UnknownAnswer(probe: probe, status: 400, answer: .failure(id: .integer(1), error)))
        #expect(
            other.answer(name: "n://x", id: .integer(2)).message
                == .failure(
                    id: .integer(2), JSONRPCError(code: -32002, message: "gone: n://x", data: ["uri": "n://x", "n": 1]))
        )
        #expect(other.answer(name: "n://x", id: .integer(2)).status == 400)
    }

    @Test func whatIsNoRefusalIsNoModel() {
        let ran = MCPMessage.result(id: .integer(1), ["content": []])
        #expect(UnknownAnswer(probe: "p", status: 200, answer: ran) == nil)
        #expect(UnknownAnswer(probe: "p", status: 500, answer: .result(id: .integer(1), ["isError": true])) == nil)
        #expect(UnknownAnswer(probe: "", status: 200, answer: .result(id: .integer(1), ["isError": true])) == nil)
        #expect(UnknownAnswer(probe: "p", status: 200, answer: .notification(method: "p", params: nil)) == nil)
    }

    @Test(arguments: [
        (
            CapabilityKind.tool, Era.stateless, 200,
            #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Unknown tool: x"}],"isError":true,"resultType":"complete"}}"#
        ),
        (
            .tool, .handshake, 200,
            #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Unknown tool: x"}],"isError":true}}"#
        ),
        (
            .resource, .stateless, 400,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown resource: x","data":{"uri":"x"}}}"#
        ),
        (
            .resource, .handshake, 200,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown resource: x","data":{"uri":"x"}}}"#
        ),
        (.prompt, .stateless, 400, #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown prompt: x"}}"#),
        (.prompt, .handshake, 200, #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown prompt: x"}}"#),
    ])
    func withoutAProbeTheReferenceServerIsTheModel(kind: CapabilityKind, era: Era, status: Int, body: String) {
        let answer = UnknownAnswer.assumed(kind, era: era).answer(name: "x", id: .integer(1))
        #expect(answer.status == status)
        #expect(String(decoding: answer.message.bytes, as: UTF8.self) == body)
    }
}
