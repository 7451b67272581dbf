import MCP
import Testing

@Suite struct HTTPRequestParserTests {
    static let limits = HTTPLimits(bodyBytes: 1000)

    /// What a parser makes of the pieces: a line for each head, body and end, or for the error.
    static func outcome(_ pieces: [ArraySlice<UInt8>], limits: HTTPLimits = limits) -> [String] {
        var parser = HTTPRequestParser(limits: limits)
        var lines: [String] = []
        var body: [UInt8] = []
        do {
            for piece in pieces {
                var events = try parser.feed(piece)
                while !events.isEmpty {
                    for event in events {
                        switch event {
                        case .head(let head): lines.append("\(head.method) \(head.target) \(head.framing)")
                        case .body(let bytes): body += bytes
                        case .end:
                            lines.append("body \(String(decoding: body, as: UTF8.self))")
                            body = []
                        }
                    }
                    guard events.last == .end else { break }
                    events = try parser.feed([])
                }
            }
            lines.append(parser.isIdle ? "idle" : "waiting")
        } catch {
            lines.append(error.code)
        }
        return lines
    }

    static func text(_ text: String) -> [ArraySlice<UInt8>] { [Array(text.utf8)[...]] }

    static let good: [(String, [String])] = [
        ("GET /mcp HTTP/1.1\r\nHost: a\r\n\r\n", ["GET /mcp none", "body ", "idle"]),
        (
            "POST /mcp?x=1 HTTP/1.1\r\nhost: a:9443\r\nContent-Length: 5\r\n\r\nhello",
            ["POST /mcp?x=1 length(5)", "body hello", "idle"]
        ),
        (
            "POST / HTTP/1.1\r\nHost:a\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00a\r\n, world ok\r\n0\r\n\r\n",
            ["POST / chunked", "body hello, world ok", "idle"]
        ),
        (
            "DELETE /mcp HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 0\r\n\r\n",
            ["DELETE /mcp length(0)", "body ", "idle"]
        ),
        (
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                + "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\nPOST",
            ["POST /1 length(2)", "body ab", "GET /2 none", "body ", "POST /3 chunked", "body c", "waiting"]
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \t spaced value\t \r\nEmpty:\r\n\r\n", ["GET / none", "body ", "idle"]),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhell", ["POST / length(9)", "waiting"]),
    ]

    static let bad: [(String, String)] = [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", "http-bad-framing"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", "http-bad-framing"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n", "http-repeated-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\ncontent-length: 5\r\n\r\n", "http-repeated-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\n", "http-bad-framing"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n", "http-bad-framing"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\n", "http-bad-framing"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\n", "http-bad-framing"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "http-bad-framing"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "http-bad-framing"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "http-bad-transfer-coding"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", "http-bad-transfer-coding"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "http-bad-transfer-coding"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n", "http-bad-header"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "http-repeated-header"
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\tfolded\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\nHost: a\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\n\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nX: a\u{7F}b\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nX: é\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\n: v\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nX(: 1\r\n\r\n", "http-bad-header"),
        ("POST / HTTP/1.1\r\n\r\n", "http-bad-host"), ("POST / HTTP/1.1\r\nHost:\r\n\r\n", "http-bad-host"),
        ("POST / HTTP/1.1\r\nHost: a/b\r\n\r\n", "http-bad-host"),
        ("POST / HTTP/1.1\r\nHost: u@a\r\n\r\n", "http-bad-host"),
        ("POST / HTTP/1.1\r\nHost: a, b\r\n\r\n", "http-bad-host"),
        ("POST / HTTP/1.1\r\nHost: a\r\nHOST: a\r\n\r\n", "http-repeated-header"),
        ("POST http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-target"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-target"),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-target"),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-target"),
        ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", "http-unsupported-version"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "http-unsupported-version"),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", "http-unsupported-version"),
        ("GET /\r\nHost: a\r\n\r\n", "http-bad-request-line"),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-request-line"),
        ("GET /\tx HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-target"),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-request-line"),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-request-line"),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "http-bad-request-line"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http-unsupported-version"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}", "http-bad-header"),
    ]

    static let badChunks: [(String, String)] = [
        ("5;a=b\r\nhello\r\n0\r\n\r\n", "http-bad-chunk"), ("5 \r\nhello\r\n0\r\n\r\n", "http-bad-chunk"),
        ("0x5\r\nhello\r\n0\r\n\r\n", "http-bad-chunk"), ("5\nhello\r\n0\r\n\r\n", "http-bad-chunk"),
        ("5\r\nhelloX\r\n0\r\n\r\n", "http-bad-chunk"), ("5\r\nhello\n0\r\n\r\n", "http-bad-chunk"),
        ("\r\nhello", "http-bad-chunk"), ("-1\r\n", "http-bad-chunk"), ("000000001\r\na", "http-bad-chunk"),
        ("FFFFFFFF\r\n", "http-body-too-large"), ("3e9\r\n", "http-body-too-large"),
        ("1\r\na\r\n0\r\nX: 1\r\n\r\n", "http-trailers"), ("1\r\na\r\n0\r\nHost: b\r\n\r\n", "http-trailers"),
        ("1\r\na\r\n0\r\n\rX", "http-bad-chunk"), ("1\ra", "http-bad-chunk"),
    ]

    @Test(arguments: good) func reads(text: String, expected: [String]) {
        #expect(Self.outcome(Self.text(text)) == expected)
    }

    @Test(arguments: bad) func refuses(text: String, code: String) {
        #expect(Self.outcome(Self.text(text)) == [code])
    }

    @Test(arguments: badChunks) func refusesChunks(body: String, code: String) {
        let text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
        #expect(Self.outcome(Self.text(text)).last == code)
    }

    /// A smuggled second request is never seen, whichever way a lenient reader would have framed the first.
    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 30\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nX: 1\n\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func smuggledRequestIsNeverSeen(text: String) {
        var generator = SeededGenerator(state: 1)
        for _ in 0..<50 {
            let lines = Self.outcome(generator.pieces(of: Array(text.utf8), atMost: 8))
            #expect(!lines.contains { $0.contains("evil") }, "\(lines)")
            #expect(lines.last?.hasPrefix("http-") == true, "\(lines)")
        }
    }

    /// Wherever the bytes are cut, the same messages or the same refusal come out.
    @Test func cutsDoNotMatter() {
        var generator = SeededGenerator(state: 7)
        let chunked = Self.badChunks.map { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + $0.0 }
        for text in Self.good.map(\.0) + Self.bad.map(\.0) + chunked {
            let bytes = Array(text.utf8)
            let drip = Self.outcome(bytes.indices.map { bytes[$0...$0] })
            let whole = Self.outcome([bytes[...]])
            // Events of the piece that holds the error are not reported; the error is the same.
            #expect(whole.last == drip.last, "\(text)")
            if whole.last == "idle" || whole.last == "waiting" { #expect(whole == drip, "\(text)") }
            for _ in 0..<20 {
                let split = Self.outcome(generator.pieces(of: bytes, atMost: 6))
                #expect(split.last == drip.last, "\(text)")
                #expect(drip.starts(with: split.dropLast()), "\(text)")
            }
        }
    }

    @Test func stopsBehindEachMessageAndKeepsTheRest() throws {
        var parser = HTTPRequestParser(limits: Self.limits)
        let first = try parser.feed(Array("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(first.count == 2)
        #expect(!parser.isIdle)
        #expect(parser.buffered.count == 28)
        let second = try parser.feed([])
        guard case .head(let head)? = second.first else {
            Issue.record("no second head")
            return
        }
        #expect(head.path == "/2")
        #expect(parser.isIdle)
    }

    @Test func limitsAreHeld() throws {
        let long = String(repeating: "a", count: 33 << 10)
        #expect(Self.outcome(Self.text("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n")) == ["http-head-too-large"])
        let many = (0..<100).map { "X\($0): 1\r\n" }.joined()
        #expect(Self.outcome(Self.text("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n")) == ["http-head-too-large"])
        let declared = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"
        #expect(Self.outcome(Self.text(declared)) == ["http-body-too-large"])

        var parser = HTTPRequestParser(limits: Self.limits)
        _ = try parser.feed(Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc".utf8))
        #expect(refusal { try parser.limitBody(to: 99) } == "http-body-too-large")
        #expect(refusal { try parser.feed([]) } == "http-parser-stopped")

        parser = HTTPRequestParser(limits: Self.limits)
        _ = try parser.feed(Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n".utf8))
        try parser.limitBody(to: 5)
        #expect(refusal { try parser.feed(Array("2\r\n".utf8)) } == "http-body-too-large")
    }

    @Test func headTellsWhatTheConnectionNeeds() throws {
        var parser = HTTPRequestParser(limits: Self.limits)
        let text = "POST /a?b?c HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, CLOSE\r\nExpect: 100-continue\r\n"
        guard case .head(let head)? = try parser.feed(Array((text + "Content-Length: 1\r\n\r\n").utf8)).first else {
            Issue.record("no head")
            return
        }
        #expect(!head.keepsAlive)
        #expect(head.expectsContinue)
        #expect(head.path == "/a")
        #expect(head.target == "/a?b?c")
        #expect(head.headers["expect"] == "100-continue")
        #expect(head.headers.values("connection") == ["keep-alive, CLOSE"])
    }

    @Test func mutationsNeverCrash() {
        var generator = SeededGenerator(state: 99)
        var understood = 0
        for round in 0..<20_000 {
            let bytes = generator.mutated(Array(Self.good[round % Self.good.count].0.utf8))
            let lines = Self.outcome(generator.pieces(of: bytes, atMost: 4))
            if lines.last == "idle" { understood += 1 }
        }
        #expect(understood > 500)
    }
}
