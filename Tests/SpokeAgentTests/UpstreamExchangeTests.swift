import MCP
import Model
import NIOCore
import NIOEmbedded
import Testing

@testable import SpokeAgent

@Suite("one exchange with a server: its time, its place, and who waits for it")
struct UpstreamExchangeTests {
    private static let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    private static let answer = #"{"jsonrpc":"2.0","id":1,"result":{}}"#

    /// One exchange that may take 20 s, in its caller's only place.
    private final class Scene {
        private final class Log {
            var heard: [String] = []
            var calledOff = 0
        }

        let loop = EmbeddedEventLoop()
        let exchange: UpstreamExchange
        private let connection = UpstreamConnection()
        private let places = Concurrency()
        private let log = Log()

        init(
            _ question: OwnQuestion = .list(.tools, cursor: nil), version: ProtocolVersion = .v20251125,
            mayComeBack: Bool = false, hasBegun: Bool = true
        ) {
            var call = UpstreamCall(question, id: 1, version: version, session: "s")
            call.mayComeBack = mayComeBack
            call.place = places.enter(caller: "bot", server: "ledger", limit: 1)
            exchange = UpstreamExchange(
                call, request: [], loop: loop,
                callOff: { [log] in if $0.method == "notifications/cancelled" { log.calledOff += 1 } },
                receive: { [log, places] event in
                    let isFree = places.enter(caller: "bot", server: "ledger", limit: 1)
                    isFree?.release()
                    let word = if case .failed(let error) = event { error.code } else { event.isLast ? "last" : "said" }
                    log.heard.append(isFree == nil ? word : "\(word), free")
                })
            if hasBegun { exchange.began(on: connection) }
        }

        deinit { loop.advanceTime(by: .hours(1)) }

        /// Each event, and whether the place was free when it came.
        var heard: [String] { log.heard }
        /// Cancellations that the server was sent.
        var calledOff: Int { log.calledOff }

        var isFree: Bool {
            guard let ticket = places.enter(caller: "bot", server: "ledger", limit: 1) else { return false }
            ticket.release()
            return true
        }

        func feed(_ text: String) throws {
            var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1 << 20))
            for part in try parser.feed(Array(text.utf8)) {
                switch part {
                case .head(let head): exchange.head(head)
                case .body(let bytes): exchange.body(bytes)
                case .end: exchange.end()
                }
            }
        }

        func answer() throws {
            let (text, type) = (UpstreamExchangeTests.answer, "application/json")
            try feed("HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
        }
    }

    @Test("an answer gives the place back before it is heard, and nothing is called off")
    func answered() throws {
        let scene = Scene()
        try scene.answer()
        #expect(scene.heard == ["last, free"] && scene.exchange.isOver)
        scene.loop.advanceTime(by: .minutes(2))
        #expect(scene.heard.count == 1 && scene.calledOff == 0)
    }

    @Test("an answer on a stream ends the call, though the stream stays open")
    func answeredOnStream() throws {
        let scene = Scene()
        try scene.feed(Self.stream + "data: \(Self.answer)\n\n")
        #expect(scene.heard == ["last, free"] && scene.exchange.isOver)
    }

    @Test("a call that the server lets go of keeps its place for who may come back, and is called off once it is late")
    func letGo() throws {
        let scene = Scene(mayComeBack: true)
        try scene.feed(Self.stream + "id: 1\ndata:\n\n")
        scene.exchange.end()
        #expect(scene.heard == ["said", "last"])
        scene.loop.advanceTime(by: .seconds(19))
        #expect(scene.calledOff == 0 && !scene.isFree)
        scene.loop.advanceTime(by: .seconds(1))
        #expect(scene.calledOff == 1 && scene.isFree)
        scene.loop.advanceTime(by: .minutes(2))
        #expect(scene.calledOff == 1 && scene.heard.count == 2)
    }

    @Test(
        "where nobody can come back, or no client of that version knows how, it is called off at once",
        arguments: [(ProtocolVersion.v20251125, false), (.v20250618, true), (.v20250618, false)])
    func letGoForGood(version: ProtocolVersion, mayComeBack: Bool) throws {
        let scene = Scene(version: version, mayComeBack: mayComeBack)
        try scene.feed(Self.stream + "id: 1\ndata:\n\n")
        scene.exchange.end()
        #expect(scene.heard == ["said", "last, free"])
        #expect(scene.calledOff == 1 && scene.isFree)
        scene.loop.advanceTime(by: .minutes(2))
        #expect(scene.calledOff == 1)
    }

    @Test("a late call is called off once, and keeps its place until the server has answered")
    func late() throws {
        let scene = Scene()
        scene.loop.advanceTime(by: .seconds(19))
        #expect(scene.heard.isEmpty)
        scene.loop.advanceTime(by: .seconds(1))
        #expect(scene.heard == ["upstream-timeout"] && scene.calledOff == 1 && !scene.isFree)
        try scene.answer()
        #expect(scene.isFree && scene.heard.count == 1 && scene.calledOff == 1)
    }

    @Test("or has had as long again")
    func lateAgain() {
        let scene = Scene()
        scene.loop.advanceTime(by: .seconds(39))
        #expect(scene.heard == ["upstream-timeout"] && !scene.isFree)
        scene.loop.advanceTime(by: .seconds(1))
        #expect(scene.isFree && scene.calledOff == 1 && scene.heard.count == 1)
    }

    @Test("a call that its client left is not late as well")
    func left() {
        let scene = Scene()
        scene.loop.advanceTime(by: .seconds(10))
        scene.exchange.cancel(.left)
        #expect(scene.calledOff == 1 && !scene.isFree)
        scene.loop.advanceTime(by: .seconds(19))
        #expect(!scene.isFree)
        scene.loop.advanceTime(by: .seconds(1))
        #expect(scene.isFree && scene.calledOff == 1 && scene.heard.isEmpty)
    }

    @Test(
        "what can be taken up again waits for who lost a connection until it is late, and not for who was cut off",
        arguments: [
            (id: "id: 7\n", mayComeBack: true, departure: Departure.left, waits: true),
            ("id: 7\n", true, .cutOff("revoked"), false), ("id: 7\n", false, .left, false), ("", true, .left, false),
            ("", true, .cutOff("expired"), false),
        ])
    func departed(id: String, mayComeBack: Bool, departure: Departure, waits: Bool) throws {
        let scene = Scene(mayComeBack: mayComeBack)
        let said = #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#
        try scene.feed(Self.stream + "\(id)data: \(said)\n\n")
        scene.exchange.cancel(departure)
        scene.exchange.body(Array("data: \(said)\n\n".utf8))
        #expect(scene.heard == ["said"])
        #expect(scene.calledOff == (waits ? 0 : 1))
        scene.loop.advanceTime(by: .seconds(19))
        #expect(!scene.isFree && !scene.exchange.isOver, "its place is kept until the server works on it no more")
        scene.loop.advanceTime(by: .seconds(1))
        #expect(scene.calledOff == 1 && scene.isFree)
    }

    @Test("the journal is told why nobody waited")
    func words() {
        #expect(Departure.left.result == "client-gone")
        #expect(Departure.cutOff("revoked").result == "revoked")
    }

    @Test("nobody is late while somebody else is waited for")
    func noTime() {
        let scene = Scene()
        scene.exchange.setTime(nil)
        scene.loop.advanceTime(by: .hours(1))
        #expect(scene.heard.isEmpty)
        scene.exchange.setTime(.seconds(5))
        scene.loop.advanceTime(by: .seconds(5))
        #expect(scene.heard == ["upstream-timeout"])
    }

    @Test(
        "what the server was not sent, what is never called off and what ends with its connection is over at once",
        arguments: [
            (OwnQuestion.list(.tools, cursor: nil), ProtocolVersion.v20251125, false),
            (.initialize([]), .v20251125, true), (.list(.tools, cursor: nil), .v20260728, true),
        ])
    func silent(question: OwnQuestion, version: ProtocolVersion, hasBegun: Bool) {
        let scene = Scene(question, version: version, hasBegun: hasBegun)
        scene.exchange.cancel(.left)
        #expect(scene.calledOff == 0 && scene.isFree && scene.exchange.isOver)
        scene.loop.advanceTime(by: .minutes(2))
        #expect(scene.heard.isEmpty)
    }

    @Test("answers to a server's questions are bounded at once, not in all")
    func replies() {
        let scene = Scene()
        for _ in 0..<50 {
            #expect(scene.exchange.beginReply())
            scene.exchange.endReply()
        }
        #expect((0..<16).allSatisfy { _ in scene.exchange.beginReply() })
        #expect(!scene.exchange.beginReply())
        #expect(scene.heard == ["bad-upstream, free"] && scene.isFree)
    }
}
