/// A hash of bytes and words in the manner of FNV-1a (draft-eastlake-fnv, section 2), its bits mixed once more at the end.
struct ByteHash {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ byte: UInt8) { add(word: UInt64(byte)) }

    mutating func add(word: UInt64) { state = (state ^ word) &* 0x0100_0000_01B3 }

    /// Of a whole text, eight bytes at a time.
    static func of(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { bytes in
            var hash = ByteHash()
            hash.add(word: UInt64(bytes.count))
            var index = 0
            while index < bytes.count {
                var word: UInt64 = 0
                for place in index..<min(index + 8, bytes.count) { word = word << 8 | UInt64(bytes[place]) }
                hash.add(word: word)
                // The product of a word reaches upwards only.
                hash.state ^= hash.state >> 29
                index += 8
            }
            return hash.value
        }
    }

    var value: UInt64 {
        let folded = (state ^ state >> 32) &* 0xD6E8_FEB8_6659_FD93
        return folded ^ folded >> 32
    }
}

/// Lists by fingerprint: a hash table with open addressing, at most half full, that nothing is ever taken out of. Looking one
/// up allocates nothing and takes one or two steps.
struct FingerprintTable: Sendable {
    /// A part of an array of positions, and under what a principal's rules are listed besides.
    struct List: Sendable {
        var start: Int32
        var end: Int32
        var anchors = CapabilityAnchor.Kinds()
    }

    private struct Slot {
        var key: UInt64 = 0
        var list = List(start: 0, end: 0)
    }

    private var slots: [Slot]
    private let mask: Int

    init(capacity: Int = 0) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = [Slot](repeating: Slot(), count: size)
        mask = size - 1
    }

    func find(_ key: UInt64) -> List? {
        let slot = slots[slot(of: key)]
        return slot.list.end > slot.list.start ? slot.list : nil
    }

    /// - Parameter list: not empty.
    mutating func insert(_ key: UInt64, _ list: List) { slots[slot(of: key)] = Slot(key: key, list: list) }

    /// Where the key is, or where it belongs.
    private func slot(of key: UInt64) -> Int {
        slots.withUnsafeBufferPointer { slots in
            var index = Int(truncatingIfNeeded: key) & mask
            while slots[index].list.end > slots[index].list.start, slots[index].key != key {
                index = (index + 1) & mask
            }
            return index
        }
    }
}
