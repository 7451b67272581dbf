import Dispatch
import Foundation
import MCP
import Model

/// Lines of standard input, read only as fast as they are asked for, on a thread of their own: a pipe, a file or a
/// terminal, which an event loop would not all take.
final class StandardInput: Sendable {
    /// One JSON-RPC message.
    static let maximumLineBytes = 32 << 20

    private let queue = DispatchQueue(label: "standard input")

    /// Some bytes; none at the end.
    private func read() async -> [UInt8] {
        await withCheckedContinuation { continuation in
            queue.async {
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                while true {
                    let count = buffer.withUnsafeMutableBytes {
                        Foundation.read(STDIN_FILENO, $0.baseAddress, $0.count)
                    }
                    if count < 0, errno == EINTR { continue }
                    continuation.resume(returning: Array(buffer.prefix(max(0, count))))
                    return
                }
            }
        }
    }

    /// Calls `body` with each line until the input ends.
    /// - Throws: `line-too-large`.
    func forEachLine(_ body: ([UInt8]) async -> Void) async throws(MCPError) {
        var parser = LineParser(lineLimit: Self.maximumLineBytes)
        while true {
            let bytes = await read()
            // A program that ends without a line end has still said its last line.
            if bytes.isEmpty {
                for line in try parser.feed([0x0A]) { await body(line) }
                return
            }
            for line in try parser.feed(bytes) { await body(line) }
        }
    }
}

/// Lines of standard output, one message each, never two mixed.
actor StandardOutput {
    func write(_ message: MCPMessage) { writeAll(LineWriter.bytes(message), to: STDOUT_FILENO) }
}
