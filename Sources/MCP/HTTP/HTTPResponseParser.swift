/// Reads the responses of one connection to an upstream, strictly (RFC 9112). Interim responses (1xx) are skipped.
///
/// Stops at the end of each message like ``HTTPRequestParser``; bytes in ``buffered`` that no request asked for
/// mean that the connection must not be used again.
package struct HTTPResponseParser: Sendable {
    package enum Event: Equatable, Sendable {
        case head(HTTPResponseHead)
        /// A part of the decoded body, never empty.
        case body([UInt8])
        case end
    }

    private enum State {
        case head(HTTPHeadReader)
        case body(HTTPBodyReader)
        case stopped
    }

    private let limits: HTTPLimits
    private var state: State
    private var interim = 0
    package private(set) var buffered: ArraySlice<UInt8> = []

    package init(limits: HTTPLimits) {
        self.limits = limits
        state = .head(HTTPHeadReader(limits: limits, allowsHighBytes: true))
    }

    /// Whether no byte of a response has come since the last one ended.
    package var isIdle: Bool {
        guard case .head(let reader) = state else { return false }
        return reader.isEmpty && buffered.isEmpty
    }

    package mutating func feed(_ bytes: ArraySlice<UInt8>) throws(MCPError) -> [Event] {
        var input = bytes
        if !buffered.isEmpty {
            input = buffered + bytes
            buffered = []
        }
        do {
            return try events(&input)
        } catch {
            state = .stopped
            throw error
        }
    }

    package mutating func feed(_ bytes: [UInt8]) throws(MCPError) -> [Event] { try feed(bytes[...]) }

    /// The connection has ended: `.end` for a body framed by that, nothing between messages, else throws
    /// `http-unexpected-end`, since what was received is not the whole answer.
    package mutating func finish() throws(MCPError) -> [Event] {
        let wasIdle = isIdle
        if case .body(let reader) = state, reader.endsWithConnection {
            state = .stopped
            return [.end]
        }
        state = .stopped
        guard wasIdle else { throw MCPError(.unexpectedEnd, "the connection ended within a response") }
        return []
    }

    private mutating func events(_ input: inout ArraySlice<UInt8>) throws(MCPError) -> [Event] {
        var events: [Event] = []
        while case .head(var reader) = state {
            state = .stopped
            guard let lines = try reader.take(&input) else {
                state = .head(reader)
                return events
            }
            guard let head = try head(lines) else {
                state = .head(HTTPHeadReader(limits: limits, allowsHighBytes: true))
                continue
            }
            interim = 0
            events.append(.head(head))
            state = .body(try HTTPBodyReader(framing: head.framing, limits: limits, dropsTrailers: true))
        }
        guard case .body(var reader) = state else {
            throw MCPError(.parserStopped, "the connection was refused already")
        }
        var body: [UInt8] = []
        try reader.take(&input, into: &body)
        if !body.isEmpty { events.append(.body(body)) }
        if reader.hasEnded {
            events.append(.end)
            buffered = input
            state = .head(HTTPHeadReader(limits: limits, allowsHighBytes: true))
        } else {
            state = .body(reader)
        }
        return events
    }

    /// Nil for an interim response.
    private mutating func head(_ lines: [ArraySlice<UInt8>]) throws(MCPError) -> HTTPResponseHead? {
        let line = Array(lines[0])
        guard line.starts(with: "HTTP/1.1 ".utf8), line.count >= 12, line[9..<12].allSatisfy(isASCIIDigit),
            line.count == 12 || line[12] == 0x20, let status = Int(String(decoding: line[9..<12], as: UTF8.self)),
            (100...599).contains(status)
        else { throw MCPError(.badStatusLine, "\(quoted(line)) is not a status line of HTTP/1.1") }
        let headers = try HTTPHeadReader.fields(lines.dropFirst())
        if status < 200 {
            interim += 1
            // We never ask for another protocol.
            guard status != 101, interim <= 8 else {
                throw MCPError(.badStatusLine, "the interim response \(status) was not asked for")
            }
            return nil
        }
        let declared = try HTTPHeadReader.framing(headers)
        let framing = status == 204 || status == 304 ? HTTPFraming.none : declared ?? .untilClose
        return HTTPResponseHead(status: status, headers: headers, framing: framing)
    }
}
