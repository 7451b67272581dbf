import Model

/// The text form of keys and certificates (RFC 7468). Text outside the blocks is skipped; inside, one spelling is read:
/// no header lines, so nothing encrypted in the old way, and no password is ever asked for.
package enum PEM {
    /// More than any file of keys and roots that Nave reads.
    package static let maximumBytes = 1 << 20

    package static func encode(label: String, _ der: [UInt8]) -> String {
        var text = "-----BEGIN \(label)-----\n"
        var rest = Base64.encode(der)[...]
        while !rest.isEmpty {
            text += "\(rest.prefix(64))\n"
            rest = rest.dropFirst(64)
        }
        return text + "-----END \(label)-----\n"
    }

    /// True if a block with this label begins somewhere.
    static func holds(label: String, _ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains { $0.hasPrefix("-----BEGIN \(label)-----") }
    }

    /// Every block with this label, in order; blocks with another label are an error.
    /// - Throws: `bad-pem`.
    package static func decode(label: String, _ text: String) throws(TrustError) -> [[UInt8]] {
        guard text.utf8.count <= maximumBytes else {
            throw TrustError("bad-pem", "the PEM text has more than \(maximumBytes) bytes")
        }
        var blocks: [[UInt8]] = []
        var body: String?
        for rawLine in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            var line = rawLine
            while let last = line.last, last == " " || last == "\t" { line.removeLast() }
            if line == "-----BEGIN \(label)-----", body == nil {
                body = ""
            } else if line.hasPrefix("-----BEGIN ") {
                throw TrustError("bad-pem", "expected a PEM block of \(backticked(label)), found \(backticked(line))")
            } else if let encoded = body, line == "-----END \(label)-----" {
                guard let der = Base64.decode(encoded), !der.isEmpty else {
                    throw TrustError("bad-pem", "the body of PEM block \(blocks.count + 1) is not base64")
                }
                blocks.append(der)
                body = nil
            } else if let encoded = body {
                body = encoded + line
            }
        }
        guard body == nil else { throw TrustError("bad-pem", "the last PEM block does not end") }
        return blocks
    }
}
