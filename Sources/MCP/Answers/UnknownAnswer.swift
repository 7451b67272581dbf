import Model

/// What an upstream answers for a name it does not have; a denied name is answered the same, but for the name.
package struct UnknownAnswer: Hashable, Sendable {
    private enum Answer: Hashable {
        case result(JSON)
        case error(JSONRPCError)
    }

    private let probe: String
    private let status: Int
    private let answer: Answer

    /// From the upstream's answer to a probe. Nil when the message is not an answer, the status is none that an answer
    /// has, or the result is no refusal: a server that runs anything by any name has no unknown ones.
    package init?(probe: String, status: Int, answer message: MCPMessage) {
        guard !probe.isEmpty, (200...499).contains(status) else { return nil }
        switch message {
        case .result(_, let result):
            guard result["isError"] == true else { return nil }
            answer = .result(result)
        case .failure(_, let error): answer = .error(error)
        case .request, .notification: return nil
        }
        self.probe = probe
        self.status = status
    }

    /// What the reference server answers, for an upstream that could not be probed.
    package static func assumed(_ kind: CapabilityKind, era: Era) -> UnknownAnswer {
        switch kind {
        case .tool:
            var result = JSONObject([
                ("content", [["type": "text", "text": .string("Unknown tool: \(placeholder)")]]), ("isError", true),
            ])
            if era == .stateless { result["resultType"] = "complete" }
            return UnknownAnswer(probe: placeholder, status: 200, answer: .result(.object(result)))
        case .resource:
            let error = JSONRPCError(
                code: JSONRPCErrors.invalidParams, message: "Unknown resource: \(placeholder)",
                data: ["uri": .string(placeholder)])
            return UnknownAnswer(probe: placeholder, status: era == .stateless ? 400 : 200, answer: .error(error))
        case .prompt:
            let error = JSONRPCError(
                code: JSONRPCErrors.invalidParams, message: "Unknown prompt: \(placeholder)")
            return UnknownAnswer(probe: placeholder, status: era == .stateless ? 400 : 200, answer: .error(error))
        }
    }

    private static let placeholder = "\u{1}"

    private init(probe: String, status: Int, answer: Answer) {
        self.probe = probe
        self.status = status
        self.answer = answer
    }

    /// The same answer for another name and request.
    package func answer(name: String, id: RequestID) -> (status: Int, message: MCPMessage) {
        switch answer {
        case .result(let result): return (status, .result(id: id, renamed(result, name)))
        case .error(let error):
            var error = error
            error.message = renamed(error.message, name)
            error.data = error.data.map { renamed($0, name) }
            return (status, .failure(id: id, error))
        }
    }

    private func renamed(_ json: JSON, _ name: String) -> JSON {
        switch json {
        case .string(let text): .string(renamed(text, name))
        case .array(let elements): .array(elements.map { renamed($0, name) })
        case .object(let object): .object(JSONObject(object.pairs.map { ($0.key, renamed($0.value, name)) }))
        case .null, .bool, .number: json
        }
    }

    private func renamed(_ text: String, _ name: String) -> String {
        let pattern = Array(probe.utf8)
        var rest = Array(text.utf8)[...]
        guard rest.count >= pattern.count else { return text }
        var written: [UInt8] = []
        while !rest.isEmpty {
            if rest.starts(with: pattern) {
                written.append(contentsOf: name.utf8)
                rest = rest.dropFirst(pattern.count)
            } else {
                written.append(rest.removeFirst())
            }
        }
        return String(decoding: written, as: UTF8.self)
    }
}
