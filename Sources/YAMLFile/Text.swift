import Model

/// Refuses a file that is too large or is not plain UTF-8 text, and takes off a byte order mark.
///
/// Control characters, the line breaks that only YAML knows (NEL, LS, PS: editors count lines without them) and marks
/// that turn the direction of writing (a reviewer would see another rule than the one that is read; CVE-2021-42574) are
/// refused.
///
/// - Throws: `yaml-too-large`, `yaml-encoding`.
func checkedText(_ bytes: [UInt8], file: String) throws(YAMLError) -> [UInt8] {
    var place = Place(file: file, line: 1, column: 1)
    guard bytes.count <= YAMLFile.maximumBytes else {
        throw YAMLError(
            "yaml-too-large", "the file has \(bytes.count) bytes, more than \(YAMLFile.maximumBytes)", at: place)
    }
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    var decoder = UTF8()
    var iterator = text.makeIterator()
    var afterReturn = false
    while true {
        switch decoder.decode(&iterator) {
        case .emptyInput: return text
        case .error: throw YAMLError("yaml-encoding", "a byte here is not UTF-8", at: place)
        case .scalarValue(let scalar):
            if scalar == "\n" || scalar == "\r" {
                // CR LF is one line break.
                if !(scalar == "\n" && afterReturn) { place.line += 1 }
                place.column = 1
                afterReturn = scalar == "\r"
                continue
            }
            afterReturn = false
            if let error = refusal(of: scalar, at: place) { throw error }
            place.column += 1
        }
    }
}

/// `yaml-encoding` for a character that has no business in a configuration file; line breaks are the caller's.
func refusal(of scalar: Unicode.Scalar, at place: Place) -> YAMLError? {
    let what: String
    switch scalar.value {
    case 0x09, 0x20...0x7E: return nil
    case 0x00...0x1F, 0x7F...0x9F: what = "a control character"
    case 0x2028, 0x2029: what = "a line break that editors do not count"
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: what = "a mark that turns the direction of writing"
    case 0xFEFF: what = "a byte order mark"
    case 0xFFFE, 0xFFFF: what = "no character"
    default: return nil
    }
    let code = String(scalar.value, radix: 16, uppercase: true)
    return YAMLError(
        "yaml-encoding", "U+\(String(repeating: "0", count: max(0, 4 - code.count)))\(code) is \(what)", at: place)
}
