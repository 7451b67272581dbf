import AdminCLI
import MCP
import Model
import Testing

@Suite struct ConversationTests {
    private func message(_ text: String) throws -> MCPMessage {
        try MCPMessage(parsing: Array(text.utf8), maximumBytes: 1 << 20)
    }

    private func fields(_ headers: HTTPHeaders) -> [String: String] {
        Dictionary(headers.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { "\($0), \($1)" })
    }

    private func request(_ method: String, _ params: String = "", meta version: String? = nil) throws -> MCPMessage {
        let meta = version.map {
            #""_meta":{"io.modelcontextprotocol/protocolVersion":"\#($0)","io.modelcontextprotocol/clientCapabilities":{}}"#
        }
        let members = [params.isEmpty ? nil : params, meta].compactMap(\.self).joined(separator: ",")
        return try message(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{\#(members)}}"#)
    }

    private let plain = ["Content-Type": "application/json", "Accept": "application/json, text/event-stream"]

    @Test func statelessRequestsMirrorTheirBody() throws {
        var conversation = Conversation()
        func headers(_ method: String, _ params: String) throws -> [String: String] {
            fields(conversation.headers(for: try request(method, params, meta: "2026-07-28")))
        }
        let version = ["MCP-Protocol-Version": "2026-07-28"]
        func expected(_ more: [String: String]) -> [String: String] {
            plain.merging(version) { $1 }.merging(more) { $1 }
        }
        #expect(try headers("tools/list", "") == expected(["Mcp-Method": "tools/list"]))
        #expect(
            try headers("tools/call", #""name":"read","arguments":{}"#)
                == expected(["Mcp-Method": "tools/call", "Mcp-Name": "read"]))
        #expect(
            try headers("resources/read", #""uri":"ledger://é""#)
                == expected(["Mcp-Method": "resources/read", "Mcp-Name": "=?base64?bGVkZ2VyOi8vw6k=?="]))
        #expect(
            try headers("prompts/get", #""name":"sum","arguments":{}"#)
                == expected(["Mcp-Method": "prompts/get", "Mcp-Name": "sum"]))
        #expect(
            try headers("completion/complete", #""name":"x""#) == expected(["Mcp-Method": "completion/complete"]))
    }

    /// What we send must pass what a spoke checks.
    @Test func statelessHeadersSatisfyTheRulesOfTheEra() throws {
        var conversation = Conversation()
        for call in [
            try request("tools/call", #""name":" odd","arguments":{}"#, meta: "2026-07-28"),
            try request("resources/read", #""uri":"a://=?base64?YQ==?=""#, meta: "2026-07-28"),
            try request("server/discover", meta: "2026-07-28"),
        ] {
            let headers = conversation.headers(for: call)
            #expect(try EraRules.version(of: call, headers: headers) == .v20260728)
        }
    }

    @Test func argumentsThatADefinitionMirrorsGoIntoHeaders() throws {
        var conversation = Conversation()
        let list = try request("tools/list", meta: "2026-07-28")
        let answer = try message(
            #"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}}"#
        )
        conversation.learn(from: answer, to: list, HTTPHeaders())
        let call = try request("tools/call", #""name":"read","arguments":{"region":"eu"}"#, meta: "2026-07-28")
        #expect(fields(conversation.headers(for: call))["Mcp-Param-Region"] == "eu")
        let other = try request("tools/call", #""name":"write","arguments":{"region":"eu"}"#, meta: "2026-07-28")
        #expect(fields(conversation.headers(for: other))["Mcp-Param-Region"] == nil)
    }

    @Test(arguments: [("2025-11-25", "2025-11-25" as String?), ("2025-06-18", "2025-06-18"), ("2025-03-26", nil)])
    func handshakeKeepsSessionAndVersion(version: String, sent: String?) throws {
        var conversation = Conversation()
        let initialize = try request("initialize", #""protocolVersion":"\#(version)","capabilities":{}"#)
        #expect(fields(conversation.headers(for: initialize)) == plain)
        let answer = try message(
            #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"\#(version)","capabilities":{}}}"#)
        conversation.learn(from: answer, to: initialize, HTTPHeaders([("mcp-session-id", "s-1")]))
        var expected = ["Mcp-Session-Id": "s-1"]
        expected["MCP-Protocol-Version"] = sent
        #expect(fields(conversation.headers(for: try request("tools/list"))) == plain.merging(expected) { $1 })
        #expect(fields(conversation.sessionHeaders()) == expected)
        // A new beginning carries nothing of the old one.
        #expect(fields(conversation.headers(for: initialize)) == plain)
        conversation.sessionEnded()
        #expect(conversation.session == nil && conversation.negotiated?.rawValue == version)
    }

    @Test func aSessionIdThatCouldBreakAHeaderIsNotKept() throws {
        var conversation = Conversation()
        let initialize = try request("initialize")
        let answer = try message(#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}"#)
        conversation.learn(from: answer, to: initialize, HTTPHeaders([("Mcp-Session-Id", "a b")]))
        #expect(conversation.session == nil)
    }

    @Test func notificationsOfAStatelessProgramCarryItsVersion() throws {
        var conversation = Conversation()
        _ = conversation.headers(for: try request("tools/list", meta: "2026-07-28"))
        let note = try message(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}"#)
        #expect(
            fields(conversation.headers(for: note))
                == plain.merging(["MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "notifications/cancelled"]) { $1 }
        )
    }

    @Test func versionsThatAreNotKnownAreTheSpokesToRefuse() throws {
        var conversation = Conversation()
        let call = try request("tools/list", meta: "2031-01-01\\r\\nX: y")
        #expect(Conversation.isStateless(call))
        #expect(fields(conversation.headers(for: call))["MCP-Protocol-Version"] == "2031-01-01X:y")
        #expect(!Conversation.isStateless(try request("tools/list", meta: "2025-11-25")))
    }
}
