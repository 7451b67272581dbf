import Model

/// Writes DER (X.690, section 10), the inner elements first known by their bytes.
struct DERWriter {
    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(512) }

    /// An element with those contents.
    mutating func add(_ tag: UInt8, _ contents: some Collection<UInt8>) {
        addHeader(tag, contents.count)
        bytes.append(contentsOf: contents)
    }

    /// An element around what the body writes.
    mutating func add<Failure: Error>(
        _ tag: UInt8, _ body: (inout DERWriter) throws(Failure) -> Void
    ) throws(Failure) {
        // Most elements are short: their length is one byte, which is put in place afterwards.
        bytes.append(tag)
        bytes.append(0)
        let start = bytes.count
        try body(&self)
        let count = bytes.count - start
        if count < 0x80 {
            bytes[start - 1] = UInt8(count)
        } else {
            bytes.replaceSubrange(start - 1..<start, with: Self.length(count))
        }
    }

    /// An element that was written elsewhere.
    mutating func add(element: some Collection<UInt8>) { bytes.append(contentsOf: element) }

    /// A positive INTEGER from its bytes, the highest first.
    mutating func add(number: some Collection<UInt8>) {
        let digits = number.drop { $0 == 0 }
        let padding: [UInt8] = (digits.first ?? 0x80) >= 0x80 ? [0] : []
        add(DERReader.Tag.integer, padding + Array(digits))
    }

    mutating func add(boolean: Bool) { add(DERReader.Tag.boolean, [boolean ? 0xff : 0]) }

    /// A BIT STRING of whole bytes.
    mutating func add(bits: some Collection<UInt8>, unused: UInt8 = 0) {
        addHeader(DERReader.Tag.bitString, bits.count + 1)
        bytes.append(unused)
        bytes.append(contentsOf: bits)
    }

    /// - Parameter object: A dotted text, `2.5.29.17`.
    /// - Throws: `bad-template` where it is none.
    mutating func add(object text: String) throws(TrustError) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .compactMap { part in part.first == UInt8(ascii: "0") && part.count > 1 ? nil : UInt32(Substring(part)) }
        guard parts.count >= 2, text.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }),
            parts.count == text.utf8.count(where: { $0 == UInt8(ascii: ".") }) + 1, parts[0] <= 2,
            parts[1] < 40 || parts[0] == 2, parts[1] < 1 << 16
        else { throw TrustError("bad-template", "\(backticked(text)) is not an object identifier") }
        var contents: [UInt8] = []
        for part in [parts[0] * 40 + parts[1]] + parts.dropFirst(2) {
            var digits = [UInt8(part & 0x7f)]
            var rest = part >> 7
            while rest > 0 {
                digits.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            contents += digits.reversed()
        }
        add(DERReader.Tag.objectIdentifier, contents)
    }

    private mutating func addHeader(_ tag: UInt8, _ count: Int) {
        bytes.append(tag)
        if count < 0x80 { bytes.append(UInt8(count)) } else { bytes.append(contentsOf: Self.length(count)) }
    }

    /// The long form.
    private static func length(_ count: Int) -> [UInt8] {
        var digits: [UInt8] = []
        var rest = count
        while rest > 0 {
            digits.append(UInt8(rest & 0xff))
            rest >>= 8
        }
        return [0x80 | UInt8(digits.count)] + digits.reversed()
    }
}
