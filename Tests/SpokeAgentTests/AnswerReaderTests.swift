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
        var reader = AnswerReader(expecting: expected.map { .answer($0) } ?? .acceptance, limit: limit)
        _ = reader.head(try head(status, type))
        let events = reader.read(Array(body.utf8))
        return try #require(events.last ?? reader.end())
    }

    /// What one event is, in a word.
    private func word(_ event: UpstreamEvent) -> String {
        switch event {
        case .opened: "opened"
        case .ended: "ended"
        case .request(_, let method, _, let event): "request \(method) \(event ?? "-")"
        case .notification(let message, let event): "notification \(message.method ?? "") \(event ?? "-")"
        case .keepAlive(let event): "keep-alive \(event.id ?? "-")"
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

    @Test("a stream: notifications pass, requests are told apart, the answer ends it, what comes behind is dropped")
    func stream() throws {
        var reader = AnswerReader(expecting: .answer(.integer(7)), limit: 1 << 20)
        let opened = reader.head(try head(200, "text/event-stream", ["Mcp-Session-Id: abc"])).map(word)
        #expect(opened == nil)
        let text = """
            : ping

            id: 1
            data:

            id: 2
            data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}

            data: {"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{}}

            event: message
            data: {"jsonrpc":"2.0","id":7,
            data: "result":{"ok":true}}

            data: {"jsonrpc":"2.0","id":7,"result":{"ok":false}}


            """
        var words: [String] = []
        var session: String?
        for byte in Array(text.utf8) {
            let events = reader.read([byte])
            words += events.map(word)
            for case .response(let response) in events {
                session = response.session
                guard case .result(_, let result) = response.message else { continue }
                #expect(result["ok"]?.bool == true)
            }
        }
        #expect(
            words == [
                "keep-alive -", "keep-alive 1", "notification notifications/progress 2",
                "request sampling/createMessage -", "response 200 7",
            ])
        #expect(session == "abc")
        #expect(reader.hasEnded)
        let more = reader.end().map(word)
        #expect(more == nil)
    }

    @Test("a server that asks without end is given up after sixteen questions")
    func asking() throws {
        var reader = AnswerReader(expecting: .answer(.integer(7)), limit: 1 << 20)
        _ = reader.head(try head(200, "text/event-stream"))
        var words: [String] = []
        for number in 0..<100 {
            let question = #"data: {"jsonrpc":"2.0","id":\#(number),"method":"roots/list"}"# + "\n\n"
            words += reader.read(Array(question.utf8)).map(word)
        }
        let asked = [String](repeating: "request roots/list -", count: AnswerReader.maximumAsked)
        #expect(words == asked + ["failed bad-upstream"])
    }

    @Test("a session's own stream is opened, tells, and is over without an answer; a replay may hold the one missed")
    func ownStream() throws {
        for (replaying, body, expected) in [
            (
                nil, "id: 9\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n",
                "notification notifications/x 9"
            ),
            (nil, "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n", "failed bad-upstream"),
            (RequestID.integer(7), "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n", "response 200 7"),
            (.integer(8), "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n", "failed bad-upstream"),
        ] as [(RequestID?, String, String)] {
            var reader = AnswerReader(expecting: .stream(replaying: replaying), limit: 1 << 20)
            let opened = reader.head(try head(200, "text/event-stream")).map(word)
            #expect(opened == "opened")
            let words = reader.read(Array(body.utf8)).map(word)
            #expect(words == [expected])
        }
        var over = AnswerReader(expecting: .stream(replaying: nil), limit: 1 << 20)
        _ = over.head(try head(200, "text/event-stream"))
        let ended = over.end().map(word)
        #expect(ended == "ended")
        var none = AnswerReader(expecting: .stream(replaying: nil), limit: 1 << 20)
        let begun = none.head(try head(405, "application/json")).map(word)
        let refused = none.end().map(word)
        #expect(begun == nil)
        #expect(refused == "refused 405")
    }

    @Test("a stream that ends without the answer, or answers another request, has failed")
    func brokenStreams() throws {
        #expect(word(try last(200, "text/event-stream", ": ping\n")) == "failed upstream-closed")
        // What can be taken up again has only been let go of.
        var reader = AnswerReader(expecting: .answer(.integer(7)), limit: 1 << 10)
        _ = reader.head(try head(200, "text/event-stream"))
        #expect(reader.read(Array("id: e-1\nretry: 100\ndata:\n\n".utf8)).map(word) == ["keep-alive e-1"])
        #expect(reader.end().map(word) == "ended")
        let other = #"data: {"jsonrpc":"2.0","id":8,"result":{}}"# + "\n\n"
        #expect(word(try last(200, "text/event-stream", other)) == "failed bad-upstream")
        #expect(word(try last(200, "text/event-stream", "data: nonsense\n\n")) == "failed bad-upstream")
    }
}
