import AdminCLI
import MCP
import Model
import Testing

@Suite struct AnswerReaderTests {
    /// Feeds a whole HTTP answer and gives the messages it carried.
    private func read(_ reader: inout AnswerReader, _ head: String, _ body: String) throws -> [String] {
        var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1 << 20))
        let text = "HTTP/1.1 \(head)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        return try parser.feed(Array(text.utf8)).flatMap { try reader.take($0) }.map {
            String(decoding: $0.bytes, as: UTF8.self)
        }
    }

    @Test func jsonIsOneLine() throws {
        var reader = AnswerReader(id: .integer(1))
        let lines = try read(
            &reader, "200 OK\r\nContent-Type: application/json; charset=utf-8",
            "{\n\"jsonrpc\":\"2.0\",\n\"id\":1,\"result\":{\"a\":\"\\n\"}}")
        #expect(lines == [#"{"jsonrpc":"2.0","id":1,"result":{"a":"\n"}}"#])
        #expect(reader.isAnswered)
    }

    @Test func eventsAreLinesUpToTheAnswer() throws {
        var reader = AnswerReader(id: .string("a"))
        let lines = try read(
            &reader, "200 OK\r\nContent-Type: text/event-stream",
            """
            id: 7
            retry: 250
            data:

            : ping

            event: message
            data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}

            id: 8
            data: {"jsonrpc":"2.0",
            data: "id":"a","result":{}}


            """)
        #expect(
            lines == [
                #"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#,
                #"{"jsonrpc":"2.0","id":"a","result":{}}"#,
            ])
        #expect(reader.isAnswered && reader.isStream && reader.lastEventID == "8" && reader.retry == 250)
    }

    @Test func aStreamThatEndsEarlyHasNoAnswer() throws {
        var reader = AnswerReader(id: .integer(1))
        #expect(try read(&reader, "200 OK\r\nContent-Type: text/event-stream", "id: 7\ndata:\n\n") == [])
        #expect(!reader.isAnswered && reader.lastEventID == "7")
        #expect(reader.refusal(server: "f/l").message == "the answer of `f/l` ended too early")
    }

    @Test(arguments: [
        (404, "", "the spoke knows no server `f/l` for this client, or the session has ended: initialise again"),
        (429, "Retry-After: 3\r\n", "`f/l` has been called too often; try again in 3 s"),
        (429, "Retry-After: soon\r\n", "`f/l` has been called too often"), (503, "", "`f/l` is not available now"),
        (403, "", "the spoke of `f/l` refuses this client"),
        (418, "", "the spoke of `f/l` answered with HTTP status 418"),
    ])
    func refusalsWithoutJSONRPCSayWhatHappened(status: Int, header: String, expected: String) throws {
        var reader = AnswerReader(id: .integer(1))
        #expect(try read(&reader, "\(status) X\r\n\(header)Content-Type: text/plain", "no") == [])
        let error = reader.refusal(server: "f/l")
        #expect(error.message == expected && error.code == JSONRPCErrors.internalError)
        #expect(error.data?["status"]?.integer == Int64(status))
    }

    @Test func refusalsWithJSONRPCAreTheSpokesOwnWords() throws {
        var reader = AnswerReader(id: .integer(1))
        let body = #"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"no","data":{"supported":[]}}}"#
        #expect(try read(&reader, "400 Bad Request\r\nContent-Type: application/json", body) == [])
        #expect(reader.refusal(server: "f/l") == JSONRPCError(code: -32022, message: "no", data: ["supported": []]))
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","id":2,"result":{}}"#, #"{"jsonrpc":"2.0","id":1,"result":{},"result":{}}"#, "not json",
        "[]",
    ])
    func answersToOthersAndNonsenseAreRefused(body: String) {
        var reader = AnswerReader(id: .integer(1))
        #expect(throws: MCPError.self) { try read(&reader, "200 OK\r\nContent-Type: application/json", body) }
    }

    @Test func acceptedIsNoMessage() throws {
        var reader = AnswerReader(id: nil)
        #expect(try read(&reader, "202 Accepted", "") == [])
        #expect(reader.isSuccess && !reader.isStream)
    }
}
