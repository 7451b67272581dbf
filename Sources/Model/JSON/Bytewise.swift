import Glibc

// Swift hashes and compares strings by canonical equivalence and normalises them for it, in time quadratic in a run of
// combining marks. Text from outside is hashed and compared by its bytes, or bounded first.

/// Byte for byte; Swift's `==` on strings would also take canonically equivalent ones for equal.
@inlinable
package func sameBytes(_ left: String, _ right: String) -> Bool {
    let count = left.utf8.count
    guard count == right.utf8.count else { return false }
    // What differs for Swift differs in bytes, and two short texts are told apart in registers.
    if count <= 15, left != right { return false }
    return withBytes(left, right) { sameBytes($0, $1) }
}

@inlinable
func sameBytes(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
    guard left.count == right.count, let first = left.baseAddress, let second = right.baseAddress else {
        return left.isEmpty && right.isEmpty
    }
    return memcmp(first, second, left.count) == 0
}

/// The UTF-8 of two texts, where it lies.
@inlinable
package func withBytes<Result>(
    _ left: String, _ right: String, _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Result
) -> Result {
    let result = left.utf8.withContiguousStorageIfAvailable { left in
        right.utf8.withContiguousStorageIfAvailable { right in body(left, right) }
    }
    if let result = result ?? nil { return result }
    // Only of other systems' strings: Swift's own are contiguous.
    var (left, right) = (left, right)
    return left.withUTF8 { left in right.withUTF8 { right in body(left, right) } }
}

extension Hasher {
    /// Agrees with ``sameBytes(_:_:)``.
    package mutating func combine(bytesOf text: String) {
        var text = text
        text.withUTF8 { combine(bytes: UnsafeRawBufferPointer($0)) }
        // No UTF-8 holds this byte: two texts in a row cannot be taken for another two.
        combine(UInt8(0xFF))
    }
}

/// A key of a dictionary that is looked up byte for byte.
struct ByteKey: Hashable {
    let text: String

    static func == (left: ByteKey, right: ByteKey) -> Bool { sameBytes(left.text, right.text) }

    func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: text) }
}

/// Whether at most 30 combining marks follow each other (UAX #15, section 13, "Stream-Safe Text Format"), so that it
/// costs no more than linear time to compare.
func isStreamSafe(_ text: String) -> Bool {
    // Without an early end the loop takes many bytes at once.
    let combined = text.utf8.withContiguousStorageIfAvailable { bytes in bytes.reduce(0) { $0 | $1 } }
    if combined ?? 0xFF < 0x80 || text.utf8.allSatisfy({ $0 < 0x80 }) { return true }
    var run = 0
    for scalar in text.unicodeScalars {
        run = scalar.properties.canonicalCombiningClass == .notReordered ? 0 : run + 1
        if run > 30 { return false }
    }
    return true
}

/// Whether a byte stands in the text's UTF-8.
func holds(_ byte: UInt8, in text: String) -> Bool {
    // Without an early end the loop takes many bytes at once.
    let found = text.utf8.withContiguousStorageIfAvailable { bytes in
        bytes.reduce(UInt8(0)) { $0 | ($1 == byte ? 1 : 0) } != 0
    }
    return found ?? text.utf8.contains(byte)
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
