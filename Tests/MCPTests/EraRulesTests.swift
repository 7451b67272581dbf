import MCP
import Model
import Testing

@Suite struct EraRulesTests {
    static let envelope: JSON = [
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": [:],
    ]

    static func call(_ method: String, _ params: [(String, JSON)], meta: JSON? = nil) -> MCPMessage {
        var object = JSONObject(params)
        object["_meta"] = meta
        return .request(id: .integer(1), method: method, params: object)
    }

    static func judged(
        _ message: MCPMessage, _ headers: [(String, String)], negotiated: ProtocolVersion? = nil
    ) -> String {
        do {
            return try EraRules.version(of: message, headers: HTTPHeaders(headers), negotiated: negotiated).rawValue
        } catch {
            return error.code
        }
    }

    static let modern = ("MCP-Protocol-Version", "2026-07-28")

    @Test func handshakeVersionsAreTold() {
        let list = Self.call("tools/list", [])
        #expect(Self.judged(list, []) == "2025-03-26")
        #expect(Self.judged(list, [], negotiated: .v20241105) == "2024-11-05")
        #expect(Self.judged(list, [("mcp-protocol-version", "2025-11-25")]) == "2025-11-25")
        #expect(Self.judged(list, [("mcp-protocol-version", "2025-11-25")], negotiated: .v20250618) == "era-mismatch")
        #expect(Self.judged(list, [("mcp-protocol-version", "2025-11-25")], negotiated: .v20251125) == "2025-11-25")
        #expect(Self.judged(list, [("Mcp-Method", "tools/call"), ("Mcp-Name", "x")]) == "2025-03-26")
    }

    @Test(
        "a server may answer `initialize` with a version of that era only",
        arguments: [
            (["protocolVersion": "2024-11-05"], .v20241105), (["protocolVersion": "2025-11-25"], .v20251125),
            (["protocolVersion": "2026-07-28"], nil), (["protocolVersion": "2024-10-07"], nil),
            (["protocolVersion": 20_251_125], nil), ([:], nil), ("2025-11-25", nil),
        ] as [(JSON, ProtocolVersion?)])
    func negotiated(result: JSON, version: ProtocolVersion?) {
        #expect(ProtocolVersion(negotiatedIn: result) == version)
    }

    @Test func headerAndBodyMustAgreeOnTheEra() {
        let list = Self.call("tools/list", [], meta: Self.envelope)
        #expect(Self.judged(list, []) == "era-mismatch")
        #expect(Self.judged(list, [("MCP-Protocol-Version", "2025-11-25")]) == "era-mismatch")
        #expect(Self.judged(list, [Self.modern, ("Mcp-Method", "tools/list")]) == "2026-07-28")
        #expect(Self.judged(list, [Self.modern, ("mcp-method", "tools/list")], negotiated: .v20250618) == "2026-07-28")
        #expect(
            Self.judged(Self.call("tools/list", []), [Self.modern, ("Mcp-Method", "tools/list")]) == "missing-meta")
        #expect(Self.judged(Self.call("initialize", []), [Self.modern]) == "missing-meta")
        let bare: JSON = ["io.modelcontextprotocol/protocolVersion": "2026-07-28"]
        #expect(Self.judged(Self.call("tools/list", [], meta: bare), [Self.modern]) == "missing-meta")
        let other: JSON = [
            "io.modelcontextprotocol/protocolVersion": "2025-11-25", "io.modelcontextprotocol/clientCapabilities": [:],
        ]
        #expect(Self.judged(Self.call("tools/list", [], meta: other), [Self.modern]) == "era-mismatch")
        let future: JSON = [
            "io.modelcontextprotocol/protocolVersion": "2027-01-01", "io.modelcontextprotocol/clientCapabilities": [:],
        ]
        let later = Self.call("tools/list", [], meta: future)
        #expect(Self.judged(later, [("MCP-Protocol-Version", "2027-01-01")]) == "unsupported-version")
        #expect(Self.judged(later, [Self.modern]) == "era-mismatch")
        #expect(Self.judged(later, []) == "era-mismatch")
    }

    @Test func mirrorsAreHeldToTheBody() {
        let call = Self.call("tools/call", [("name", "get_customer")], meta: Self.envelope)
        func judged(_ headers: [(String, String)]) -> String { Self.judged(call, [Self.modern] + headers) }
        #expect(judged([("Mcp-Method", "tools/call"), ("Mcp-Name", "get_customer")]) == "2026-07-28")
        #expect(judged([("Mcp-Method", "tools/call"), ("Mcp-Name", "=?base64?Z2V0X2N1c3RvbWVy?=")]) == "2026-07-28")
        #expect(judged([("Mcp-Method", "tools/list"), ("Mcp-Name", "get_customer")]) == "header-mismatch")
        #expect(judged([("Mcp-Method", "Tools/call"), ("Mcp-Name", "get_customer")]) == "header-mismatch")
        #expect(judged([("Mcp-Name", "get_customer")]) == "header-mismatch")
        #expect(judged([("Mcp-Method", "tools/call")]) == "header-mismatch")
        #expect(judged([("Mcp-Method", "tools/call"), ("Mcp-Name", "delete_customer")]) == "header-mismatch")
        #expect(
            judged([("Mcp-Method", "tools/call"), ("Mcp-Name", "=?base64?Z2V0X2N1c3RvbWVy=?=")]) == "header-mismatch")
        #expect(judged([("Mcp-Method", "tools/call"), ("Mcp-Name", "a"), ("mcp-name", "a")]) == "http-repeated-header")
        #expect(judged([("Mcp-Method", "tools/call"), ("MCP-METHOD", "tools/call")]) == "http-repeated-header")
        #expect(Self.judged(call, [Self.modern, Self.modern]) == "http-repeated-header")
        #expect(Self.judged(call, [("Mcp-Param-A", "1"), ("mcp-param-a", "1")]) == "http-repeated-header")
        let read = Self.call("resources/read", [("uri", "n://a")], meta: Self.envelope)
        #expect(
            Self.judged(read, [Self.modern, ("Mcp-Method", "resources/read"), ("Mcp-Name", "n://b")])
                == "header-mismatch")
        #expect(
            Self.judged(read, [Self.modern, ("Mcp-Method", "resources/read"), ("Mcp-Name", "n://a")]) == "2026-07-28")
    }

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("two words", "two words"), (" edge", "=?base64?IGVkZ2U=?="),
        ("Zürich ", "=?base64?WsO8cmljaCA=?="), ("a\r\nX: 1", "=?base64?YQ0KWDogMQ==?="),
        ("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
    ])
    func mirrorValues(text: String, encoded: String) {
        #expect(MirrorValue.encode(text) == encoded)
        #expect(MirrorValue.decode(encoded) == text)
    }

    @Test(arguments: [
        "=?base64?YR==?=", "=?base64?YQ=?=", "=?base64?YQ?=", "=?base64?Y Q==?=", "=?base64?/w==?=", "=?base64?-_==?=",
    ])
    func onlyCanonicalBase64OfUTF8Decodes(value: String) { #expect(MirrorValue.decode(value) == nil) }

    static let mirrored = MirroredParameters(definition: [
        "name": "q",
        "inputSchema": [
            "type": "object",
            "properties": [
                "region": ["type": "string", "x-mcp-header": "Region"],
                "count": ["type": "integer", "x-mcp-header": "Count"],
                "deep": ["type": "object", "properties": ["flag": ["type": "boolean", "x-mcp-header": "Flag"]]],
                "sql": ["type": "string"],
            ],
        ],
    ])

    @Test func mirrorsAreMadeFromTheDefinition() throws {
        let arguments: JSONObject = JSONObject([
            ("region", "Zürich "), ("count", 42), ("deep", ["flag": true]), ("sql", "x"),
        ])
        let message = Self.call("tools/call", [("name", "q"), ("arguments", .object(arguments))], meta: Self.envelope)
        let action = try MCPAction(message, version: .v20260728)
        let headers = EraRules.upstreamHeaders(
            for: action, message: message, version: .v20260728, mirrored: Self.mirrored)
        #expect(
            HTTPHeaders(headers)
                == HTTPHeaders([
                    ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "q"),
                    ("Mcp-Param-Region", "=?base64?WsO8cmljaCA=?="), ("Mcp-Param-Count", "42"),
                    ("Mcp-Param-Flag", "true"),
                ]))
        #expect(EraRules.upstreamHeaders(for: action, message: message, version: .v20250326).isEmpty)
        #expect(EraRules.upstreamHeaders(for: action, message: message, version: .v20251125).count == 1)
        try EraRules.checkParameters(HTTPHeaders(headers), arguments: arguments, mirrored: Self.mirrored)
    }

    @Test(
        arguments: [
            (#"{"region":"eu"}"#, [("Mcp-Param-Region", "eu")], nil), (#"{"region":"eu"}"#, [], "header-mismatch"),
            (#"{"region":null}"#, [], nil), (#"{}"#, [("mcp-param-region", "eu")], "header-mismatch"),
            (#"{"region":"eu"}"#, [("Mcp-Param-Region", "us")], "header-mismatch"),
            (#"{"region":"eu"}"#, [("Mcp-Param-Region", "EU")], "header-mismatch"),
            (#"{"region":"eu"}"#, [("Mcp-Param-Region", "=?base64?ZXU=?=")], nil),
            (#"{"count":42}"#, [("Mcp-Param-Count", "42.0")], nil),
            (#"{"count":42.0}"#, [("Mcp-Param-Count", "42")], nil),
            (#"{"count":42}"#, [("Mcp-Param-Count", "42.1")], "header-mismatch"),
            (#"{"count":-42}"#, [("Mcp-Param-Count", "42")], "header-mismatch"),
            (#"{"count":42}"#, [("Mcp-Param-Count", "4.2e1")], "header-mismatch"),
            (#"{"region":{}}"#, [("Mcp-Param-Region", "{}")], "header-mismatch"),
            (#"{"sql":"x"}"#, [("Mcp-Param-Other", "y")], nil),
        ] as [(String, [(String, String)], String?)])
    func parametersAreHeldToTheArguments(arguments: String, headers: [(String, String)], code: String?) throws {
        let object = try #require(try JSON(parsing: Array(arguments.utf8)).object)
        let check = {
            try EraRules.checkParameters(HTTPHeaders(headers), arguments: object, mirrored: Self.mirrored)
        }
        #expect(refusal(check) == code)
    }

    @Test(arguments: [
        #"{"inputSchema":{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}}"#,
        #"{"inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A B"}}}}"#,
        #"{"inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A\r\nX: 1"}}}}"#,
        #"{"inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}}}"#,
        #"{"inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}},"anyOf":[{"x-mcp-header":"B"}]}}"#,
        #"{"inputSchema":{"x-mcp-header":"A"}}"#,
    ])
    func aDefinitionThatBreaksTheRulesMirrorsNothing(text: String) throws {
        let definition = try JSON(parsing: Array(text.utf8))
        let action = MCPAction.callTool(name: "q", arguments: JSONObject([("a", "1"), ("b", "2")]))
        let message = Self.call("tools/call", [("name", "q")])
        let headers = EraRules.upstreamHeaders(
            for: action, message: message, version: .v20260728, mirrored: MirroredParameters(definition: definition))
        #expect(headers.count == 3)
    }

    @Test(
        arguments: [
            ["sampling": [:]], ["elicitation": ["form": [:]]], ["roots": [:]], ["tasks": ["cancel": [:]]],
            ["extensions": ["io.example/other": [:]]], ["experimental": ["x": 1]], ["notYetKnown": [:]],
            [:],
            7,
        ] as [JSON])
    func noClientCapabilityGoesOn(capabilities: JSON) throws {
        let initialize = Self.call("initialize", [("protocolVersion", "2025-11-25"), ("capabilities", capabilities)])
        let params = CapabilityStripping.strip(initialize).params
        #expect(params == JSONObject([("protocolVersion", "2025-11-25"), ("capabilities", [:])]))
        let meta: JSON = ["io.modelcontextprotocol/clientCapabilities": capabilities, "progressToken": 1]
        for method in ["tools/list", "tools/call", "server/discover"] {
            let stripped = CapabilityStripping.strip(Self.call(method, [], meta: meta))
            #expect(
                stripped.params?["_meta"]
                    == ["io.modelcontextprotocol/clientCapabilities": [:], "progressToken": 1])
        }
        let call = Self.call("tools/call", [("name", "a"), ("capabilities", capabilities)])
        #expect(CapabilityStripping.strip(call) == call)
    }
}
