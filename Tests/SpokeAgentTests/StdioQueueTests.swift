import Foundation
import Logging
import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import SpokeAgent

@Suite("what waits for a process")
struct StdioQueueTests {
    @Test("bytes are counted from offer to write, and beyond the limit a line is refused")
    func counting() async {
        let queue = StdioQueue()
        let line = [UInt8](repeating: 0x20, count: 1 << 20)
        for _ in 0..<4 { #expect(queue.offer(line)) }
        #expect(queue.bytes == StdioQueue.limit)
        #expect(!queue.offer([0]))
        #expect(!queue.reserve(1))
        var written = queue.lines.makeAsyncIterator()
        if let first = await written.next() { queue.written(first) }
        #expect(queue.bytes == 3 << 20)
        #expect(queue.offer(line))
        #expect(!queue.offer(line))
        queue.add([0])
        #expect(queue.bytes == StdioQueue.limit + 1)
    }

    @Test("one line that is longer than the limit passes when nothing else waits")
    func long() {
        let queue = StdioQueue()
        #expect(queue.offer([UInt8](repeating: 0x20, count: StdioQueue.limit * 2)))
        #expect(!queue.offer([0]))
    }

    /// `sleep` reads nothing: what it is told waits here.
    @Test(
        "a process that does not read makes its callers busy, not this host full",
        arguments: [Era.handshake, .stateless])
    func deaf(_ era: Era) async throws {
        // As in the program, where the listener's socket does it: a process that ended is met as a failed write.
        signal(SIGPIPE, SIG_IGN)
        let process = StdioProcess(
            "deaf", StdioCommand(program: "/bin/sleep", arguments: ["3600"], environment: []), speaksFor: era,
            at: SpokeFixture.now, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListChange: {},
            onEnd: { _ in })
        process.start()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let text = JSON.string(String(repeating: "x", count: 256 << 10))
        let params = JSONObject([("reason", text), ("_meta", ["padding": text])])
        var busy = 0
        var kept = 0
        for _ in 0..<64 {
            // A caller's own notification, or a request, whose answer never comes.
            var call = UpstreamCall(.initialized, id: 0, version: .newestHandshake, session: nil)
            call.content = .message(
                .initialized, .notification(method: "notifications/initialized", params: params), mirrored: nil)
            let code = NIOLockedValueBox<String?>(nil)
            try await loop.submit { [call] in
                _ = process.send(call, session: nil, on: loop) { event in
                    switch event {
                    case .failed(let error): code.withLockedValue { $0 = error.code }
                    default: code.withLockedValue { $0 = "taken" }
                    }
                }
            }.get()
            // Events arrive on the loop, behind what sent them.
            try await loop.submit {}.get()
            if code.withLockedValue(\.self) == "busy" { busy += 1 } else { kept += 1 }
        }
        process.stop()
        await process.ended()
        #expect(kept * 256 << 10 <= StdioQueue.limit + 1 << 20)
        #expect(kept >= 7)
        #expect(busy >= 40)
    }
}
