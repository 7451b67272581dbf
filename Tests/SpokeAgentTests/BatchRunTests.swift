import Model
import NIOEmbedded
import Testing

@testable import SpokeAgent

@Suite("the messages of one batch")
struct BatchRunTests {
    /// - Returns: the one answer.
    private static func run(
        _ messages: [String], _ services: Services, answerLimit: Int64 = 1 << 20
    ) throws -> Answer {
        let loop = EmbeddedEventLoop()
        var answers: [Answer] = []
        let batch = BatchRun(
            try messages.map { try SpokeFixture.raw(Array($0.utf8)) }, services, answerLimit: answerLimit, on: loop,
            done: { answers.append($0) })
        batch.begin()
        loop.run()
        try #require(answers.count == 1)
        return answers[0]
    }

    /// What each answer is to, and its code.
    private static func read(_ answer: Answer) throws -> [String] {
        try #require(JSON(parsing: answer.body).array).map { "\($0["id"] ?? "none") \($0["error"]?["code"] ?? "none")" }
    }

    @Test("the answers come in one array, in the order of the calls; what has no answer has none there")
    func order() async throws {
        let fixture = try await ServicesFixture()
        let messages = [3, 1, 2].map(ServicesFixture.deniedCall)
        let answer = try Self.run([messages[0], ServicesFixture.progress, messages[1], messages[2]], fixture.services)
        #expect(answer.status == 200)
        #expect(try Self.read(answer).map { $0.prefix(1) } == ["3", "1", "2"])
        await fixture.stop()
    }

    @Test("a batch that asks for nothing is accepted without a word")
    func notifications() async throws {
        let fixture = try await ServicesFixture()
        let answer = try Self.run([ServicesFixture.progress, ServicesFixture.progress], fixture.services)
        #expect(answer.status == 202 && answer.body.isEmpty)
        await fixture.stop()
    }

    @Test("a call whose answer has no room is not made, and each has its answer all the same")
    func room() async throws {
        let fixture = try await ServicesFixture()
        let messages = [1, 2].map(ServicesFixture.deniedCall) + [ServicesFixture.progress]
        let whole = try Self.read(try Self.run(messages, fixture.services))
        let short = try Self.read(try Self.run(messages, fixture.services, answerLimit: 1))
        #expect(short == [whole[0], "2 -32603"])
        #expect(whole[1] != short[1])
        await fixture.stop()
    }
}
