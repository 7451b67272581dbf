/// Lower-case hexadecimal, two digits a byte.
package enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for an odd length and for every character but `0-9a-f`.
    package static func decode(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 2)
        for index in stride(from: 0, to: characters.count, by: 2) {
            guard let high = value(characters[index]), let low = value(characters[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    static func isDigit(_ character: UInt8) -> Bool { value(character) != nil }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

/// Base 64 (RFC 4648, sections 4 and 5), each value in its one spelling: padded in the standard alphabet, unpadded in the
/// URL alphabet, no other character, and the unused bits of the last character zero.
package enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let standardValues = values(of: standard)
    private static let urlValues = values(of: url)

    package static func encode(_ bytes: [UInt8]) -> String {
        var text = encode(bytes, standard)
        text.append(contentsOf: repeatElement(UInt8(ascii: "="), count: (4 - text.count % 4) % 4))
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for every spelling but the one that `encode` writes.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 4) else { return nil }
        let padding = characters.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        return decode(characters.dropLast(padding), standardValues)
    }

    package static func encodeURL(_ bytes: [UInt8]) -> String { String(decoding: encode(bytes, url), as: UTF8.self) }

    /// Nil for every spelling but the one that `encodeURL` writes.
    package static func decodeURL(_ text: some StringProtocol) -> [UInt8]? {
        decode(Array(text.utf8)[...], urlValues)
    }

    private static func encode(_ bytes: [UInt8], _ alphabet: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var bits: UInt32 = 0
        var held = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            held += 8
            while held >= 6 {
                held -= 6
                text.append(alphabet[Int(bits >> UInt32(held) & 63)])
            }
        }
        if held > 0 { text.append(alphabet[Int(bits << UInt32(6 - held) & 63)]) }
        return text
    }

    private static func decode(_ characters: ArraySlice<UInt8>, _ values: [UInt8]) -> [UInt8]? {
        let rest = characters.count % 4
        // One character alone holds no byte.
        guard rest != 1 else { return nil }
        // Set by a character that is not of the alphabet, and by bits left over, which must be zero.
        var wrong: UInt32 = 0
        let count = characters.count * 3 / 4
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
            characters.withUnsafeBufferPointer { characters in
                values.withUnsafeBufferPointer { values in
                    func value(_ index: Int) -> UInt32 {
                        let value = UInt32(values[Int(characters[index])])
                        wrong |= value & 0xC0
                        return value
                    }
                    var (from, to) = (0, 0)
                    while from + 4 <= characters.count {
                        let first = value(from) << 18 | value(from + 1) << 12
                        let bits = first | value(from + 2) << 6 | value(from + 3)
                        bytes[to] = UInt8(truncatingIfNeeded: bits >> 16)
                        bytes[to + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                        bytes[to + 2] = UInt8(truncatingIfNeeded: bits)
                        (from, to) = (from + 4, to + 3)
                    }
                    if rest > 0 {
                        let bits = value(from) << 18 | value(from + 1) << 12 | (rest == 3 ? value(from + 2) << 6 : 0)
                        bytes[to] = UInt8(truncatingIfNeeded: bits >> 16)
                        if rest == 3 { bytes[to + 1] = UInt8(truncatingIfNeeded: bits >> 8) }
                        wrong |= rest == 3 ? bits & 0xFF : bits & 0xFFFF
                    }
                }
            }
            initialized = count
        }
        return wrong == 0 ? bytes : nil
    }

    private static func values(of alphabet: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }
}
