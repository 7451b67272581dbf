import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import Testing

@testable import SpokeAgent

@Suite("the stream of a client of HTTP+SSE")
struct LegacyStreamTests {
    /// One stream, to be used where it was made.
    private final class Scene {
        let loop = EmbeddedEventLoop()
        let stream: LegacyStream
        private final class Log {
            var written: [String] = []
            var faults: [LegacyStream.Fault] = []
        }
        private let log = Log()
        private let answers = NIOLockedValueBox<[String]>([])

        init(_ services: Services, unreadLimit: Int = 1 << 20) {
            stream = LegacyStream(
                id: "x", caller: SpokeFixture.bot, server: "ledger", services, on: loop, unreadLimit: unreadLimit,
                write: { [log] in log.written.append(String(decoding: $0, as: UTF8.self)) },
                fail: { [log] in log.faults.append($0) })
            services.legacy.add(stream)
        }

        deinit {
            stream.close(.left)
            loop.advanceTime(by: .hours(1))
        }

        var written: [String] { log.written }
        var faults: [LegacyStream.Fault] { log.faults }
        /// What each poster was told: a status, or why the message was refused.
        var told: [String] { answers.withLockedValue(\.self) }

        func post(_ text: String) throws {
            let exchange = try SpokeFixture.raw(Array(text.utf8), target: Endpoint.messages("ledger", session: "x"))
            stream.post(exchange) { [answers] posted in
                let word =
                    switch posted {
                    case .answered(let answer): "\(answer.status)"
                    case .refused(let reason): reason.rawValue
                    }
                answers.withLockedValue { $0.append(word) }
            }
        }

        /// Posts, and has everything done that follows.
        func deliver(_ text: String) throws {
            try post(text)
            loop.run()
        }
    }

    private static let call = ServicesFixture.deniedCall(1)
    private static let refused = DenyReason.concurrency.rawValue
    private static let gone = DenyReason.foreignSession.rawValue

    /// With the services of one spoke, whose journal is ended behind it.
    private func withServices(_ body: (Services) throws -> Void) async throws {
        let fixture = try await ServicesFixture()
        let result = Result { try body(fixture.services) }
        await fixture.stop()
        try result.get()
    }

    @Test("the poster is told that the message was taken, the answer comes on the stream")
    func answered() async throws {
        try await withServices { services in
            let scene = Scene(services)
            try scene.deliver(Self.call)
            #expect(scene.told == ["202"])
            #expect(scene.written.count == 1)
            #expect(scene.written.first?.hasPrefix("event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,") == true)
        }
    }

    @Test("the answers to a batch come on the stream as one event")
    func batch() async throws {
        try await withServices { services in
            let scene = Scene(services)
            try scene.deliver("[\(Self.call),\(ServicesFixture.progress),\(ServicesFixture.deniedCall(2))]")
            #expect(scene.told == ["202"])
            #expect(scene.written.count == 1)
            #expect(scene.written.first?.hasPrefix("event: message\r\ndata: [{") == true)
        }
    }

    @Test("what names no request is answered to its poster, since nobody else could tell what for")
    func unnamed() async throws {
        try await withServices { services in
            let scene = Scene(services)
            try scene.deliver("{")
            #expect(scene.told == ["400"] && scene.written.isEmpty)
        }
    }

    @Test("who does not read gets no more to read, until they do")
    func unread() async throws {
        try await withServices { services in
            let scene = Scene(services)
            scene.stream.setReading(false)
            for _ in 0..<3 { try scene.deliver(Self.call) }
            #expect(scene.told == [Self.refused, Self.refused, Self.refused])
            scene.stream.setReading(true)
            try scene.deliver(Self.call)
            #expect(scene.told.last == "202" && scene.written.count == 1)
        }
    }

    @Test("a stream that stays unread ends, and one that is read in time does not")
    func patience() async throws {
        try await withServices { services in
            let scene = Scene(services)
            scene.stream.setReading(false)
            scene.loop.advanceTime(by: .seconds(59))
            scene.stream.setReading(true)
            scene.loop.advanceTime(by: .seconds(59))
            #expect(scene.faults.isEmpty)
            scene.stream.setReading(false)
            scene.loop.advanceTime(by: .seconds(59))
            #expect(scene.faults.isEmpty)
            scene.loop.advanceTime(by: .seconds(1))
            #expect(scene.faults == [.unread])
        }
    }

    @Test("answers that were under way wait for who does not read up to a limit", arguments: [true, false])
    func unreadBytes(fits: Bool) async throws {
        try await withServices { services in
            let scene = Scene(services, unreadLimit: fits ? 1 << 20 : 10)
            try scene.post("[\(Self.call),\(ServicesFixture.deniedCall(2))]")
            // Between the first message of the batch and the second.
            scene.loop.execute { [stream = scene.stream] in stream.setReading(false) }
            scene.loop.run()
            #expect(scene.told == ["202"])
            #expect(scene.written.count == (fits ? 1 : 0))
            #expect(scene.faults == (fits ? [] : [.unread]))
        }
    }

    @Test("64 messages are under way at once, and those that are answered make room")
    func bounded() async throws {
        try await withServices { services in
            let scene = Scene(services)
            for _ in 0..<65 { try scene.post("[\(Self.call)]") }
            scene.loop.run()
            #expect(scene.told == Array(repeating: "202", count: 64) + [Self.refused])
            #expect(scene.written.count == 64)
            try scene.deliver(Self.call)
            #expect(scene.told.last == "202")
        }
    }

    @Test("what reaches a stream that has ended is told so, and the stream is found no more")
    func closed() async throws {
        try await withServices { services in
            let scene = Scene(services)
            #expect(services.legacy.find("x", caller: SpokeFixture.bot, server: "ledger") != nil)
            #expect(services.legacy.find("x", caller: SpokeFixture.bot + "2", server: "ledger") == nil)
            #expect(services.legacy.find("x", caller: SpokeFixture.bot, server: "vault") == nil)
            try scene.post(Self.call)
            scene.stream.close(.left)
            scene.loop.run()
            #expect(scene.told == [Self.gone] && scene.written.isEmpty)
            #expect(services.legacy.find("x", caller: SpokeFixture.bot, server: "ledger") == nil)
        }
    }
}
