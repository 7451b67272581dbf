import MCP
import Model

/// Makes other messages of good ones: bytes changed, and what readers of JSON are known to disagree on put in.
struct MessageMutator {
    var generator: SeededGenerator
    let seeds: [[UInt8]]

    /// Spellings that one reader takes for another's, or for nothing.
    private static let fragments: [String] = [
        #""name":"delete_all","#, #""n\u0061me":"delete_all","#, #""Name":"x","#, #""name\u0000":"x","#,
        #""method":"tools/call","#, #""METHOD":"tools/list","#, #""params":{},"#, #""arguments":{"a":1},"#,
        #""uri":"file:///x","#, #""id":2,"#, #""jsonrpc":"2.0","#, #""ſ":1,"#, "\u{212A}", "\u{FEFF}", "\u{2028}",
        "\\u0000", "\\ud83d\\ude00", "\\ud800", "\\u002e", "\\/", "\\x41", "\\'", "NaN", "Infinity", "-Infinity", "-0",
        "1e400", "1E+2",
        "1.0", "01", "+1", ".5", "1.", "123456789012345678901234567890", "9007199254740993", "0.1e-7", "5e-324", "0x10",
        "null", "true", "nan", "//x\n", "/**/", ",", ",,", "{}", "[]", "[[[[[[[[", "]]]]", "\u{0}", "\t", "\n", "\r\n",
        "\u{7F}", "\"", "'",
        "\\\"", ":", "{", "}", "\u{1}",
    ]
    /// Bytes that are no UTF-8, or not in its one spelling.
    private static let noText: [[UInt8]] = [
        [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xFF, 0xFE], [0xEF, 0xBB, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0x80],
        [0xE2, 0x82],
    ]

    mutating func next() -> [UInt8] {
        var bytes = seeds.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 1...2, using: &generator) {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<3: bytes = generator.mutated(bytes)
            case 3..<6: insert(Array((Self.fragments.randomElement(using: &generator) ?? "").utf8), &bytes)
            case 6: replaceToken(&bytes)
            case 7: insert(Self.noText.randomElement(using: &generator) ?? [], &bytes)
            case 8: splice(&bytes)
            default: escape(&bytes)
            }
        }
        // Whole texts in another encoding, now and then.
        guard Int.random(in: 0..<400, using: &generator) == 0 else { return bytes }
        let isBigEndian = Bool.random(using: &generator)
        return bytes.flatMap { isBigEndian ? [0, $0] : [$0, 0] }
    }

    private mutating func place(_ bytes: [UInt8]) -> Int { Int.random(in: 0...bytes.count, using: &generator) }

    /// Behind a brace, a comma or a colon, where it may be read as something; or anywhere.
    private mutating func insert(_ fragment: [UInt8], _ bytes: inout [UInt8]) {
        let places = bytes.indices.filter { "{,:[\"".utf8.contains(bytes[$0]) }
        if Bool.random(using: &generator), let place = places.randomElement(using: &generator) {
            bytes.insert(contentsOf: fragment, at: place + 1)
        } else {
            bytes.insert(contentsOf: fragment, at: place(bytes))
        }
    }

    /// A value becomes another one.
    private mutating func replaceToken(_ bytes: inout [UInt8]) {
        let colons = bytes.indices.filter { bytes[$0] == UInt8(ascii: ":") }
        guard let colon = colons.randomElement(using: &generator) else { return }
        let end = bytes[(colon + 1)...].firstIndex { ",}]".utf8.contains($0) } ?? bytes.count
        let fragment = Self.fragments.randomElement(using: &generator) ?? ""
        bytes.replaceSubrange((colon + 1)..<end, with: Array(fragment.utf8))
    }

    /// A part of another seed, or of this one once more.
    private mutating func splice(_ bytes: inout [UInt8]) {
        let other = Bool.random(using: &generator) ? seeds.randomElement(using: &generator) ?? bytes : bytes
        let from = Int.random(in: 0..<max(1, other.count), using: &generator)
        let part = other[from...].prefix(Int.random(in: 1...40, using: &generator))
        bytes.insert(contentsOf: part, at: place(bytes))
    }

    /// A letter of a string in another spelling.
    private mutating func escape(_ bytes: inout [UInt8]) {
        let letters = bytes.indices.filter { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[$0]) }
        guard let place = letters.randomElement(using: &generator) else { return }
        let digits = String(bytes[place], radix: 16, uppercase: Bool.random(using: &generator))
        bytes.replaceSubrange(place...place, with: Array("\\u00\(digits)".utf8))
    }
}
