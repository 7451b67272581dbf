/// What must hold besides who, what and where. All that are given must hold.
package struct Conditions: Hashable, Sendable, Codable {
    /// Only tools that their definition calls read-only (`readOnlyHint`).
    package var readOnly: Bool?
    /// Where the caller's socket may be.
    package var networks: [Network]?
    package var hours: Hours?
    /// Tests of top-level arguments, by name.
    package var arguments: [String: ArgumentTest]?

    package init(
        readOnly: Bool? = nil, networks: [Network]? = nil, hours: Hours? = nil, arguments: [String: ArgumentTest]? = nil
    ) {
        self.readOnly = readOnly
        self.networks = networks
        self.hours = hours
        self.arguments = arguments
    }
}

/// `4*` (a pattern over a string), or `<= 1000`, `>= 1`, `< 10`, `> 0` (a bound on a number). Written and sent as its text.
package struct ArgumentTest: Hashable, Sendable, Codable, CustomStringConvertible {
    private enum Kind: Hashable, Sendable {
        case pattern(Pattern)
        case bound(String, Double)
    }

    package let description: String
    private let kind: Kind

    /// - Throws: `bad-argument-test`, `bad-pattern`.
    package init(_ text: String) throws(ModelError) {
        description = text
        guard let comparison = ["<=", ">=", "<", ">"].first(where: { text.hasPrefix($0) }) else {
            kind = .pattern(try Pattern(text, segmented: false))
            return
        }
        let number = text.dropFirst(comparison.count).drop { $0 == " " }
        guard number.utf8.count <= 20, number.utf8.allSatisfy({ (0x2D...0x39).contains($0) && $0 != 0x2F }),
            let bound = Double(number)
        else {
            throw ModelError("bad-argument-test", "`\(text.prefix(60))` compares with no number", hint: "as `<= 1000`")
        }
        kind = .bound(comparison, bound)
    }

    /// Missing for a value of another type than the test's: servers read `"5000"` as 5000 and `[5000]` as they like, so what
    /// it means there is not known here.
    package func holds(for value: JSON) -> Truth {
        switch (kind, value) {
        case (.pattern(let pattern), .string(let text)): return pattern.matches(text) ? .yes : .no
        case (.bound(let comparison, let bound), .number(let number)):
            let value = number.double
            let holds =
                switch comparison {
                case "<=": value <= bound
                case ">=": value >= bound
                case "<": value < bound
                default: value > bound
                }
            return holds ? .yes : .no
        default: return .missing
        }
    }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// What is known about a call beside who makes it and what it aims at.
package struct Facts: Sendable {
    package enum Arguments: Sendable {
        /// A listing: the arguments are not known yet, so an argument condition may or may not hold later.
        case unbound
        case given(JSON)
        /// This kind of call has none.
        case none
    }

    package var now: Instant
    /// The socket's address; nil when unknown.
    package var address: IPAddress?
    /// Whether the tool's definition calls it read-only; nil when there is no definition or it does not say.
    package var readOnly: Bool?
    package var arguments: Arguments
    package var freshness: Freshness

    package init(
        now: Instant, address: IPAddress?, readOnly: Bool? = nil, arguments: Arguments = .none,
        freshness: Freshness = .fresh
    ) {
        self.now = now
        self.address = address
        self.readOnly = readOnly
        self.arguments = arguments
        self.freshness = freshness
    }
}

extension Conditions {
    /// The outcome of all conditions together; the first that does not hold speaks.
    enum Outcome: Hashable {
        case hold
        /// Holds but for argument conditions whose arguments are not bound yet.
        case maybe
        case fails(String)
        case missing(String)
    }

    func outcome(_ facts: Facts) -> Outcome {
        if let readOnly {
            guard let known = facts.readOnly else { return .missing("readOnly: the tool's definition does not say") }
            if known != readOnly { return .fails("readOnly: the tool is \(known ? "" : "not ")read-only") }
        }
        if let networks {
            guard let address = facts.address else { return .missing("networks: the caller's address is not known") }
            if !networks.contains(where: { $0.contains(address) }) {
                return .fails("networks: `\(address)` is outside")
            }
        }
        if let hours {
            switch hours.contain(facts.now) {
            case .yes: break
            case .no: return .fails("hours: `\(facts.now)` is outside `\(hours)`")
            case .missing: return .missing("hours: the time zone of `\(hours)` is not known here")
            }
        }
        guard let arguments, !arguments.isEmpty else { return .hold }
        switch facts.arguments {
        case .unbound: return .maybe
        case .none: return .missing("arguments: this kind of call has none")
        case .given(let values):
            for (name, test) in arguments.sorted(by: { $0.key < $1.key }) {
                guard let value = values[name] else { return .missing("arguments: `\(name)` is not given") }
                switch test.holds(for: value) {
                case .yes: break
                case .no: return .fails("arguments: `\(name)` is not `\(test)`")
                case .missing: return .missing("arguments: `\(name)` is of a type that `\(test)` cannot judge")
                }
            }
            return .hold
        }
    }
}
