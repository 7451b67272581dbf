/// W3C Trace Context (Recommendation, Level 2): where a call stands in a trace.
package struct TraceContext: Hashable, Sendable {
    /// 32 lower-case hexadecimal digits, not all zero.
    package let trace: String
    /// Of the span that calls: 16 digits, not all zero.
    package let span: String
    /// Sampled, and random trace id; the other bits mean nothing yet.
    package let flags: UInt8
    /// `tracestate` as it came, its fields joined; nil for none.
    package let state: String?

    private static let knownFlags: UInt8 = 0x03
    private static let randomTrace: UInt8 = 0x02
    private static let maximumStateBytes = 2048

    /// What a request carries; nil where `traceparent` is missing, repeated or malformed (section 3.2). A `tracestate` that is
    /// malformed is left out (section 3.3).
    package init?(_ headers: HTTPHeaders) {
        let parents = headers.values("traceparent")
        guard parents.count == 1, let parent = parents.first else { return nil }
        let text = Array(parent.utf8)
        guard text.count >= 55, text[2] == 0x2D, text[35] == 0x2D, text[52] == 0x2D,
            (text[0..<2] + text[3..<35] + text[36..<52] + text[53..<55]).allSatisfy(isLowerHex),
            !text.starts(with: "ff".utf8), text.count == 55 || !text.starts(with: "00".utf8) && text[55] == 0x2D,
            text[3..<35].contains(where: { $0 != 0x30 }), text[36..<52].contains(where: { $0 != 0x30 }),
            let flags = UInt8(String(decoding: text[53..<55], as: UTF8.self), radix: 16)
        else { return nil }
        trace = String(decoding: text[3..<35], as: UTF8.self)
        span = String(decoding: text[36..<52], as: UTF8.self)
        self.flags = flags & Self.knownFlags
        state = Self.state(headers.values("tracestate"))
    }

    private init(trace: String, span: String, flags: UInt8, state: String?) {
        self.trace = trace
        self.span = span
        self.flags = flags
        self.state = state
    }

    /// The trace of a request goes on with a span of our own; without a valid one a new trace begins, not sampled.
    /// - Parameter random: 64 fresh random bits.
    package static func continued(_ headers: HTTPHeaders, random: () -> UInt64) -> TraceContext {
        let span = hex(random())
        guard let came = TraceContext(headers) else {
            return TraceContext(trace: hex(random()) + hex(random()), span: span, flags: randomTrace, state: nil)
        }
        return TraceContext(trace: came.trace, span: span, flags: came.flags, state: came.state)
    }

    package var parentHeader: String {
        let digits = String(flags, radix: 16)
        return "00-\(trace)-\(span)-\(digits.utf8.count < 2 ? "0" : "")\(digits)"
    }

    /// Zero is no id.
    private static func hex(_ bits: UInt64) -> String {
        let digits = String(max(bits, 1), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    private static func state(_ fields: [String]) -> String? {
        let joined = fields.joined(separator: ",")
        guard !joined.isEmpty, joined.utf8.count <= maximumStateBytes else { return nil }
        var keys: Set<[UInt8]> = []
        for member in joined.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let member = trimmed(member)
            // Empty members are allowed.
            if member.isEmpty { continue }
            let parts = member.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, isKey(parts[0]), isValue(parts[1]), keys.insert(Array(parts[0])).inserted else {
                return nil
            }
        }
        return (1...32).contains(keys.count) ? joined : nil
    }

    private static func isKey(_ key: some Collection<UInt8>) -> Bool {
        guard let first = key.first, isLowerOrDigit(first), key.count <= 256 else { return false }
        return key.allSatisfy { isLowerOrDigit($0) || "_-*/@".utf8.contains($0) }
    }

    private static func isValue(_ value: some Collection<UInt8>) -> Bool {
        (1...256).contains(value.count)
            && value.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
    }
}

private func isLowerHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }

private func isLowerOrDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
