import Foundation

/// Values of one argument, one of each kind that some tests can tell apart; nil for an argument that is not given.
///
/// Between two numbers that tests name all numbers are alike, and so are all texts that no pattern singles out.
/// - Parameter fresh: a text that stands in no pattern.
func argumentExamples(of tests: [ArgumentTest], fresh: String) -> [JSON?] {
    var numbers: Set<Foundation.Decimal> = []
    var texts = [fresh, ""]
    var others: [JSON] = [.object(JSONObject())]
    for test in tests {
        switch test {
        case .present: break
        case .bounds:
            for part in test.description.split(separator: ",") {
                let text = part.filter { !"<>= ".contains($0) }
                if let number = Foundation.Decimal(string: text) { numbers.insert(number) }
            }
        case .pattern(let pattern):
            let whole = [fresh, ""].compactMap { pattern.example($0) }
            texts += whole
            // What two patterns have in common, as `ab` of `a*` and `*b`.
            for case .pattern(let other) in tests where other != pattern {
                texts += whole.compactMap { other.example($0) }
            }
        case .oneOf(let choices):
            for choice in choices {
                if let text = choice.string {
                    texts.append(text)
                } else if let number = choice.number.flatMap({ Foundation.Decimal(string: $0.text) }) {
                    numbers.insert(number)
                } else {
                    // What must not be true can be false.
                    others += [true, false]
                }
            }
        }
    }
    let values = between(numbers.sorted()).compactMap { JSONNumber(text: "\($0)").map(JSON.number) }
    let all: [JSON?] = [nil] + values.map { $0 } + texts.map { .string($0) } + others.map { $0 }
    var seen: Set<[Truth]> = []
    return all.filter { value in
        let finding: ArgumentName.Finding = value.map { .given($0) } ?? .absent
        return seen.insert(tests.map { $0.holds(for: finding) }).inserted
    }
}

/// The numbers, one in each gap, and one beyond either end.
private func between(_ numbers: [Foundation.Decimal]) -> [Foundation.Decimal] {
    guard let first = numbers.first, let last = numbers.last else { return [0] }
    return numbers + zip(numbers, numbers.dropFirst()).map { ($0 + $1) / 2 } + [first - 1, last + 1]
}

extension JSON {
    /// The object whose arguments of these names (`ArgumentName`) have these values.
    static func arguments(_ values: [(name: String, value: JSON?)]) -> JSON {
        var root = JSONObject()
        for case (let name, let value?) in values {
            guard let tokens = (try? ArgumentName(name))?.tokens else { continue }
            root = placing(value, at: tokens[...], in: root)
        }
        return .object(root)
    }

    private static func placing(_ value: JSON, at tokens: ArraySlice<String>, in object: JSONObject) -> JSONObject {
        guard let key = tokens.first else { return object }
        var object = object
        if tokens.count == 1 {
            object[key] = value
        } else {
            object[key] = .object(placing(value, at: tokens.dropFirst(), in: object[key]?.object ?? JSONObject()))
        }
        return object
    }
}
