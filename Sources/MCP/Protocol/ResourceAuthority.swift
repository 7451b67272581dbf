/// The authority of a resource's URI, held to the one spelling that readers do not rewrite.
///
/// Readers after the URL standard write hosts and ports again: `http://127.1/` becomes `http://127.0.0.1/`, `:0080` becomes
/// `:80` or nothing.
enum ResourceAuthority {
    /// What is wrong with the bytes between `//` and the path; nil when nothing is.
    ///
    /// - Parameter droppedPort: of a special scheme, the port that readers leave out; empty for `file`, which has no
    ///   authority. Nil for other schemes, whose hosts are names without a meaning.
    static func problem(_ authority: ArraySlice<UInt8>, scheme: String, droppedPort: String?) -> String? {
        for byte in authority {
            if byte == UInt8(ascii: "@") { return "holds user information" }
            if byte == UInt8(ascii: "%") || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) {
                return "holds a host that is not in lower case"
            }
        }
        let isSpecial = droppedPort != nil
        if scheme == "file" { return authority.isEmpty ? nil : "names a host for a file" }
        if authority.isEmpty { return isSpecial ? "lacks a host" : nil }
        let afterHost: ArraySlice<UInt8>
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")),
                isCanonicalIPv6(authority[(authority.startIndex + 1)..<close])
            else { return "holds an address of IPv6 that is not in its one form" }
            afterHost = authority[(close + 1)...]
        } else {
            let host = authority.prefix { $0 != UInt8(ascii: ":") }
            if host.isEmpty { return "lacks a host" }
            if host.contains(UInt8(ascii: "[")) || host.contains(UInt8(ascii: "]")) {
                return "holds a bracket in its host"
            }
            if isSpecial, let problem = nameProblem(host) { return problem }
            afterHost = authority[host.endIndex...]
        }
        if afterHost.isEmpty { return nil }
        return isPort(afterHost, dropped: droppedPort) ? nil : "holds a port that could be spelled otherwise"
    }

    /// `:8443`: 1 to 65535, without a leading zero, and not what readers leave out.
    private static func isPort(_ bytes: ArraySlice<UInt8>, dropped: String?) -> Bool {
        guard bytes.first == UInt8(ascii: ":") else { return false }
        let digits = bytes.dropFirst()
        guard (1...5).contains(digits.count), digits.allSatisfy(isASCIIDigit), digits.first != UInt8(ascii: "0"),
            let port = UInt32(String(decoding: digits, as: UTF8.self)), port <= 65_535
        else { return false }
        return !digits.elementsEqual((dropped ?? "").utf8)
    }

    /// A name whose last label is a number is read as an address of IPv4, however it is written.
    private static func nameProblem(_ host: ArraySlice<UInt8>) -> String? {
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let last = labels.last, !labels.contains(where: \.isEmpty) else {
            return "holds a host with an empty label"
        }
        let isNumber =
            last.allSatisfy(isASCIIDigit)
            || (last.starts(with: "0x".utf8) && last.dropFirst(2).allSatisfy { hexValue($0) != nil })
        guard !isNumber || (labels.count == 4 && labels.allSatisfy(isOctet)) else {
            return "holds an address of IPv4 that is not in its one form"
        }
        return nil
    }

    private static func isOctet(_ digits: ArraySlice<UInt8>) -> Bool {
        guard (1...3).contains(digits.count), digits.allSatisfy(isASCIIDigit),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return false }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
    }

    /// The text of RFC 5952, section 4. An address that holds one of IPv4 has a form with dots and one without, of which
    /// readers prefer either, and so has none.
    private static func isCanonicalIPv6(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count <= 39, let words = words(of: text), rendered(words).utf8.elementsEqual(text) else {
            return false
        }
        let holdsIPv4 =
            words[..<5].allSatisfy { $0 == 0 } && (words[5] == 0xFFFF || (words[5] == 0 && words[6] != 0))
        return !holdsIPv4
    }

    /// The eight words of an address without dots; nil for anything else.
    private static func words(of text: ArraySlice<UInt8>) -> [UInt16]? {
        let halves = String(decoding: text, as: UTF8.self).split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        var words: [[UInt16]] = []
        for half in halves {
            var group: [UInt16] = []
            let parts =
                half.isEmpty ? [] : half.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            for digits in parts {
                guard (1...4).contains(digits.count), digits.allSatisfy({ hexValue($0) != nil }) else { return nil }
                group.append(digits.reduce(0) { $0 << 4 | UInt16(hexValue($1) ?? 0) })
            }
            words.append(group)
        }
        let given = words.reduce(0) { $0 + $1.count }
        if words.count == 1 { return given == 8 ? words[0] : nil }
        guard given < 8 else { return nil }
        return words[0] + [UInt16](repeating: 0, count: 8 - given) + words[1]
    }

    /// The longest run of two or more zeros is left out, the first among equals.
    private static func rendered(_ words: [UInt16]) -> String {
        var longest = 0..<0
        var start = 0
        for index in 0...words.count where index == words.count || words[index] != 0 {
            if index - start > max(longest.count, 1) { longest = start..<index }
            start = index + 1
        }
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        if longest.isEmpty { return text(words[...]) }
        return text(words[..<longest.lowerBound]) + "::" + text(words[longest.upperBound...])
    }
}
