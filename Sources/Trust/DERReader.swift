import Model

/// Reads DER (X.690, section 10) inside bounds: definite lengths in their shortest form, one tag at a time, nothing left over.
/// It knows no schema and believes no length.
struct DERReader {
    /// The identifier octets that Nave reads; a tag number above 30 is none of them.
    enum Tag {
        static let boolean: UInt8 = 0x01
        static let integer: UInt8 = 0x02
        static let bitString: UInt8 = 0x03
        static let octetString: UInt8 = 0x04
        static let objectIdentifier: UInt8 = 0x06
        static let utf8String: UInt8 = 0x0c
        static let utcTime: UInt8 = 0x17
        static let generalizedTime: UInt8 = 0x18
        static let sequence: UInt8 = 0x30
        static let set: UInt8 = 0x31

        static func context(_ number: UInt8, constructed: Bool = false) -> UInt8 {
            0x80 | (constructed ? 0x20 : 0) | number
        }
    }

    private let bytes: [UInt8]
    private var index: Int
    private let end: Int
    private let code: String

    /// - Parameter code: Of the error that whatever is not DER throws.
    init(_ bytes: [UInt8], code: String) { self.init(bytes, 0..<bytes.count, code) }

    private init(_ bytes: [UInt8], _ range: Range<Int>, _ code: String) {
        self.bytes = bytes
        index = range.lowerBound
        end = range.upperBound
        self.code = code
    }

    var isAtEnd: Bool { index == end }
    var nextTag: UInt8? { index < end ? bytes[index] : nil }

    /// The element of that tag, entered.
    mutating func enter(_ tag: UInt8) throws(TrustError) -> DERReader { DERReader(bytes, try range(tag), code) }

    /// The contents of the element of that tag.
    mutating func read(_ tag: UInt8) throws(TrustError) -> ArraySlice<UInt8> { bytes[try range(tag)] }

    /// The whole element of that tag, its identifier and length included.
    mutating func element(_ tag: UInt8) throws(TrustError) -> ArraySlice<UInt8> {
        let start = index
        return bytes[start..<(try range(tag).upperBound)]
    }

    /// The bytes of a BIT STRING of whole bytes.
    mutating func bits() throws(TrustError) -> ArraySlice<UInt8> {
        let contents = try read(Tag.bitString)
        guard contents.first == 0 else { throw failure }
        return contents.dropFirst()
    }

    /// A positive INTEGER without leading zero bytes.
    mutating func number() throws(TrustError) -> ArraySlice<UInt8> {
        let contents = try read(Tag.integer)
        guard let first = contents.first, first < 0x80 else { throw failure }
        guard first == 0, contents.count > 1 else { return contents }
        // A zero byte is there only to keep the number positive.
        guard contents[contents.startIndex + 1] >= 0x80 else { throw failure }
        return contents.dropFirst()
    }

    func finish() throws(TrustError) {
        guard isAtEnd else { throw failure }
    }

    var failure: TrustError { TrustError(code, "the bytes are not the DER that is expected here, at byte \(index)") }

    private mutating func range(_ tag: UInt8) throws(TrustError) -> Range<Int> {
        guard index + 1 < end, bytes[index] == tag else { throw failure }
        var start = index + 2
        var length = Int(bytes[index + 1])
        if length >= 0x80 {
            // Three length bytes are more than any bound of a caller.
            let count = length & 0x7f
            guard (1...3).contains(count), start + count <= end, bytes[start] != 0 else { throw failure }
            length = 0
            for byte in bytes[start..<start + count] { length = length << 8 | Int(byte) }
            start += count
            guard length >= 0x80 else { throw failure }
        }
        guard length <= end - start else { throw failure }
        index = start + length
        return start..<start + length
    }
}
