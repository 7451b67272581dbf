import MCP
import Model
import Testing

@Suite struct StreamTests {
    static func events(_ pieces: [ArraySlice<UInt8>], limit: Int = 1000) -> ([SSEEvent], String?) {
        var parser = SSEParser(eventLimit: limit)
        var events: [SSEEvent] = []
        do {
            for piece in pieces { events += try parser.feed(piece) }
            return (events, nil)
        } catch {
            return (events, error.code)
        }
    }

    static let table: [(String, [SSEEvent])] = [
        ("data: a\n\n", [SSEEvent(data: Array("a".utf8))]),
        (
            "event: message\r\ndata: {\"a\":\r\ndata:1}\r\n\r\n",
            [SSEEvent(event: "message", data: Array("{\"a\":\n1}".utf8))]
        ),
        ("data: a\rdata: b\r\rdata: c\r\r", [SSEEvent(data: Array("a\nb".utf8)), SSEEvent(data: Array("c".utf8))]),
        (": ping - 12:00\r\n\r\n", [SSEEvent(comments: ["ping - 12:00"])]),
        ("id: 7\ndata: \nretry: 3000\n\n", [SSEEvent(data: [], id: "7", retry: 3000)]),
        ("id: 7\n\n", [SSEEvent(id: "7")]), ("data\n\n", [SSEEvent(data: [])]),
        ("\n\n\r\n\r\n", []), ("data: unfinished\n", []),
        ("\u{FEFF}data:  two spaces\nunknown: x\nretry: soon\n\n", [SSEEvent(data: Array(" two spaces".utf8))]),
        (
            "event: endpoint\r\ndata: /messages/?s=1\r\n\r\n",
            [SSEEvent(event: "endpoint", data: Array("/messages/?s=1".utf8))]
        ),
        ("id: a\u{0}b\ndata: é\n\n", [SSEEvent(data: Array("é".utf8))]),
    ]

    @Test func whichDataIsAMessageIsToldByBytes() {
        #expect(SSEEvent(event: "message", data: [1]).carriesMessage)
        #expect(SSEEvent(data: [1]).carriesMessage)
        #expect(!SSEEvent(event: "message", data: []).carriesMessage)
        let marks = String(repeating: "\u{301}", count: 100_000) + String(repeating: "\u{316}", count: 100_000)
        let text = "event: message\(marks)\ndata\(marks): 1\ndata: 2\n\n"
        let (events, problem) = Self.events([Array(text.utf8)[...]], limit: 1 << 20)
        #expect(problem == nil)
        #expect(events.map(\.data) == [Array("2".utf8)])
        #expect(events.map(\.carriesMessage) == [false])
    }

    @Test(arguments: table) func readsStreamsHoweverTheyAreCut(text: String, expected: [SSEEvent]) {
        let bytes = Array(text.utf8)
        #expect(Self.events([bytes[...]]).0 == expected)
        #expect(Self.events(bytes.indices.map { bytes[$0...$0] }).0 == expected)
        var generator = SeededGenerator(state: 11)
        for _ in 0..<20 { #expect(Self.events(generator.pieces(of: bytes, atMost: 5)).0 == expected) }
    }

    @Test(arguments: table) func whatIsWrittenIsReadBack(text: String, expected: [SSEEvent]) {
        let bytes = expected.flatMap { SSEWriter.bytes($0) }
        #expect(Self.events([bytes[...]]).0 == expected)
    }

    @Test func valuesCannotBeginFields() {
        let event = SSEEvent(event: "a\ndata: evil", data: Array("x\r\n\r\nid: 1\rz".utf8), id: "1\r\n\r\n")
        let read = Self.events([SSEWriter.bytes(event)[...]]).0
        #expect(read == [SSEEvent(event: "adata: evil", data: Array("x\n\nid: 1\nz".utf8), id: "1")])
    }

    @Test func eventsAreBounded() {
        let text = Array(("data: " + String(repeating: "a", count: 100) + "\n\n").utf8)
        #expect(Self.events([text[...]], limit: 50).1 == "event-too-large")
        #expect(Self.events(text.indices.map { text[$0...$0] }, limit: 50).1 == "event-too-large")
        let many = Array(String(repeating: "data: a\n", count: 100).utf8)
        #expect(Self.events([many[...]], limit: 50).1 == "event-too-large")
        let separate = Array(String(repeating: "data: a\n\n", count: 100).utf8)
        #expect(Self.events([separate[...]], limit: 50).0.count == 100)
        #expect(Self.events([[0x69, 0x64, 0x3A, 0xFF, 0x0A][...]]).1 == "bad-event")
    }

    @Test func onlyMessagesAreReadAsMessages() {
        #expect(SSEEvent(data: [0x7B]).carriesMessage)
        #expect(SSEEvent(event: "message", data: [0x7B]).carriesMessage)
        #expect(!SSEEvent(data: [], id: "1").carriesMessage)
        #expect(!SSEEvent(event: "endpoint", data: [0x2F]).carriesMessage)
        #expect(!SSEEvent(comments: ["ping"]).carriesMessage)
    }

    @Test func linesAreFramed() throws {
        let bytes = Array("{\"a\":1}\n\r\n\n{\"b\":\"é\"}\r\n{\"c\"".utf8)
        for pieces in [[bytes[...]], bytes.indices.map { bytes[$0...$0] }] {
            var parser = LineParser(lineLimit: 20)
            var lines: [String] = []
            for piece in pieces { lines += try parser.feed(piece).map { String(decoding: $0, as: UTF8.self) } }
            #expect(lines == ["{\"a\":1}", "{\"b\":\"é\"}"])
            // The last line has no end yet.
            #expect(try parser.feed(Array("}\n".utf8)) == [Array("{\"c\"}".utf8)])
        }
        var parser = LineParser(lineLimit: 20)
        #expect(refusal { try parser.feed(Array(repeating: 0x61, count: 21)) } == "line-too-large")
        let message = MCPMessage.notification(method: "a", params: JSONObject([("x", "line\nend")]))
        #expect(LineWriter.bytes(message).filter { $0 == 0x0A }.count == 1)
    }

    @Test func mutationsNeverCrash() {
        var generator = SeededGenerator(state: 13)
        var total = 0
        for round in 0..<10_000 {
            let bytes = generator.mutated(Array(Self.table[round % Self.table.count].0.utf8))
            total += Self.events(generator.pieces(of: bytes, atMost: 4)).0.count
        }
        #expect(total > 1000)
    }
}
