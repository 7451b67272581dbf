import MCP
import Model
import Testing

/// However bytes are cut on their way, they are read as if they came in one piece: good ones, and spoiled ones are
/// refused either way.
@Suite struct DripTests {
    private static let rounds = 4000

    private static func cuts(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [[ArraySlice<UInt8>]] {
        [[bytes[...]], bytes.indices.map { bytes[$0...$0] }, generator.pieces(of: bytes, atMost: 6)]
    }

    /// Each third of the rounds as it is, with bytes changed, and cut off.
    private static func spoiled(_ bytes: [UInt8], _ round: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        switch round % 3 {
        case 0: bytes
        case 1: generator.mutated(bytes)
        default: Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)))
        }
    }

    private static func chunked(_ body: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        generator.pieces(of: body, atMost: 4).filter { !$0.isEmpty }.flatMap { piece in
            Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
        } + Array("0\r\n\r\n".utf8)
    }

    private struct Capture {
        var body: [UInt8]
        var answer: String
        var type: String
    }

    private static func captures() throws -> [Capture] {
        try CaptureTests.versions.flatMap { version in
            try CaptureTests.recorded(version).map { Capture(body: $0.body, answer: $0.answer, type: $0.type) }
        }
    }

    @Test func requests() throws {
        var generator = SeededGenerator(state: 5)
        let captures = try Self.captures()
        let limits = HTTPLimits(bodyBytes: 1 << 20)
        var understood = 0
        for round in 0..<Self.rounds {
            let capture = captures[round % captures.count]
            var request = Array("POST /ledger/mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n".utf8)
            if Bool.random(using: &generator) {
                request += Array("Transfer-Encoding: chunked\r\n\r\n".utf8) + Self.chunked(capture.body, &generator)
            } else {
                request += Array("Content-Length: \(capture.body.count)\r\n\r\n".utf8) + capture.body
            }
            let first = Array("GET /vault/mcp HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            let bytes = Self.spoiled(first + request, round, &generator)
            let outcomes = Self.cuts(bytes, &generator).map { pieces in
                let outcome = HTTPRequestParserTests.outcome(pieces, limits: limits)
                guard let last = outcome.last, last != "idle", last != "waiting" else { return outcome }
                // Of a request that breaks off nothing is served, so that its head, which comes alone in small pieces, is nothing.
                let ended = outcome.lastIndex { $0.hasPrefix("body ") }.map { $0 + 1 } ?? 0
                return outcome.prefix(ended) + ["! \(last)"]
            }
            #expect(Set(outcomes).count == 1, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
            if outcomes[0].last == "idle" { understood += 1 }
        }
        #expect(understood > Self.rounds / 3)
    }

    @Test func answers() throws {
        var generator = SeededGenerator(state: 6)
        let captures = try Self.captures()
        var understood = 0
        for round in 0..<Self.rounds {
            let capture = captures[round % captures.count]
            let body = Array(capture.answer.utf8)
            var answer = Array("HTTP/1.1 200 OK\r\nContent-Type: \(capture.type)\r\n".utf8)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: answer += Array("Transfer-Encoding: chunked\r\n\r\n".utf8) + Self.chunked(body, &generator)
            case 1: answer += Array("Content-Length: \(body.count)\r\n\r\n".utf8) + body
            default: answer += Array("\r\n".utf8) + body
            }
            let bytes = Self.spoiled(answer, round, &generator)
            let outcomes = Self.cuts(bytes, &generator).map(Self.messages)
            #expect(Set(outcomes).count == 1, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
            if outcomes[0].first?.hasPrefix("!") == false { understood += 1 }
        }
        #expect(understood > Self.rounds / 3)
    }

    /// What a whole answer says, through every parser on its way: a line a message, `!` and a code for what stopped it.
    private static func messages(_ pieces: [ArraySlice<UInt8>]) -> [String] {
        var http = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1 << 20))
        var stream: SSEParser?
        var body: [UInt8] = []
        var lines: [String] = []
        func take(_ events: [HTTPResponseParser.Event]) throws(MCPError) {
            for event in events {
                switch event {
                case .head(let head):
                    let isStream = head.headers["Content-Type"]?.hasPrefix("text/event-stream") == true
                    stream = isStream ? SSEParser(eventLimit: 1 << 20) : nil
                case .body(let bytes):
                    guard stream != nil else {
                        body += bytes
                        continue
                    }
                    for event in try stream?.feed(bytes) ?? [] where event.carriesMessage {
                        lines.append("\(ServerMessage(parsing: event.data ?? [], maximumBytes: 1 << 20))")
                    }
                case .end:
                    if stream == nil { lines.append("\(ServerMessage(parsing: body, maximumBytes: 1 << 20))") }
                    lines.append("end")
                }
            }
        }
        do {
            // Behind the end of an answer there is nothing that anybody reads.
            for piece in pieces where lines.last != "end" { try take(try http.feed(piece)) }
            if lines.last != "end" { try take(try http.finish()) }
        } catch {
            // What came before it broke, and which of two faults was met first, is a matter of the cuts.
            return ["!"]
        }
        return lines
    }

    @Test func lines() throws {
        var generator = SeededGenerator(state: 7)
        let captures = try Self.captures()
        var understood = 0
        for round in 0..<Self.rounds {
            let bodies = (0..<3).map { captures[(round + $0) % captures.count].body }
            let bytes = Self.spoiled(bodies.flatMap { $0 + [0x0A] }, round, &generator)
            let outcomes = Self.cuts(bytes, &generator).map { pieces -> [String] in
                var parser = LineParser(lineLimit: 2000)
                var found: [String] = []
                do {
                    for piece in pieces {
                        for line in try parser.feed(piece) {
                            found.append(
                                "\((try? MCPMessage(parsing: line, maximumBytes: 2000))?.json.description ?? "none")")
                        }
                    }
                    found.append(try parser.feed([0x0A]).isEmpty ? "between" : "within")
                } catch {
                    // Those before it in the same piece are lost with it: a process that writes so is ended.
                    return ["too long"]
                }
                return found
            }
            #expect(Set(outcomes).count == 1)
            if outcomes[0].contains(where: { $0.hasPrefix("{") }) { understood += 1 }
        }
        #expect(understood > Self.rounds / 3)
    }
}
