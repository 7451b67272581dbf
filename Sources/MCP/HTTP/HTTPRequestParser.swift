/// Reads the requests of one connection, strictly (RFC 9112): one meaning or none.
///
/// `feed` goes as far as the end of one message. What lies behind it stays in ``buffered``; the next `feed`, also an empty
/// one, goes on with it. So call `feed([])` once the answer has been written, and do not feed while it is being made.
package struct HTTPRequestParser: Sendable {
    package typealias Event = HTTPEvent<HTTPRequestHead>

    private var reader: HTTPMessageReader

    package init(limits: HTTPLimits) { reader = HTTPMessageReader(limits: limits, isResponse: false) }

    /// Bytes behind the message that ended: the beginning of a pipelined one.
    package var buffered: ArraySlice<UInt8> { reader.buffered }

    /// Whether the connection stands between two messages: closing it now loses nothing.
    package var isIdle: Bool { reader.isIdle }

    /// Sets the limit of the message whose head has been reported; also checks what was declared and read of it.
    /// Throws `http-body-too-large`. Without effect on a message that has ended; its size is known to the caller.
    package mutating func limitBody(to count: Int) throws(MCPError) { try reader.limitBody(to: count) }

    /// After an error the connection has no meaning any more: every further call throws `http-parser-stopped`.
    package mutating func feed(_ bytes: ArraySlice<UInt8>) throws(MCPError) -> [Event] {
        var events: [Event] = []
        let parts = try reader.feed(bytes) { lines throws(MCPError) in
            let head = try Self.head(lines)
            events.append(.head(head))
            return head.framing
        }
        return events + parts.map(Event.init)
    }

    package mutating func feed(_ bytes: [UInt8]) throws(MCPError) -> [Event] { try feed(bytes[...]) }

    private static func head(_ lines: [ArraySlice<UInt8>]) throws(MCPError) -> HTTPRequestHead {
        let parts = lines[0].split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, isToken(parts[0]), parts[0].count <= 32 else {
            throw MCPError(.badRequestLine, "\(quoted(lines[0])) is not a request line")
        }
        guard parts[2].elementsEqual("HTTP/1.1".utf8) else {
            throw MCPError(.unsupportedHTTPVersion, "the version \(quoted(parts[2])) is not `HTTP/1.1`")
        }
        let target = parts[1]
        guard target.first == UInt8(ascii: "/"),
            target.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else { throw MCPError(.badTarget, "the target \(quoted(target)) is not a path on this server") }
        let headers = try HTTPHeadReader.fields(lines.dropFirst())
        guard let host = try headers.only("Host"), isHost(host) else {
            throw MCPError(.badHost, "the request does not name its host")
        }
        return HTTPRequestHead(
            method: String(decoding: parts[0], as: UTF8.self), target: String(decoding: target, as: UTF8.self),
            headers: headers, framing: try HTTPHeadReader.framing(headers) ?? .none)
    }

    /// The bytes of `uri-host [":" port]`; whether we are that host is for the caller to judge.
    private static func isHost(_ host: String) -> Bool {
        (1...255).contains(host.utf8.count)
            && host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default: false
                }
            }
    }
}
