/// Takes the framing off one body (RFC 9112, sections 6 and 7).
struct HTTPBodyReader {
    private enum State {
        case counted(Int)
        case chunkSize(value: Int, digits: Int)
        case chunkSizeLF(Int)
        case chunkData(Int)
        case chunkCR
        case chunkLF
        case trailerLineStart
        case trailerLine
        case trailerLF(isLast: Bool)
        case untilClose
        case ended
    }

    private var state: State
    private let dropsTrailers: Bool
    private let trailerLimit: Int
    private var trailerBytes = 0
    private var limit: Int
    private var received = 0

    init(framing: HTTPFraming, limits: HTTPLimits, dropsTrailers: Bool) throws(MCPError) {
        self.dropsTrailers = dropsTrailers
        trailerLimit = limits.headBytes
        limit = limits.bodyBytes
        switch framing {
        case .none: state = .ended
        case .length(let count):
            state = count == 0 ? .ended : .counted(count)
            guard count <= limit else { throw Self.tooLarge(limit) }
        case .chunked: state = .chunkSize(value: 0, digits: 0)
        case .untilClose: state = .untilClose
        }
    }

    var hasEnded: Bool { if case .ended = state { true } else { false } }
    var endsWithConnection: Bool { if case .untilClose = state { true } else { false } }

    /// Lowers (or raises) the limit and applies it to what is declared and was received already.
    mutating func limit(to count: Int) throws(MCPError) {
        limit = count
        var announced = received
        if case .counted(let rest) = state { announced += rest }
        guard announced <= limit else { throw Self.tooLarge(limit) }
    }

    /// Moves body bytes from the input to `body`; stops at the end of the message.
    mutating func take(_ input: inout ArraySlice<UInt8>, into body: inout [UInt8]) throws(MCPError) {
        while let byte = input.first {
            switch state {
            case .ended: return
            case .counted(let rest):
                let left = rest - (try move(&input, into: &body, atMost: rest))
                state = left == 0 ? .ended : .counted(left)
            case .chunkData(let rest):
                let left = rest - (try move(&input, into: &body, atMost: rest))
                state = left == 0 ? .chunkCR : .chunkData(left)
            case .untilClose:
                _ = try move(&input, into: &body, atMost: input.count)
            default:
                input = input.dropFirst()
                try step(byte)
            }
        }
    }

    private mutating func move(
        _ input: inout ArraySlice<UInt8>, into body: inout [UInt8], atMost count: Int
    ) throws(MCPError) -> Int {
        let taken = min(count, input.count)
        received += taken
        guard received <= limit else { throw Self.tooLarge(limit) }
        body.append(contentsOf: input.prefix(taken))
        input = input.dropFirst(taken)
        return taken
    }

    /// One byte of chunk framing. Chunk extensions have no use in MCP and are refused.
    private mutating func step(_ byte: UInt8) throws(MCPError) {
        switch (state, byte) {
        case (.chunkSize(let value, let digits), _) where hexValue(byte) != nil:
            guard digits < 8 else { throw MCPError(.badChunk, "a chunk size has more than 8 digits") }
            state = .chunkSize(value: value << 4 | (hexValue(byte) ?? 0), digits: digits + 1)
        case (.chunkSize(let size, let digits), 0x0D) where digits > 0:
            guard received + size <= limit else { throw Self.tooLarge(limit) }
            state = .chunkSizeLF(size)
        case (.chunkSizeLF(let size), 0x0A): state = size == 0 ? .trailerLineStart : .chunkData(size)
        case (.chunkCR, 0x0D): state = .chunkLF
        case (.chunkLF, 0x0A): state = .chunkSize(value: 0, digits: 0)
        case (.trailerLineStart, 0x0D): state = .trailerLF(isLast: true)
        case (.trailerLF(let isLast), 0x0A): state = isLast ? .ended : .trailerLineStart
        case (.trailerLineStart, _), (.trailerLine, _):
            guard dropsTrailers else { throw MCPError(.trailers, "trailer fields are not accepted") }
            trailerBytes += 1
            guard trailerBytes <= trailerLimit else { throw MCPError(.headTooLarge, "the trailer is too long") }
            if byte == 0x0D {
                state = .trailerLF(isLast: false)
            } else if byte == 0x09 || (byte >= 0x20 && byte != 0x7F) {
                state = .trailerLine
            } else {
                throw MCPError(.badChunk, "the trailer holds a control character")
            }
        default: throw MCPError(.badChunk, "the chunked body is not framed as RFC 9112 has it")
        }
    }

    private static func tooLarge(_ limit: Int) -> MCPError {
        MCPError(.bodyTooLarge, "the body is longer than \(limit) bytes")
    }
}

func hexValue(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}
