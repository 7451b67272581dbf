import Model

/// The one table from our errors to JSON-RPC and HTTP. We use the codes of JSON-RPC 2.0 and, for what the specification
/// defines so, of MCP; in -32099...-32000 we invent none.
package enum JSONRPCErrors {
    package static let parseError: Int64 = -32700
    package static let invalidRequest: Int64 = -32600
    package static let methodNotFound: Int64 = -32601
    package static let invalidParams: Int64 = -32602
    package static let internalError: Int64 = -32603
    /// MCP 2026-07-28, `HeaderMismatch`.
    package static let headerMismatch: Int64 = -32020
    /// MCP 2026-07-28, `UnsupportedProtocolVersion`.
    package static let unsupportedVersion: Int64 = -32022

    package static func codes(_ reason: MCPError.Reason) -> (code: Int64, status: Int) {
        switch reason {
        case .badRequestLine, .badTarget, .badHeader, .repeatedHeader, .badHost, .badFraming, .badChunk, .trailers,
            .parserStopped:
            (invalidRequest, 400)
        case .unsupportedHTTPVersion: (invalidRequest, 505)
        case .badTransferCoding: (invalidRequest, 501)
        case .headTooLarge: (invalidRequest, 431)
        case .bodyTooLarge, .jsonTooLarge: (invalidRequest, 413)
        case .badStatusLine, .unexpectedEnd, .eventTooLarge, .badEvent, .lineTooLarge, .badUpstream:
            (internalError, 502)
        case .badJSON, .badEncoding, .loneSurrogate, .badNumber: (parseError, 400)
        case .duplicateKey, .ambiguousKey, .badKey, .jsonTooDeep, .jsonTooManyKeys, .batch, .invalidRequest:
            (invalidRequest, 400)
        case .invalidParams, .missingMeta, .badURI: (invalidParams, 400)
        case .methodNotFound: (methodNotFound, 404)
        case .eraMismatch, .headerMismatch: (headerMismatch, 400)
        case .unsupportedVersion: (unsupportedVersion, 400)
        }
    }

    /// The answer to a message that was refused. In the handshake era errors of the content come under status 200, as
    /// clients of that time expect; errors of framing and syntax keep theirs.
    ///
    /// - Parameter requested: the version that was asked for, told back with `unsupported-version`.
    package static func answer(
        _ error: MCPError, id: RequestID?, era: Era?, requested: String? = nil
    ) -> (status: Int, message: MCPMessage) {
        var (code, status) = codes(error.reason)
        if era == .handshake, id != nil,
            error.reason == .invalidParams || error.reason == .badURI
                || error.reason == .methodNotFound
        {
            status = 200
        }
        var data: JSONObject?
        if error.reason == .unsupportedVersion {
            let supported = ProtocolVersion.allCases.filter { $0.era == .stateless }.map { JSON.string($0.rawValue) }
            data = JSONObject([("supported", .array(supported)), ("requested", .string(requested ?? ""))])
        }
        return (status, .failure(id: id, JSONRPCError(code: code, message: error.message, data: data.map(JSON.object))))
    }

    /// The body of any error for an id, for the reasons that lie outside this target (limits, health).
    package static func body(id: RequestID?, code: Int64, message: String, data: JSON? = nil) -> [UInt8] {
        MCPMessage.failure(id: id, JSONRPCError(code: code, message: message, data: data)).bytes
    }
}
