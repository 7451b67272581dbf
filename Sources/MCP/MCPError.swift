import Model

/// The error of this target: bytes or a message of MCP that are refused, and why.
package struct MCPError: NaveError, Equatable {
    /// Every way to refuse. ``JSONRPCErrors`` maps each of them to a JSON-RPC code and an HTTP status.
    package enum Reason: String, CaseIterable, Sendable {
        // HTTP/1.1 framing.
        case badRequestLine = "http-bad-request-line"
        case badStatusLine = "http-bad-status-line"
        case unsupportedHTTPVersion = "http-unsupported-version"
        case badTarget = "http-bad-target"
        case badHeader = "http-bad-header"
        case repeatedHeader = "http-repeated-header"
        case badHost = "http-bad-host"
        case badFraming = "http-bad-framing"
        case badTransferCoding = "http-bad-transfer-coding"
        case badChunk = "http-bad-chunk"
        case trailers = "http-trailers"
        case headTooLarge = "http-head-too-large"
        case bodyTooLarge = "http-body-too-large"
        case unexpectedEnd = "http-unexpected-end"
        case parserStopped = "http-parser-stopped"
        // Streams.
        case eventTooLarge = "event-too-large"
        case badEvent = "bad-event"
        case lineTooLarge = "line-too-large"
        // JSON; the same codes as `ModelError` has.
        case badJSON = "bad-json"
        case badEncoding = "bad-encoding"
        case duplicateKey = "duplicate-key"
        case ambiguousKey = "ambiguous-key"
        case badKey = "bad-key"
        case loneSurrogate = "lone-surrogate"
        case badNumber = "bad-number"
        case jsonTooLarge = "json-too-large"
        case jsonTooDeep = "json-too-deep"
        case jsonTooManyKeys = "json-too-many-keys"
        // JSON-RPC and MCP.
        case batch = "batch"
        case invalidRequest = "invalid-request"
        case invalidParams = "invalid-params"
        case methodNotFound = "method-not-found"
        case missingMeta = "missing-meta"
        case eraMismatch = "era-mismatch"
        case headerMismatch = "header-mismatch"
        case unsupportedVersion = "unsupported-version"
        case badURI = "bad-uri"
        case badUpstream = "bad-upstream"
    }

    package var reason: Reason
    package var message: String
    package var hint: String?
    package var place: Place? { nil }
    package var code: String { reason.rawValue }

    package init(_ reason: Reason, _ message: String, hint: String? = nil) {
        self.reason = reason
        self.message = message
        self.hint = hint
    }

    /// An error of the strict JSON reader, under its own code.
    package init(_ error: ModelError) {
        self.init(Reason(rawValue: error.code) ?? .badJSON, error.message, hint: error.hint)
    }
}

/// At most 80 bytes of input for a message, what is not printable ASCII as `?`.
func quoted(_ bytes: some Sequence<UInt8>) -> String {
    let shown = bytes.prefix(80).map { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "`") ? $0 : UInt8(ascii: "?") }
    return "`\(String(decoding: shown, as: UTF8.self))`"
}

func quoted(_ text: String) -> String { quoted(text.utf8) }
