import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import SpokeAgent

@Suite("a call that nobody waits for any more")
struct DepartureTests {
    @Test(
        "an answer that can be taken up again waits for who lost a connection, and not for who was cut off",
        arguments: [
            (event: "id: 7\n", departure: Departure.left, isCalledOff: false),
            ("id: 7\n", .cutOff("revoked"), true), ("", .left, true), ("", .cutOff("expired"), true),
        ])
    func callingOff(event: String, departure: Departure, isCalledOff: Bool) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let (sent, seen, ended) = try await loop.submit { () throws -> ([String?], Int, Bool) in
            var sent: [String?] = []
            var seen = 0
            let question = OwnQuestion.list(.tools, cursor: nil)
            let exchange = UpstreamExchange(
                UpstreamCall(question, id: 1, version: .v20251125, session: "s"), request: [], loop: loop,
                callOff: { sent.append($0.method) }, receive: { _ in seen += 1 })
            let connection = UpstreamConnection()
            exchange.began(on: connection)
            var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1 << 20))
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            let data = #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#
            for part in try parser.feed(Array("\(head)\(event)data: \(data)\n\n".utf8)) {
                switch part {
                case .head(let head): exchange.head(head)
                case .body(let bytes): exchange.body(bytes)
                case .end: exchange.end()
                }
            }
            exchange.cancel(departure)
            exchange.body(Array("data: \(data)\n\n".utf8))
            defer { exchange.end() }
            return (sent, seen, exchange.isOver)
        }.get()
        #expect(sent == (isCalledOff ? ["notifications/cancelled"] : []))
        #expect(seen == 1)
        #expect(!ended, "its place is kept until the server works on it no more")
    }

    @Test("the journal is told why nobody waited")
    func words() {
        #expect(Departure.left.result == "client-gone")
        #expect(Departure.cutOff("revoked").result == "revoked")
    }
}
