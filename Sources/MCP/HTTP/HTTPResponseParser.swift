/// Reads the responses of one connection to an upstream, strictly (RFC 9112). Interim responses (1xx) are skipped.
///
/// Stops at the end of each message like ``HTTPRequestParser``; bytes in ``buffered`` that no request asked for
/// mean that the connection must not be used again.
package struct HTTPResponseParser: Sendable {
    package typealias Event = HTTPEvent<HTTPResponseHead>

    private var reader: HTTPMessageReader
    private var interim = 0

    package init(limits: HTTPLimits) { reader = HTTPMessageReader(limits: limits, isResponse: true) }

    package var buffered: ArraySlice<UInt8> { reader.buffered }

    /// Whether no byte of a response has come since the last one ended.
    package var isIdle: Bool { reader.isIdle }

    package mutating func feed(_ bytes: ArraySlice<UInt8>) throws(MCPError) -> [Event] {
        var events: [Event] = []
        var interim = interim
        let parts = try reader.feed(bytes) { lines throws(MCPError) in
            guard let head = try Self.head(lines, after: &interim) else { return nil }
            events.append(.head(head))
            return head.framing
        }
        self.interim = interim
        return events + parts.map(Event.init)
    }

    package mutating func feed(_ bytes: [UInt8]) throws(MCPError) -> [Event] { try feed(bytes[...]) }

    /// The connection has ended: `.end` for a body framed by that, nothing between messages, else throws
    /// `http-unexpected-end`, since what was received is not the whole answer.
    package mutating func finish() throws(MCPError) -> [Event] {
        let (wasIdle, isWhole) = (reader.isIdle, reader.endsWithConnection)
        reader.stop()
        if isWhole { return [.end] }
        guard wasIdle else { throw MCPError(.unexpectedEnd, "the connection ended within a response") }
        return []
    }

    /// Nil for an interim response.
    private static func head(
        _ lines: [ArraySlice<UInt8>], after interim: inout Int
    ) throws(MCPError) -> HTTPResponseHead? {
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
        interim = 0
        let declared = try HTTPHeadReader.framing(headers)
        let framing = status == 204 || status == 304 ? HTTPFraming.none : declared ?? .untilClose
        return HTTPResponseHead(status: status, headers: headers, framing: framing)
    }
}
