/// Writes HTTP/1.1 messages. Framing fields are the writer's own; a caller cannot pass any.
///
/// All throw `http-bad-header` for a name that is no token, a value with control characters or a framing field, and
/// `http-bad-target` for a target with a space or control character.
package enum HTTPWriter {
    package static func request(
        method: String, target: String, headers: HTTPHeaders, body: [UInt8]?
    ) throws(MCPError) -> [UInt8] {
        guard isToken(method.utf8), target.utf8.first == UInt8(ascii: "/"),
            target.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw MCPError(.badTarget, "\(quoted(method)) \(quoted(target)) cannot be sent") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512 + (body?.count ?? 0))
        bytes.append(contentsOf: method.utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: target.utf8)
        bytes.append(contentsOf: " HTTP/1.1\r\n".utf8)
        try append(headers, to: &bytes)
        if let body { appendLength(body.count, to: &bytes) }
        bytes.append(contentsOf: "\r\n".utf8)
        if let body { bytes.append(contentsOf: body) }
        return bytes
    }

    /// A whole response. A body given with 204 or 304 is left out, as these have none.
    package static func response(status: Int, headers: HTTPHeaders, body: [UInt8] = []) throws(MCPError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512 + body.count)
        try appendStatus(status, headers, to: &bytes)
        let hasBody = status != 204 && status != 304
        if hasBody { appendLength(body.count, to: &bytes) }
        bytes.append(contentsOf: "\r\n".utf8)
        if hasBody { bytes.append(contentsOf: body) }
        return bytes
    }

    /// The head of a response whose body follows as ``chunk(_:)``s and ``lastChunk``.
    package static func chunkedResponseHead(status: Int, headers: HTTPHeaders) throws(MCPError) -> [UInt8] {
        var bytes: [UInt8] = []
        try appendStatus(status, headers, to: &bytes)
        bytes.append(contentsOf: "Transfer-Encoding: chunked\r\n\r\n".utf8)
        return bytes
    }

    /// One chunk; empty for no bytes, since an empty chunk would end the body.
    package static func chunk(_ body: [UInt8]) -> [UInt8] {
        guard !body.isEmpty else { return [] }
        var bytes = Array(String(body.count, radix: 16).utf8)
        bytes.reserveCapacity(body.count + 16)
        bytes.append(contentsOf: "\r\n".utf8)
        bytes.append(contentsOf: body)
        bytes.append(contentsOf: "\r\n".utf8)
        return bytes
    }

    package static let lastChunk = Array("0\r\n\r\n".utf8)

    private static func appendStatus(_ status: Int, _ headers: HTTPHeaders, to bytes: inout [UInt8]) throws(MCPError) {
        guard (200...599).contains(status) else { throw MCPError(.badStatusLine, "\(status) is not a final status") }
        bytes.append(contentsOf: "HTTP/1.1 \(status) \(reason(status))\r\n".utf8)
        try append(headers, to: &bytes)
    }

    private static func append(_ headers: HTTPHeaders, to bytes: inout [UInt8]) throws(MCPError) {
        for field in headers.fields {
            guard isToken(field.name.utf8), !sameHeaderName(field.name, "Content-Length"),
                !sameHeaderName(field.name, "Transfer-Encoding"),
                field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
            else { throw MCPError(.badHeader, "the header \(quoted(field.name)) cannot be sent") }
            bytes.append(contentsOf: field.name.utf8)
            bytes.append(contentsOf: ": ".utf8)
            bytes.append(contentsOf: field.value.utf8)
            bytes.append(contentsOf: "\r\n".utf8)
        }
    }

    private static func appendLength(_ count: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "Content-Length: \(count)\r\n".utf8)
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
