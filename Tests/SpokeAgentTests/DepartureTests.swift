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
            (event: "id: 7\n", mayComeBack: true, departure: Departure.left, isCalledOff: false),
            ("id: 7\n", true, .cutOff("revoked"), true), ("", true, .left, true), ("", true, .cutOff("expired"), true),
            ("id: 7\n", false, .left, true),
        ])
    func callingOff(event: String, mayComeBack: Bool, departure: Departure, isCalledOff: Bool) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let (sent, seen, ended) = try await loop.submit { () throws -> ([String?], Int, Bool) in
            var sent: [String?] = []
            var seen = 0
            let question = OwnQuestion.list(.tools, cursor: nil)
            var call = UpstreamCall(question, id: 1, version: .v20251125, session: "s")
            call.mayComeBack = mayComeBack
            let exchange = UpstreamExchange(
                call, request: [], loop: loop,
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

    @Test(
        "a call that the server lets go of keeps its place until it is late, or is called off where nobody can come back",
        arguments: [true, false])
    func lettingGo(mayComeBack: Bool) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let (sent, isOver, last) = try await loop.submit { () throws -> ([String?], Bool, String) in
            var sent: [String?] = []
            var last = ""
            var call = UpstreamCall(.list(.tools, cursor: nil), id: 1, version: .v20251125, session: "s")
            call.mayComeBack = mayComeBack
            let exchange = UpstreamExchange(
                call, request: [], loop: loop, callOff: { sent.append($0.method) },
                receive: { if case .ended = $0 { last = "ended" } })
            let connection = UpstreamConnection()
            exchange.began(on: connection)
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1 << 20))
            for part in try parser.feed(Array("\(head)id: 1\ndata:\n\n".utf8)) {
                switch part {
                case .head(let head): exchange.head(head)
                case .body(let bytes): exchange.body(bytes)
                case .end: break
                }
            }
            exchange.end()
            return (sent, exchange.isOver, last)
        }.get()
        #expect(last == "ended")
        #expect(sent == (mayComeBack ? [] : ["notifications/cancelled"]))
        #expect(isOver != mayComeBack)
    }

    @Test("a server that asks and takes no answers loses the call")
    func replies() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let (begun, last) = try await loop.submit { () -> (Int, String) in
            var last = ""
            let exchange = UpstreamExchange(
                UpstreamCall(.list(.tools, cursor: nil), id: 1, version: .v20251125, session: "s"), request: [],
                loop: loop, callOff: { _ in }, receive: { if case .failed(let error) = $0 { last = error.code } })
            let begun = (0..<20).count { _ in exchange.beginReply() }
            return (begun, last)
        }.get()
        #expect(begun == 16 && last == "bad-upstream")
    }

    @Test("the journal is told why nobody waited")
    func words() {
        #expect(Departure.left.result == "client-gone")
        #expect(Departure.cutOff("revoked").result == "revoked")
    }
}
