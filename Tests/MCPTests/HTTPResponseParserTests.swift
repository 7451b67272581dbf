import MCP
import Testing

@Suite struct HTTPResponseParserTests {
    static func outcome(_ pieces: [ArraySlice<UInt8>], ends: Bool = true) -> [String] {
        var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1000))
        var lines: [String] = []
        var body: [UInt8] = []
        func note(_ events: [HTTPResponseParser.Event]) {
            for event in events {
                switch event {
                case .head(let head): lines.append("\(head.status) \(head.framing) \(head.keepsAlive)")
                case .body(let bytes): body += bytes
                case .end:
                    lines.append("body \(String(decoding: body, as: UTF8.self))")
                    body = []
                }
            }
        }
        do {
            for piece in pieces { note(try parser.feed(piece)) }
            if ends { note(try parser.finish()) }
        } catch {
            lines.append(error.code)
        }
        return lines
    }

    static let table: [(String, [String])] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ["200 length(2) true", "body ok"]),
        ("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", ["202 length(0) true", "body "]),
        ("HTTP/1.1 200\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", ["200 length(2) false", "body ok"]),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\nY: é\r\n\r\n",
            ["200 chunked true", "body abcde"]
        ),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", ["200 untilClose false", "body until the end"]),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", ["204 none true", "body "]),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", ["304 none true", "body "]),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-Length: 1\r\n\r\n!",
            ["400 length(1) true", "body !"]
        ),
        ("", []),
    ]

    static let bad: [(String, String)] = [
        ("HTTP/1.0 200 OK\r\n\r\n", "http-bad-status-line"), ("HTTP/1.1 20 OK\r\n\r\n", "http-bad-status-line"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "http-bad-status-line"), ("HTTP/1.1 999 X\r\n\r\n", "http-bad-status-line"),
        ("HTTP/1.1 101 Switching\r\n\r\n", "http-bad-status-line"), ("ICY 200 OK\r\n\r\n", "http-bad-status-line"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "http-bad-framing"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "http-repeated-header"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "http-bad-transfer-coding"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "http-body-too-large"),
        ("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "http-bad-header"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "http-unexpected-end"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "http-unexpected-end"),
        ("HTTP/1.1 200 OK\r\nContent-", "http-unexpected-end"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX\n", "http-bad-chunk"),
        (String(repeating: "HTTP/1.1 100 C\r\n\r\n", count: 9), "http-bad-status-line"),
    ]

    @Test(arguments: table) func reads(text: String, expected: [String]) {
        let bytes = Array(text.utf8)
        #expect(Self.outcome([bytes[...]]) == expected)
        #expect(Self.outcome(bytes.indices.map { bytes[$0...$0] }) == expected)
        var generator = SeededGenerator(state: 3)
        for _ in 0..<20 { #expect(Self.outcome(generator.pieces(of: bytes, atMost: 6)) == expected) }
    }

    @Test(arguments: bad) func refuses(text: String, code: String) {
        let bytes = Array(text.utf8)
        #expect(Self.outcome([bytes[...]]).last == code)
        #expect(Self.outcome(bytes.indices.map { bytes[$0...$0] }).last == code)
    }

    @Test func whatNobodyAskedForIsKeptApart() throws {
        var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1000))
        let events = try parser.feed(Array("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 EVIL".utf8))
        #expect(events.last == .end)
        #expect(!parser.buffered.isEmpty)
        #expect(!parser.isIdle)
    }

    @Test func mutationsNeverCrash() {
        var generator = SeededGenerator(state: 5)
        var understood = 0
        for round in 0..<10_000 {
            let bytes = generator.mutated(Array(Self.table[round % 8].0.utf8))
            if Self.outcome(generator.pieces(of: bytes, atMost: 4)).last?.hasPrefix("body") == true { understood += 1 }
        }
        #expect(understood > 500)
    }
}

@Suite struct HTTPWriterTests {
    @Test func whatIsWrittenIsReadBack() throws {
        let headers = HTTPHeaders([("Host", "a"), ("Mcp-Method", "tools/call")])
        let request = try HTTPWriter.request(method: "POST", target: "/mcp", headers: headers, body: Array("{}".utf8))
        #expect(HTTPRequestParserTests.outcome([request[...]]) == ["POST /mcp length(2)", "body {}", "idle"])
        let bare = try HTTPWriter.request(method: "GET", target: "/mcp", headers: headers, body: nil)
        #expect(HTTPRequestParserTests.outcome([bare[...]]) == ["GET /mcp none", "body ", "idle"])

        let whole = try HTTPWriter.response(status: 200, headers: HTTPHeaders(), body: Array("ok".utf8))
        #expect(HTTPResponseParserTests.outcome([whole[...]]) == ["200 length(2) true", "body ok"])
        var streamed = try HTTPWriter.chunkedResponseHead(status: 200, headers: HTTPHeaders([("X", "é")]))
        streamed += HTTPWriter.chunk(Array("data: 1\n\n".utf8)) + HTTPWriter.chunk([]) + HTTPWriter.chunk([0x21])
        streamed += HTTPWriter.lastChunk
        #expect(HTTPResponseParserTests.outcome([streamed[...]]) == ["200 chunked true", "body data: 1\n\n!"])
        let empty = try HTTPWriter.response(status: 204, headers: HTTPHeaders(), body: [1])
        #expect(HTTPResponseParserTests.outcome([empty[...]]) == ["204 none true", "body "])
    }

    @Test(arguments: [
        ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\u{0}"), ("X\r\nY", "a"), ("X Y", "a"), ("", "a"),
        ("X:", "a"), ("Content-Length", "3"), ("transfer-encoding", "chunked"),
    ])
    func refusesWhatWouldBeReadOtherwise(name: String, value: String) {
        let headers = HTTPHeaders([(name, value)])
        #expect(refusal { try HTTPWriter.response(status: 200, headers: headers) } == "http-bad-header")
        #expect(refusal { try HTTPWriter.chunkedResponseHead(status: 200, headers: headers) } == "http-bad-header")
        #expect(
            refusal { try HTTPWriter.request(method: "GET", target: "/", headers: headers, body: nil) }
                == "http-bad-header")
    }

    @Test(arguments: ["/a b", "a", "", "/a\r\nX: 1", "/é"])
    func refusesTargets(target: String) {
        let bytes = { try HTTPWriter.request(method: "GET", target: target, headers: HTTPHeaders(), body: nil) }
        #expect(refusal(bytes) == "http-bad-target")
    }

    @Test func headersAreFoundWhateverTheirCase() throws {
        var headers = HTTPHeaders([("Mcp-Name", "a"), ("X", "1"), ("MCP-PARAM-Region", "b"), ("x", "2")])
        #expect(try headers.only("mcp-name") == "a")
        #expect(try headers.only("absent") == nil)
        #expect(refusal { try headers.only("X") } == "http-repeated-header")
        headers.set("x", "3")
        #expect(headers.values("X") == ["3"])
        headers.remove(prefix: "mcp-")
        #expect(headers.fields.count == 1)
    }
}
