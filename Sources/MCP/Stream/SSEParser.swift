import Model

/// One block of an event stream: what stands between two blank lines.
///
/// A block need not be a message: keep-alive comments and the priming event (an id and empty data) have none, and must
/// reach the client as they came.
package struct SSEEvent: Equatable, Sendable {
    package var event: String?
    /// Lines joined by LF; nil when the block has no `data` field, empty when it has an empty one.
    package var data: [UInt8]?
    package var id: String?
    /// Milliseconds.
    package var retry: Int64?
    package var comments: [String]

    package init(
        event: String? = nil, data: [UInt8]? = nil, id: String? = nil, retry: Int64? = nil, comments: [String] = []
    ) {
        self.event = event
        self.data = data
        self.id = id
        self.retry = retry
        self.comments = comments
    }

    /// Whether the data is to be read as a JSON-RPC message.
    package var carriesMessage: Bool {
        guard let data, !data.isEmpty else { return false }
        guard let event else { return true }
        return sameBytes(event, "message")
    }

    fileprivate var isEmpty: Bool { self == SSEEvent() }
}

/// Reads an event stream (the HTML standard, section 9.2): lines end with LF, CR or CR LF, however the bytes arrive.
/// An unfinished block at the end of the stream is not an event.
package struct SSEParser: Sendable {
    /// Bytes of one block, with its line ends.
    private let limit: Int
    private var line: [UInt8] = []
    private var event = SSEEvent()
    private var size = 0
    private var skipsLF = false
    private var isFirstLine = true

    package init(eventLimit: Int) { limit = eventLimit }

    /// Throws `event-too-large`, and `bad-event` for a name, id or comment that is not UTF-8.
    package mutating func feed(_ bytes: ArraySlice<UInt8>) throws(MCPError) -> [SSEEvent] {
        var events: [SSEEvent] = []
        var rest = bytes
        while !rest.isEmpty {
            if skipsLF {
                skipsLF = false
                if rest.first == 0x0A {
                    rest = rest.dropFirst()
                    continue
                }
            }
            guard let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else {
                try grow(rest.count)
                line.append(contentsOf: rest)
                break
            }
            try grow(end - rest.startIndex + 1)
            line.append(contentsOf: rest[..<end])
            skipsLF = rest[end] == 0x0D
            rest = rest[(end + 1)...]
            if let event = try endLine() { events.append(event) }
        }
        return events
    }

    package mutating func feed(_ bytes: [UInt8]) throws(MCPError) -> [SSEEvent] { try feed(bytes[...]) }

    private mutating func grow(_ count: Int) throws(MCPError) {
        size += count
        guard size <= limit else { throw MCPError(.eventTooLarge, "an event is longer than \(limit) bytes") }
    }

    private mutating func endLine() throws(MCPError) -> SSEEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        var content = line[...]
        if isFirstLine, content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }
        isFirstLine = false
        guard !content.isEmpty else {
            defer {
                event = SSEEvent()
                size = 0
            }
            return event.isEmpty ? nil : event
        }
        guard let colon = content.firstIndex(of: UInt8(ascii: ":")) else {
            try setField(content, [])
            return nil
        }
        var value = content[(colon + 1)...]
        if value.first == 0x20 { value = value.dropFirst() }
        try setField(content[..<colon], value)
        return nil
    }

    private mutating func setField(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws(MCPError) {
        // No name that means something is longer, and a long one is not looked at as a string.
        guard name.count <= 5 else { return }
        switch String(decoding: name, as: UTF8.self) {
        case "": event.comments.append(try text(value))
        case "event": event.event = try text(value)
        case "data":
            if event.data == nil {
                event.data = Array(value)
            } else {
                event.data?.append(0x0A)
                event.data?.append(contentsOf: value)
            }
        case "id":
            // The standard has an id with NUL ignored.
            if !value.contains(0) { event.id = try text(value) }
        case "retry":
            if !value.isEmpty, value.count <= 15, value.allSatisfy(isASCIIDigit) {
                event.retry = Int64(String(decoding: value, as: UTF8.self))
            }
        default: break
        }
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(MCPError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MCPError(.badEvent, "a field of an event is not UTF-8")
        }
        return text
    }
}
