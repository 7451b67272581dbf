import MCP
import Model
import Testing

@Suite struct BatchTests {
    @Test(arguments: [("[]", true), (" \n\t[1]", true), ("{}", false), ("", false), ("\u{FEFF}[", false)])
    func anArrayIsKnownByItsFirstByte(body: String, isArray: Bool) {
        #expect(Batch.isArray(Array(body.utf8)) == isArray)
    }

    @Test func everyElementIsAMessageOfItsOwn() throws {
        let body =
            #"[{"jsonrpc":"2.0","id":1,"method":"ping"}, {"jsonrpc":"2.0","method":"notifications/initialized"}]"#
        let elements = try Batch.elements(Array(body.utf8), maximumBytes: 1 << 20)
        #expect(
            elements.map { String(decoding: $0, as: UTF8.self) } == [
                #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
                #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            ])
        #expect(String(decoding: Batch.body(elements.map { _ in Array("{}".utf8) }), as: UTF8.self) == "[{},{}]")
    }

    @Test(
        arguments: [
            ("[]", "batch"), ("{}", "batch"), ("[1]", "invalid-request"),
            (#"[[{"jsonrpc":"2.0","id":1,"method":"ping"}]]"#, "batch"),
            (#"[{"jsonrpc":"2.0","id":1,"method":"initialize"}]"#, "batch"),
            (#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","id":1,"method":"b"}]"#, "invalid-request"),
            (#"[{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}]"#, "duplicate-key"),
            (
                "[" + [String](repeating: #"{"jsonrpc":"2.0","method":"a"}"#, count: 33).joined(separator: ",") + "]",
                "batch"
            ),
        ])
    func whatIsNoBatchIsRefused(body: String, code: String) {
        #expect(refusal { try Batch.elements(Array(body.utf8), maximumBytes: 1 << 20) } == code)
    }
}
