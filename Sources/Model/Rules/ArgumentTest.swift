/// What one argument must be. As written and sent:
/// - `4*`, a pattern over a text;
/// - `<= 1000`, or `> 0, <= 1000`: bounds on a number;
/// - `[EUR, USD]`: one of these texts, integers and booleans;
/// - `{ present: true }`: given at all, or not.
package enum ArgumentTest: Hashable, Sendable, CustomStringConvertible {
    case pattern(Pattern)
    case bounds([Bound])
    case oneOf([JSON])
    case present(Bool)

    package struct Bound: Hashable, Sendable {
        fileprivate var comparison: Comparison
        fileprivate var number: DecimalNumber
        /// As it was written, with its comparison.
        fileprivate var text: String

        fileprivate func holds(_ value: DecimalNumber) -> Bool {
            switch comparison {
            case .atMost: value <= number
            case .atLeast: value >= number
            case .below: value < number
            case .above: value > number
            }
        }
    }

    fileprivate enum Comparison: String, CaseIterable {
        // Those that begin like another come first.
        case atMost = "<="
        case atLeast = ">="
        case below = "<"
        case above = ">"
    }

    package static let maximumChoices = 256

    /// A pattern, or bounds.
    /// - Throws: `bad-argument-test`, `bad-pattern`.
    package init(_ text: String) throws(ModelError) {
        guard text.hasPrefix("<") || text.hasPrefix(">") else {
            self = .pattern(try Pattern(text, segmented: false))
            return
        }
        var bounds: [Bound] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            // The first as it is, so that what was written once is written again.
            let written = bounds.isEmpty ? part : part.drop { $0 == " " }
            guard bounds.count < 2, let bound = Bound(written) else {
                throw ModelError(
                    "bad-argument-test", "\(backticked(text)) compares with no number",
                    hint: "as `<= 1000`, or `> 0, <= 1000`")
            }
            bounds.append(bound)
        }
        self = .bounds(bounds)
    }

    /// - Throws: `bad-argument-test` for nothing, too much, or another kind of value than text, integer and boolean.
    package init(oneOf choices: [JSON]) throws(ModelError) {
        guard (1...Self.maximumChoices).contains(choices.count), choices.allSatisfy(isChoice) else {
            throw ModelError(
                "bad-argument-test", "\(choices.count) values are no choice for an argument",
                hint: "1 to \(Self.maximumChoices) texts, integers and booleans")
        }
        self = .oneOf(choices)
    }

    /// In one line, for people; the text itself of a pattern or of bounds.
    package var description: String {
        switch self {
        case .pattern(let pattern): pattern.description
        case .bounds(let bounds): bounds.map(\.text).joined(separator: ", ")
        case .oneOf(let choices): "one of \(choices.map(\.description).joined(separator: ", "))"
        case .present(let isPresent): isPresent ? "given" : "not given"
        }
    }

    /// Missing for a value of another type than the test's: servers read `"5000"` as 5000 and `[5000]` as they like, so what
    /// it means there is not known here. Null may be the same as nothing.
    package func holds(for finding: ArgumentName.Finding) -> Truth {
        switch (self, finding) {
        case (_, .unknown), (_, .given(.null)): .missing
        case (.present(let wanted), .given): wanted ? .yes : .no
        case (.present(let wanted), .absent): wanted ? .no : .yes
        case (_, .absent): .missing
        case (.pattern(let pattern), .given(.string(let text))): pattern.matches(text) ? .yes : .no
        case (.bounds(let bounds), .given(.number(let number))):
            DecimalNumber(number.text).map { value in bounds.allSatisfy { $0.holds(value) } ? .yes : .no } ?? .missing
        case (.oneOf(let choices), .given(let value)): isOne(of: choices, value)
        case (.pattern, .given), (.bounds, .given): .missing
        }
    }
}

/// Missing where every choice is of another type.
private func isOne(of choices: [JSON], _ value: JSON) -> Truth {
    let alike = choices.filter { $0.kind == value.kind }
    guard !alike.isEmpty else { return .missing }
    guard case .number(let number) = value else { return alike.contains(value) ? .yes : .no }
    guard let decimal = DecimalNumber(number.text) else { return .missing }
    return alike.contains { $0.number.flatMap { DecimalNumber($0.text) } == decimal } ? .yes : .no
}

private func isChoice(_ value: JSON) -> Bool {
    switch value {
    case .string, .bool: true
    case .number(let number): number.integer != nil
    case .null, .array, .object: false
    }
}

extension ArgumentTest.Bound {
    fileprivate init?(_ text: Substring) {
        guard let comparison = ArgumentTest.Comparison.allCases.first(where: { text.hasPrefix($0.rawValue) }) else {
            return nil
        }
        let number = text.dropFirst(comparison.rawValue.count).drop { $0 == " " }
        guard number.utf8.count <= 20, !number.contains(where: { $0 == "e" || $0 == "E" }),
            let value = DecimalNumber(number)
        else { return nil }
        self.init(comparison: comparison, number: value, text: String(text))
    }
}

extension ArgumentTest: Codable {
    private struct Presence: Codable { var present: Bool }

    package init(from decoder: any Decoder) throws {
        let json = try JSON(from: decoder)
        switch json {
        case .string(let text): try self.init(text)
        case .array(let choices): try self.init(oneOf: choices)
        case .object: self = .present(try JSONCoding.decode(Presence.self, from: json).present)
        case .null, .bool, .number:
            throw ModelError("bad-argument-test", "a \(json.kind) is no test of an argument")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .pattern, .bounds:
            var container = encoder.singleValueContainer()
            try container.encode(description)
        case .oneOf(let choices): try choices.encode(to: encoder)
        case .present(let isPresent): try Presence(present: isPresent).encode(to: encoder)
        }
    }
}
