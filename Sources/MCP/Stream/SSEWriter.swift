package enum SSEWriter {
    /// The block and its blank line. Line ends within data begin a new `data` line; within anything else they are left
    /// out, so that no value can begin a field of its own.
    package static func bytes(_ event: SSEEvent) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + (event.data?.count ?? 0))
        for comment in event.comments { append("", comment, to: &bytes) }
        if let name = event.event { append("event", name, to: &bytes) }
        if let id = event.id { append("id", id, to: &bytes) }
        if let retry = event.retry { append("retry", String(retry), to: &bytes) }
        if let data = event.data { append(data, to: &bytes) }
        bytes.append(contentsOf: "\r\n".utf8)
        return bytes
    }

    /// A JSON-RPC message as `event: message`.
    package static func bytes(_ message: MCPMessage, id: String? = nil) -> [UInt8] {
        bytes(SSEEvent(event: "message", data: message.bytes, id: id))
    }

    private static func append(_ field: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: field.utf8)
        bytes.append(contentsOf: ": ".utf8)
        bytes.append(contentsOf: value.utf8.lazy.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0 })
        bytes.append(contentsOf: "\r\n".utf8)
    }

    private static func append(_ data: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "data: ".utf8)
        var followsCR = false
        for byte in data {
            let endsLine = byte == 0x0D || (byte == 0x0A && !followsCR)
            if endsLine {
                bytes.append(contentsOf: "\r\ndata: ".utf8)
            } else if byte != 0x0A {
                bytes.append(byte)
            }
            followsCR = byte == 0x0D
        }
        bytes.append(contentsOf: "\r\n".utf8)
    }
}
