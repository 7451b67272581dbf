import MCP
import Model
import Testing

@Suite struct MCPMessageTests {
    static func message(_ text: String) throws -> MCPMessage {
        try MCPMessage(parsing: Array(text.utf8), maximumBytes: 100_000)
    }

    @Test(arguments: [
        (
            #"{"method":"tools/list","id":1,"jsonrpc":"2.0"}"#,
            MCPMessage.request(id: .integer(1), method: "tools/list", params: nil),
            #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":"listen-1","method":"x","params":{"b":1,"a":1.50}}"#,
            .request(
                id: .string("listen-1"), method: "x", params: JSONObject([("b", 1), ("a", .number(number("1.50")))])),
            #"{"jsonrpc":"2.0","id":"listen-1","method":"x","params":{"b":1,"a":1.50}}"#
        ),
        (
            #"{ "jsonrpc" : "2.0", "method":"notifications\/initialized" }"#,
            .notification(method: "notifications/initialized", params: nil),
            #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":3,"result":{}}"#, .result(id: .integer(3), [:]),
            #"{"jsonrpc":"2.0","id":3,"result":{}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m","data":1,"extra":2}}"#,
            .failure(id: nil, JSONRPCError(code: -32700, message: "m", data: 1)),
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m","data":1}}"#
        ),
    ])
    func readsAndWritesAgain(text: String, expected: MCPMessage, written: String) throws {
        let message = try Self.message(text)
        #expect(message == expected)
        #expect(String(decoding: message.bytes, as: UTF8.self) == written)
    }

    static func number(_ text: String) -> JSONNumber { JSONNumber(text: text) ?? JSONNumber(0) }

    @Test(arguments: [
        (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, "batch"), ("[]", "batch"), ("1", "invalid-request"),
        ("null", "invalid-request"), ("{}", "invalid-request"), (#"{"id":1,"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"1.0","id":1,"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":2.0,"id":1,"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1.0,"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1e3,"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":true,"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":[1],"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":99999999999999999999,"method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":1}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":""}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a b"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/ca\u017f"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a","params":null}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a","extra":1}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"Method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}"#, "ambiguous-key"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"a","Name":"b"}}"#, "ambiguous-key"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"a","nam\u0065":"b"}}"#, "duplicate-key"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a","method\u0000":"b"}"#, "bad-key"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":NaN}}"#, "bad-json"),
        (#"{"jsonrpc":"2.0","id":1,"method":"a"} {}"#, "bad-json"),
        ("\u{FEFF}{}", "bad-encoding"), (#"{"jsonrpc":"2.0","id":1,"method":"a","result":1}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1}"#, "invalid-request"), (#"{"jsonrpc":"2.0","result":{}}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":null,"result":{}}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":""}}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"error":"x"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":"\#(String(repeating: "a", count: 257))","method":"a"}"#, "invalid-request"),
        (#"{"jsonrpc":"2.0","id":1,"method":"\#(String(repeating: "a", count: 129))"}"#, "invalid-request"),
    ])
    func refuses(text: String, code: String) { #expect(refusal { try Self.message(text) } == code) }

    @Test func sizeIsBounded() {
        #expect(
            refusal { try MCPMessage(parsing: Array(repeating: 0x20, count: 11), maximumBytes: 10) } == "json-too-large"
        )
    }

    @Test func idsAreComparedByteForByte() {
        #expect(RequestID.string("\u{212A}") != RequestID.string("K"))
        #expect(RequestID.string("1") != RequestID.integer(1))
        let message = MCPMessage.request(id: .integer(1), method: "a", params: nil)
        #expect(message.renumbered(.string("s-1")).id == .string("s-1"))
    }

    /// Each key is one that Swift's strings would take minutes to compare, were it let through.
    @Test func keysThatAreDearToCompareAreRefused() {
        let marks = String(repeating: "\u{301}", count: 50_000) + String(repeating: "\u{316}", count: 50_000)
        for text in [
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name\#(marks)":2}}"#,
            #"{"jsonrpc":"2.0","method\#(marks)":"a","id":1}"#, #"{"\#(marks)":1,"x":2}"#,
        ] {
            #expect(refusal { try MCPMessage(parsing: Array(text.utf8), maximumBytes: 1 << 20) } == "bad-key")
        }
    }

    @Test func versionsAreReadByteForByte() {
        for version in ProtocolVersion.allCases { #expect(ProtocolVersion(rawValue: version.rawValue) == version) }
        for other in ["", "2025-11-2", "2025-11-25\u{301}", "2027-01-01"] {
            #expect(ProtocolVersion(rawValue: other) == nil)
        }
    }

    @Test func serverMessagesAreTold() {
        func told(_ text: String) -> ServerMessage { ServerMessage(parsing: Array(text.utf8), maximumBytes: 1000) }
        #expect(
            told(#"{"jsonrpc":"2.0","id":1,"result":{}}"#) == .response(.integer(1), .result(id: .integer(1), [:])))
        #expect(
            told(#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}}"#)
                == .notification(method: "notifications/message", params: JSONObject([("level", "info")])))
        #expect(
            told(#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#)
                == .request(.integer(1), method: "sampling/createMessage", params: JSONObject()))
        for bad in ["", "hello", "[]", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}"#] {
            guard case .invalid = told(bad) else {
                Issue.record("\(bad) was taken for a message")
                continue
            }
        }
        #expect(ServerMessage.refusal(of: .integer(1), method: "ping") == .result(id: .integer(1), [:]))
        #expect(
            String(decoding: ServerMessage.refusal(of: .integer(1), method: "roots/list").bytes, as: UTF8.self)
                == #"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#)
    }
}
