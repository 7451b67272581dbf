/// What one connection may send before it is refused.
package struct HTTPLimits: Hashable, Sendable {
    /// Start line and header fields together, with their line ends.
    package var headBytes = 32 << 10
    package var headers = 100
    /// The decoded body. A caller may lower it once the head is known (`limitBody(to:)`).
    package var bodyBytes: Int

    package init(bodyBytes: Int) { self.bodyBytes = bodyBytes }
}

/// How the bytes after a head are framed (RFC 9112, section 6.3).
package enum HTTPFraming: Hashable, Sendable {
    case none
    case length(Int)
    case chunked
    /// Responses only: up to the end of the connection.
    case untilClose
}

/// The head of an HTTP/1.1 request that passed every framing rule.
package struct HTTPRequestHead: Equatable, Sendable {
    package var method: String
    /// Origin form only: begins with `/`, printable ASCII, no fragment.
    package var target: String
    package var headers: HTTPHeaders
    package var framing: HTTPFraming

    /// The target up to `?`, not decoded.
    package var path: String { String(target.prefix { $0 != "?" }) }

    /// Whether the client means to send another request on this connection.
    package var keepsAlive: Bool { !headers.lists("Connection", "close") }

    /// The client waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool { headers["Expect"] != nil }
}

/// The head of an HTTP/1.1 response that passed every framing rule.
package struct HTTPResponseHead: Equatable, Sendable {
    /// 200...599: interim responses are skipped.
    package var status: Int
    package var headers: HTTPHeaders
    package var framing: HTTPFraming

    /// Whether the connection can carry another exchange after this one.
    package var keepsAlive: Bool { framing != .untilClose && !headers.lists("Connection", "close") }
}

/// Collects the lines of one head, byte by byte, so that however the bytes arrive the same ones are refused.
struct HTTPHeadReader {
    private var bytes: [UInt8] = []
    private var lineStart = 0
    private var lines: [Range<Int>] = []
    private let limits: HTTPLimits
    private let allowsHighBytes: Bool

    init(limits: HTTPLimits, allowsHighBytes: Bool) {
        self.limits = limits
        self.allowsHighBytes = allowsHighBytes
    }

    var isEmpty: Bool { bytes.isEmpty }

    /// Takes bytes up to the end of the head; the head's lines once it is complete. Line 0 is the start line.
    mutating func take(_ input: inout ArraySlice<UInt8>) throws(MCPError) -> [ArraySlice<UInt8>]? {
        let taken = bytes.count
        let start = input.startIndex
        var previous = bytes.last ?? 0
        var index = start
        while index < input.endIndex {
            let byte = input[index]
            let position = taken + index - start
            guard position < limits.headBytes else {
                throw MCPError(.headTooLarge, "a head is longer than \(limits.headBytes) bytes")
            }
            try check(byte, after: previous)
            previous = byte
            index += 1
            guard byte == 0x0A else { continue }
            let line = lineStart..<position - 1
            lineStart = position + 1
            guard line.isEmpty else {
                lines.append(line)
                guard lines.count <= limits.headers + 1 else {
                    throw MCPError(.headTooLarge, "a head has more than \(limits.headers) fields")
                }
                continue
            }
            guard !lines.isEmpty else { throw MCPError(.badRequestLine, "an empty line stands before the head") }
            bytes.append(contentsOf: input[..<index])
            input = input[index...]
            return lines.map { bytes[$0] }
        }
        bytes.append(contentsOf: input)
        input = []
        return nil
    }

    private func check(_ byte: UInt8, after previous: UInt8) throws(MCPError) {
        if (previous == 0x0D) != (byte == 0x0A) {
            throw MCPError(.badHeader, "a line of a head ends otherwise than with CR LF")
        }
        if byte < 0x20, byte != 0x0D, byte != 0x0A, byte != 0x09 {
            throw MCPError(.badHeader, "a head holds a control character")
        }
        if byte == 0x7F || (byte >= 0x80 && !allowsHighBytes) {
            throw MCPError(.badHeader, "a head holds a byte that is not printable ASCII")
        }
    }

    /// The fields of the lines behind the start line (RFC 9112, section 5).
    static func fields(_ lines: some Collection<ArraySlice<UInt8>>) throws(MCPError) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for line in lines {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), isToken(line[..<colon]) else {
                // Covers a folded line, and a space before the colon: neither is a token.
                throw MCPError(.badHeader, "the header line \(quoted(line)) does not begin with a name and a colon")
            }
            let value = trimmed(line[(colon + 1)...])
            headers.add(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        return headers
    }

    /// The framing that the fields declare; nil when they declare none (RFC 9112, section 6).
    static func framing(_ headers: HTTPHeaders) throws(MCPError) -> HTTPFraming? {
        let coding = try headers.only("Transfer-Encoding")
        let length = try headers.only("Content-Length")
        switch (coding, length) {
        case (nil, nil): return nil
        case (.some, .some):
            throw MCPError(.badFraming, "both Transfer-Encoding and Content-Length are given")
        case (let coding?, nil):
            guard sameASCII(coding.utf8, "chunked".utf8) else {
                throw MCPError(.badTransferCoding, "the transfer coding \(quoted(coding)) is not `chunked`")
            }
            return .chunked
        case (nil, let length?):
            // 18 digits always fit 64 bits.
            guard (1...18).contains(length.utf8.count), length.utf8.allSatisfy(isASCIIDigit), let count = Int(length)
            else { throw MCPError(.badFraming, "the Content-Length \(quoted(length)) is not a number") }
            return .length(count)
        }
    }
}

func isASCIIDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
