import Model

/// Which era and version a message belongs to, from its headers and its body together; and the headers that mirror it.
package enum EraRules {
    package static let versionHeader = "MCP-Protocol-Version"
    package static let methodHeader = "Mcp-Method"
    package static let nameHeader = "Mcp-Name"
    package static let versionKey = "io.modelcontextprotocol/protocolVersion"
    package static let capabilitiesKey = "io.modelcontextprotocol/clientCapabilities"

    /// Tells the version of a message and holds its headers to its body. The body alone decides what is done; a header
    /// that says otherwise is refused, since something on the way may have believed it.
    ///
    /// - Parameter negotiated: the version of the session that the message belongs to, when there is one; without effect on
    ///   a stateless message, whose stray session id is ignored.
    /// - Throws: `http-repeated-header`, `missing-meta`, `era-mismatch`, `header-mismatch`, `unsupported-version`.
    package static func version(
        of message: MCPMessage, headers: HTTPHeaders, negotiated: ProtocolVersion? = nil
    ) throws(MCPError) -> ProtocolVersion {
        try refuseRepeated(headers)
        let named = headers[versionHeader]
        let metadata = message.meta
        let meta = metadata?[versionKey]
        guard let named else {
            guard meta == nil else { throw mismatch("a version stands in the body but not in the header") }
            return negotiated ?? .assumed
        }
        let spoken = ProtocolVersion(rawValue: named)
        if let version = spoken, version.era == .handshake {
            // A modern body under an older header is executed by some servers, unchecked.
            guard meta == nil || meta == .string(named) else {
                throw mismatch("header and body name different versions")
            }
            guard negotiated == nil || negotiated == version || message.method == "initialize" else {
                throw mismatch("the session speaks \(negotiated?.rawValue ?? ""), not \(version.rawValue)")
            }
            return version
        }
        if case .request = message {
            guard let meta, metadata?[capabilitiesKey]?.object != nil else {
                throw MCPError(.missingMeta, "`_meta` lacks the protocol version or the client's capabilities")
            }
            guard meta == .string(named) else { throw mismatch("header and body name different versions") }
        } else if let meta, meta != .string(named) {
            throw mismatch("header and body name different versions")
        }
        guard let version = spoken else {
            throw MCPError(.unsupportedVersion, "the protocol version \(quoted(named)) is not served")
        }
        try checkMirrors(message, headers)
        return version
    }

    /// A reader of the first copy and a reader of the last would disagree.
    private static func refuseRepeated(_ headers: HTTPHeaders) throws(MCPError) {
        for position in headers.fields.indices where hasHeaderPrefix(headers.fields[position].name, "Mcp-") {
            let name = headers.fields[position].name
            for earlier in 0..<position where sameHeaderName(headers.fields[earlier].name, name) {
                throw MCPError(.repeatedHeader, "the header \(quoted(name)) stands more than once")
            }
        }
    }

    private static func checkMirrors(_ message: MCPMessage, _ headers: HTTPHeaders) throws(MCPError) {
        guard let method = message.method else { return }
        let mirrored = headers[methodHeader]
        guard mirrored == method || (mirrored == nil && !message.isRequest) else {
            throw MCPError(.headerMismatch, "`\(methodHeader)` is not the method of the body")
        }
        let key: String
        switch method {
        case "tools/call", "prompts/get": key = "name"
        case "resources/read": key = "uri"
        case "tasks/get", "tasks/update", "tasks/cancel": key = "taskId"
        default: return
        }
        // A body without the name is refused later, for that.
        guard let name = message.params?[key] else { return }
        guard let value = headers[nameHeader].flatMap(MirrorValue.decode), name == .string(value) else {
            throw MCPError(.headerMismatch, "`\(nameHeader)` is not the `\(key)` of the body")
        }
    }

    /// Holds the `Mcp-Param-*` headers of a stateless tool call to its arguments. Throws `header-mismatch`.
    package static func checkParameters(
        _ headers: HTTPHeaders, arguments: JSONObject, mirrored: MirroredParameters
    ) throws(MCPError) {
        for parameter in mirrored.parameters {
            let rendered = MirroredParameters.rendered(parameter, arguments)
            let header = headers[parameter.header]
            if rendered == nil && header == nil { continue }
            guard let rendered, let decoded = header.flatMap(MirrorValue.decode),
                JSON.string(decoded) == .string(rendered)
                    || (parameter.type == "integer" && sameInteger(decoded, rendered))
            else { throw MCPError(.headerMismatch, "\(quoted(parameter.header)) is not the argument of the body") }
        }
    }

    /// `42` and `42.0`, but not `4.2e1`.
    private static func sameInteger(_ left: String, _ right: String) -> Bool {
        guard let left = wholeDigits(left), let right = wholeDigits(right) else { return false }
        return left == right
    }

    private static func wholeDigits(_ text: String) -> String? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, parts.count == 1 || !parts[1].isEmpty else { return nil }
        if parts.count == 2, !parts[1].allSatisfy({ $0 == UInt8(ascii: "0") }) { return nil }
        let digits = whole.first == UInt8(ascii: "-") ? whole.dropFirst() : whole
        guard !digits.isEmpty, digits.allSatisfy(isASCIIDigit) else { return nil }
        let significant = digits.drop { $0 == UInt8(ascii: "0") }
        let sign = digits.count != whole.count && !significant.isEmpty ? "-" : ""
        return sign + String(decoding: significant, as: UTF8.self)
    }

    /// The MCP headers of the message that goes upstream, made from what was understood; none is taken over.
    ///
    /// - Parameter mirrored: by the tool that is called, for its `Mcp-Param-*`.
    package static func upstreamHeaders(
        for action: MCPAction, message: MCPMessage, version: ProtocolVersion, mirrored: MirroredParameters? = nil
    ) -> [(String, String)] {
        guard version.era == .stateless else {
            if version < .v20250618 { return [] }
            if case .initialize = action { return [] }
            return [(versionHeader, version.rawValue)]
        }
        var headers = [(versionHeader, version.rawValue)]
        if let method = message.method { headers.append((methodHeader, method)) }
        if let name = action.mirroredName { headers.append((nameHeader, MirrorValue.encode(name))) }
        if case .callTool(_, let arguments, _) = action, let mirrored {
            for parameter in mirrored.parameters {
                guard let value = MirroredParameters.rendered(parameter, arguments) else { continue }
                headers.append((parameter.header, MirrorValue.encode(value)))
            }
        }
        return headers
    }

    private static func mismatch(_ what: String) -> MCPError { MCPError(.eraMismatch, what) }
}
