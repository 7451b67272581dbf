import MCP
import Model
import SpokeAgent
import Testing

@Suite("an upstream's answers")
struct AnswerReaderTests {
    private func head(_ status: Int, _ type: String?, _ more: [String] = []) throws -> HTTPResponseHead {
        var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1 << 20))
        let fields = (type.map { ["Content-Type: \($0)"] } ?? []) + more + ["Content-Length: 0"]
        let bytes = Array("HTTP/1.1 \(status) X\r\n\(fields.joined(separator: "\r\n"))\r\n\r\n".utf8)
        guard case .head(let head)? = try parser.feed(bytes).first else {
            throw MCPError(.badStatusLine, "the answer of a test is none")
        }
        return head
    }

    private func last(
        _ status: Int, _ type: String?, _ body: String, expected: RequestID? = .integer(7), limit: Int = 1 << 20
    ) throws -> UpstreamEvent {
        var reader = AnswerReader(expected: expected, limit: limit)
        reader.head(try head(status, type))
        let (events, _) = reader.read(Array(body.utf8))
        return try #require(events.last ?? reader.end())
    }

    /// What one event is, in a word.
    private func word(_ event: UpstreamEvent) -> String {
        switch event {
        case .notification(let message): "notification \(message.method ?? "")"
        case .keepAlive: "keep-alive"
        case .response(let response): "response \(response.status) \(response.message.id?.description ?? "-")"
        case .accepted: "accepted"
        case .refused(let status): "refused \(status)"
        case .failed(let error): "failed \(error.code)"
        }
    }

    @Test(
        "JSON answers: only the one to this request is believed",
        arguments: [
            (200, "application/json", #"{"jsonrpc":"2.0","id":7,"result":{}}"#, "response 200 7"),
            (200, "application/json; charset=utf-8", #"{"jsonrpc":"2.0","id":7,"result":{}}"#, "response 200 7"),
            (200, "application/json", #"{"jsonrpc":"2.0","id":8,"result":{}}"#, "failed bad-upstream"),
            (200, "application/json", #"{"jsonrpc":"2.0","id":"7","result":{}}"#, "failed bad-upstream"),
            (200, "application/json", #"{"jsonrpc":"2.0","id":7,"result":{},"result":{}}"#, "failed bad-upstream"),
            (200, "application/json", "", "failed bad-upstream"),
            (200, "text/html", "<p>", "failed bad-upstream"),
            (202, nil, "", "failed bad-upstream"),
            (
                400, "application/json",
                #"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"no"}}"#,
                "response 400 7"
            ),
            (
                404, "application/json", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#,
                "response 404 7"
            ),
            (404, "text/plain", "Not Found", "refused 404"),
            (500, "text/plain", "oh", "refused 500"),
            (500, "application/json", #"{"jsonrpc":"2.0","id":7,"result":{}}"#, "failed bad-upstream"),
        ] as [(Int, String?, String, String)])
    func json(_ status: Int, _ type: String?, _ body: String, _ expected: String) throws {
        #expect(word(try last(status, type, body)) == expected)
    }

    @Test("a message without an answer is accepted or refused")
    func notifications() throws {
        #expect(word(try last(202, nil, "", expected: nil)) == "accepted")
        #expect(word(try last(400, "application/json", "{}", expected: nil)) == "refused 400")
    }

    @Test("an answer beyond the limit is given up, and so is an event; what follows is not read")
    func limits() throws {
        let long = #"{"jsonrpc":"2.0","id":7,"result":{"x":"\#(String(repeating: "x", count: 100))"}}"#
        #expect(word(try last(200, "application/json", long, limit: 64)) == "failed answer-too-large")
        #expect(word(try last(200, "text/event-stream", "data: \(long)\n\n", limit: 64)) == "failed bad-upstream")
    }

    @Test("a stream: notifications pass, requests are asked apart, the answer ends it, what comes behind is dropped")
    func stream() throws {
        var reader = AnswerReader(expected: .integer(7), limit: 1 << 20)
        reader.head(try head(200, "text/event-stream", ["Mcp-Session-Id: abc"]))
        let text = """
            : ping

            id: 1
            data:

            data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}

            data: {"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{}}

            event: message
            data: {"jsonrpc":"2.0","id":7,
            data: "result":{"ok":true}}

            data: {"jsonrpc":"2.0","id":7,"result":{"ok":false}}


            """
        var words: [String] = []
        var asked: [AnswerReader.Asked] = []
        var session: String?
        for byte in Array(text.utf8) {
            let (events, questions) = reader.read([byte])
            words += events.map(word)
            asked += questions
            for case .response(let response) in events {
                session = response.session
                guard case .result(_, let result) = response.message else { continue }
                #expect(result["ok"]?.bool == true)
            }
        }
        #expect(words == ["keep-alive", "notification notifications/progress", "response 200 7"])
        #expect(asked.map(\.method) == ["sampling/createMessage"])
        #expect(session == "abc")
        #expect(reader.hasEnded)
        #expect(reader.end() == nil)
    }

    @Test("a server that asks without end is given up after sixteen questions")
    func asking() throws {
        var reader = AnswerReader(expected: .integer(7), limit: 1 << 20)
        reader.head(try head(200, "text/event-stream"))
        var asked = 0
        var words: [String] = []
        for number in 0..<100 {
            let question = #"data: {"jsonrpc":"2.0","id":\#(number),"method":"roots/list"}"# + "\n\n"
            let (events, questions) = reader.read(Array(question.utf8))
            words += events.map(word)
            asked += questions.count
        }
        #expect(asked == AnswerReader.maximumAsked)
        #expect(words == ["failed bad-upstream"])
    }

    @Test("a stream that ends without the answer, or answers another request, has failed")
    func brokenStreams() throws {
        #expect(word(try last(200, "text/event-stream", ": ping\n")) == "failed upstream-closed")
        let other = #"data: {"jsonrpc":"2.0","id":8,"result":{}}"# + "\n\n"
        #expect(word(try last(200, "text/event-stream", other)) == "failed bad-upstream")
        #expect(word(try last(200, "text/event-stream", "data: nonsense\n\n")) == "failed bad-upstream")
    }
}
