import Model

/// Looks for what attacks are made of in arguments that a policy names. It finds spellings, not intentions: a policy says
/// where such spellings have no business.
package enum ArgumentChecks {
    package struct Finding: Hashable, Sendable {
        package var check: ArgumentCheck.Kind
        package var argument: String
        package var then: ArgumentCheck.Verdict

        package var text: String { "\(check.rawValue) in \(quoted(argument))" }
    }

    /// Those to be refused first.
    package static func findings(_ checks: [ArgumentCheck]?, tool: String, arguments: JSONObject) -> [Finding] {
        var findings: [Finding] = []
        for check in checks ?? [] where concerns(check.tools, tool) {
            for name in check.arguments {
                let texts = NamedArguments.values(name, in: arguments).flatMap(NamedArguments.strings)
                if texts.contains(where: { isFound(check.check, in: Array($0.utf8)) }) {
                    findings.append(Finding(check: check.check, argument: name, then: check.then))
                }
            }
        }
        return findings.filter { $0.then == .refuse } + findings.filter { $0.then == .report }
    }

    private static func isFound(_ check: ArgumentCheck.Kind, in bytes: [UInt8]) -> Bool {
        switch check {
        case .pathTraversal: climbs(bytes)
        case .shell: bytes.contains { shellBytes.contains($0) }
        case .sql:
            bytes.contains(UInt8(ascii: ";")) || holds("--", bytes) || holds("/*", bytes) || holds("*/", bytes)
                || bytes.contains(0)
        }
    }

    private static let shellBytes = Set("|&;<>()$`\\\"'*?[]#~{}!\n\r\0".utf8)

    /// A segment `..`, under either slash, also where it is percent-encoded once or twice; and NUL, which ends a path early.
    private static func climbs(_ bytes: [UInt8]) -> Bool {
        var bytes = bytes
        for _ in 0..<3 {
            if bytes.contains(0) { return true }
            let segments = bytes.split(
                omittingEmptySubsequences: false,
                whereSeparator: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") })
            if segments.contains(where: { $0.prefix { $0 != UInt8(ascii: ";") }.elementsEqual("..".utf8) }) {
                return true
            }
            let decoded = percentDecoded(bytes)
            if decoded == bytes { return false }
            bytes = decoded
        }
        return false
    }

    private static func percentDecoded(_ bytes: [UInt8]) -> [UInt8] {
        var decoded: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = hexValue(bytes[index + 1]),
                let low = hexValue(bytes[index + 2])
            {
                decoded.append(UInt8(high << 4 | low))
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return decoded
    }

    private static func holds(_ word: String, _ bytes: [UInt8]) -> Bool {
        let word = Array(word.utf8)
        guard bytes.count >= word.count else { return false }
        return (0...bytes.count - word.count).contains { bytes[$0..<$0 + word.count].elementsEqual(word) }
    }
}
