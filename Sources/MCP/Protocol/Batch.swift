import Model

/// A JSON-RPC batch, which 2025-03-26 alone has: several messages in one body, each to be decided on by itself.
package enum Batch {
    package static let maximumMessages = 32

    /// Whether the body can be nothing but an array.
    package static func isArray(_ body: [UInt8]) -> Bool {
        body.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D } == UInt8(ascii: "[")
    }

    /// The elements, each written again from what was read.
    ///
    /// Throws the codes of ``MCPMessage/init(parsing:maximumBytes:)``; `batch` for none or too many elements, and for
    /// `initialize`, which stands alone (2025-03-26, basic/lifecycle). Ids that occur twice are `invalid-request`: the
    /// answers could not be told apart.
    package static func elements(_ body: [UInt8], maximumBytes: Int) throws(MCPError) -> [[UInt8]] {
        let json: JSON
        do { json = try JSON(parsing: body, limits: .untrusted(maximumBytes: maximumBytes)) } catch {
            throw MCPError(error)
        }
        guard case .array(let elements) = json, (1...maximumMessages).contains(elements.count) else {
            throw MCPError(.batch, "a batch holds 1 to \(maximumMessages) messages")
        }
        var ids: Set<RequestID> = []
        var bodies: [[UInt8]] = []
        for element in elements {
            let message = try MCPMessage(element)
            guard message.method != "initialize" else { throw MCPError(.batch, "`initialize` stands alone") }
            if message.isRequest, let id = message.id, !ids.insert(id).inserted {
                throw MCPError(.invalidRequest, "two requests of a batch have one id")
            }
            bodies.append(message.bytes)
        }
        return bodies
    }

    /// The answers as one body.
    package static func body(_ answers: [[UInt8]]) -> [UInt8] {
        [UInt8(ascii: "[")] + Array(answers.joined(separator: [UInt8(ascii: ",")])) + [UInt8(ascii: "]")]
    }
}
