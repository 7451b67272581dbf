/// The framing of stdio: one JSON message a line, LF at its end.
package struct LineParser: Sendable {
    /// Bytes of one line, without its end.
    package var limit: Int
    private var line: [UInt8] = []

    package init(lineLimit: Int) { limit = lineLimit }

    /// The lines that are complete now; empty ones are left out, a CR before the LF is taken off. Throws `line-too-large`;
    /// there is no going on after that, since the rest of the line would be read as a message.
    package mutating func feed(_ bytes: ArraySlice<UInt8>) throws(MCPError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes
        while let end = rest.firstIndex(of: 0x0A) {
            try append(rest[..<end])
            rest = rest[(end + 1)...]
            if line.last == 0x0D { line.removeLast() }
            if !line.isEmpty { lines.append(line) }
            line = []
        }
        try append(rest)
        return lines
    }

    package mutating func feed(_ bytes: [UInt8]) throws(MCPError) -> [[UInt8]] { try feed(bytes[...]) }

    private mutating func append(_ part: ArraySlice<UInt8>) throws(MCPError) {
        guard line.count + part.count <= limit else {
            throw MCPError(.lineTooLarge, "a line is longer than \(limit) bytes")
        }
        line.append(contentsOf: part)
    }
}

package enum LineWriter {
    /// JSON as we write it holds no bare line end.
    package static func bytes(_ message: MCPMessage) -> [UInt8] { message.bytes + [0x0A] }
}
