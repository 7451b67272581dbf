/// One step of reading a message whose beginning is `Head`.
package enum HTTPEvent<Head: Equatable & Sendable>: Equatable, Sendable {
    case head(Head)
    /// A part of the decoded body, never empty.
    case body([UInt8])
    case end

    init(_ part: HTTPMessageReader.Part) {
        switch part {
        case .body(let bytes): self = .body(bytes)
        case .end: self = .end
        }
    }
}

/// What requests and responses share: the messages of one connection, one after the other, as a state machine over bytes.
struct HTTPMessageReader: Sendable {
    enum Part: Equatable, Sendable {
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
    private let isResponse: Bool
    private var state: State
    /// Bytes behind the message that ended.
    private(set) var buffered: ArraySlice<UInt8> = []

    init(limits: HTTPLimits, isResponse: Bool) {
        self.limits = limits
        self.isResponse = isResponse
        state = .head(HTTPHeadReader(limits: limits, allowsHighBytes: isResponse))
    }

    /// Whether it stands between two messages.
    var isIdle: Bool {
        guard case .head(let reader) = state else { return false }
        return reader.isEmpty && buffered.isEmpty
    }

    var endsWithConnection: Bool {
        guard case .body(let reader) = state else { return false }
        return reader.endsWithConnection
    }

    mutating func limitBody(to count: Int) throws(MCPError) {
        guard case .body(var reader) = state else { return }
        do {
            try reader.limit(to: count)
            state = .body(reader)
        } catch {
            state = .stopped
            throw error
        }
    }

    /// Every further feed throws.
    mutating func stop() { state = .stopped }

    /// Goes as far as the end of one message.
    /// - Parameter framing: Reads the lines of a head; nil skips it, and the next head follows.
    /// - Throws: What reading throws; then, and from then on, the connection has no meaning any more.
    mutating func feed(
        _ bytes: ArraySlice<UInt8>, head framing: ([ArraySlice<UInt8>]) throws(MCPError) -> HTTPFraming?
    ) throws(MCPError) -> [Part] {
        var input = bytes
        if !buffered.isEmpty {
            input = buffered + bytes
            buffered = []
        }
        do {
            return try parts(&input, framing)
        } catch {
            state = .stopped
            throw error
        }
    }

    private mutating func parts(
        _ input: inout ArraySlice<UInt8>, _ framing: ([ArraySlice<UInt8>]) throws(MCPError) -> HTTPFraming?
    ) throws(MCPError) -> [Part] {
        while case .head(var reader) = state {
            // Emptied first, so that the reader's buffer is not copied.
            state = .stopped
            guard let lines = try reader.take(&input) else {
                state = .head(reader)
                return []
            }
            if let framing = try framing(lines) {
                state = .body(try HTTPBodyReader(framing: framing, limits: limits, dropsTrailers: isResponse))
            } else {
                state = .head(HTTPHeadReader(limits: limits, allowsHighBytes: isResponse))
            }
        }
        guard case .body(var reader) = state else {
            throw MCPError(.parserStopped, "the connection was refused already")
        }
        var parts: [Part] = []
        var body: [UInt8] = []
        try reader.take(&input, into: &body)
        if !body.isEmpty { parts.append(.body(body)) }
        if reader.hasEnded {
            parts.append(.end)
            buffered = input
            state = .head(HTTPHeadReader(limits: limits, allowsHighBytes: isResponse))
        } else {
            state = .body(reader)
        }
        return parts
    }
}
