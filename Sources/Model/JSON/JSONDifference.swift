/// One place at which two JSON values differ.
package struct JSONDifference: Hashable, Sendable {
    /// JSON pointer (RFC 6901); empty for the whole value.
    package var pointer: String
    /// Nil where the first value has nothing.
    package var before: JSON?
    /// Nil where the second value has nothing.
    package var after: JSON?

    /// Every place, in the order of pointers' members; neither the order of members nor the spelling of numbers differs.
    /// - Parameter maximum: at most so many are looked for.
    package static func between(_ before: JSON, _ after: JSON, maximum: Int = 1000) -> [JSONDifference] {
        var found: [JSONDifference] = []
        compare(before, after, at: "", &found, maximum)
        return found
    }

    private static func compare(
        _ before: JSON?, _ after: JSON?, at pointer: String, _ found: inout [JSONDifference], _ maximum: Int
    ) {
        guard found.count < maximum else { return }
        switch (before, after) {
        case (.object(let before)?, .object(let after)?):
            for key in Set(before.keys).union(after.keys).sorted() {
                let name = key.replacing("~", with: "~0").replacing("/", with: "~1")
                compare(before[key], after[key], at: "\(pointer)/\(name)", &found, maximum)
            }
        case (.array(let before)?, .array(let after)?):
            for index in 0..<max(before.count, after.count) {
                compare(
                    index < before.count ? before[index] : nil, index < after.count ? after[index] : nil,
                    at: "\(pointer)/\(index)", &found, maximum)
            }
        case (let before?, let after?) where before == after || before.interchangeBytes == after.interchangeBytes:
            return
        default: found.append(JSONDifference(pointer: pointer, before: before, after: after))
        }
    }
}
