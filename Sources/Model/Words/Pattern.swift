/// A pattern over names or URIs: `*` stands for any run of bytes (in a URI: within one path segment), `**` for any run
/// across segments. There is nothing else: no classes, no escapes, no alternatives.
package struct Pattern: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of a text, or a run of unknown bytes.
    fileprivate enum Token: Hashable, Sendable {
        case byte(UInt8)
        case run(crossesSlash: Bool)

        var isRun: Bool { if case .run = self { true } else { false } }

        /// Whether this run can stand for that byte.
        func takes(_ byte: UInt8) -> Bool {
            if case .run(let crosses) = self { crosses || byte != UInt8(ascii: "/") } else { false }
        }
    }

    package let description: String
    /// How many bytes stand before the first run; all of them in a pattern without one.
    let literalLength: Int
    private let isSegmented: Bool
    private let shape: Shape

    /// What has to be known to match without tokens.
    private enum Shape: Hashable, Sendable {
        case literal
        /// Every run is of this one kind.
        case uniform(crossesSlash: Bool)
        case mixed
    }

    /// - Parameter segmented: whether `/` ends what a single `*` stands for (URIs), or is a byte like others (names).
    /// - Throws: `bad-pattern` for an empty pattern, one over 2,048 bytes or one with more than 16 runs.
    package init(_ text: String, segmented: Bool) throws(ModelError) {
        var (count, singles, doubles, literal) = (0, 0, 0, 0)
        // Whether the byte before was a `*` that is not yet half of `**`.
        var isHalf = false
        for byte in text.utf8 {
            guard byte == UInt8(ascii: "*") else {
                isHalf = false
                count += 1
                if singles + doubles == 0 { literal += 1 }
                continue
            }
            if isHalf {
                singles -= 1
                doubles += 1
            } else {
                singles += 1
                count += 1
            }
            isHalf.toggle()
        }
        guard count > 0, count <= 2048, singles + doubles <= 16 else {
            throw ModelError(
                "bad-pattern", "`\(text.prefix(100))` is not a pattern", hint: "1 to 2048 bytes, at most 16 runs of `*`"
            )
        }
        description = text
        literalLength = literal
        isSegmented = segmented
        shape =
            switch (singles, doubles) {
            case (0, 0): .literal
            case (_, _) where !segmented: .uniform(crossesSlash: true)
            case (_, 0): .uniform(crossesSlash: false)
            case (0, _): .uniform(crossesSlash: true)
            default: .mixed
            }
    }

    /// Whether it stands for one text alone.
    var isLiteral: Bool { shape == .literal }

    private var tokens: [Token] {
        var tokens: [Token] = []
        tokens.reserveCapacity(description.utf8.count)
        var isHalf = false
        for byte in description.utf8 {
            guard byte == UInt8(ascii: "*") else {
                tokens.append(.byte(byte))
                isHalf = false
                continue
            }
            if isHalf {
                tokens[tokens.count - 1] = .run(crossesSlash: true)
            } else {
                tokens.append(.run(crossesSlash: !isSegmented))
            }
            isHalf.toggle()
        }
        return tokens
    }

    /// Allocates nothing but for a URI pattern that has both kinds of runs.
    package func matches(_ text: String) -> Bool {
        switch shape {
        case .literal: return sameBytes(description, text)
        case .uniform(let crossesSlash):
            return withBytes(description, text) { isMatch($1, of: $0, crossesSlash: crossesSlash) }
        case .mixed:
            var automaton = Automaton(tokens)
            for byte in text.utf8 {
                guard automaton.take(byte) else { return false }
            }
            return automaton.accepts
        }
    }

    /// Whether every expansion of the URI template (RFC 6570) matches: its expressions are met by runs of this pattern only.
    package func covers(template: String) -> Bool { covers(Self.tokens(ofTemplate: template)) }

    /// Whether everything that the other matches matches.
    package func covers(_ other: Pattern) -> Bool { covers(other.tokens) }

    private func covers(_ other: [Token]) -> Bool {
        var automaton = Automaton(tokens)
        for symbol in other {
            let isAlive =
                switch symbol {
                case .byte(let byte): automaton.take(byte)
                case .run(let crossesSlash): automaton.takeRun(crossesSlash: crossesSlash)
                }
            guard isAlive else { return false }
        }
        return automaton.accepts
    }

    /// Whether some expansion of the URI template (RFC 6570) could match.
    package func overlaps(template: String) -> Bool { overlaps(Self.tokens(ofTemplate: template)) }

    /// Whether some text matches both.
    package func overlaps(_ other: Pattern) -> Bool { overlaps(other.tokens) }

    private func overlaps(_ other: [Token]) -> Bool {
        let tokens = tokens
        // One row for each position in `other`; `row[i]` says whether tokens[i...] and other[j...] share a text.
        var next = [Bool](repeating: false, count: tokens.count + 1)
        for j in stride(from: other.count, through: 0, by: -1) {
            var row = [Bool](repeating: false, count: tokens.count + 1)
            for i in stride(from: tokens.count, through: 0, by: -1) {
                let mine = i < tokens.count ? tokens[i] : nil
                let theirs = j < other.count ? other[j] : nil
                row[i] =
                    switch (mine, theirs) {
                    case (nil, nil): true
                    case (.byte(let a)?, .byte(let b)?): a == b && next[i + 1]
                    case (.byte(let a)?, .run?): next[i] || (theirs?.takes(a) ?? false) && row[i + 1]
                    case (.run?, .byte(let b)?): row[i + 1] || (mine?.takes(b) ?? false) && next[i]
                    case (.run?, .run?): row[i + 1] || next[i]
                    case (.run?, nil): row[i + 1]
                    case (nil, .run?): next[i]
                    case (.byte?, nil), (nil, .byte?): false
                    }
            }
            next = row
        }
        return next[0]
    }

    /// A text that matches, with `filling` where a run stands; nil where a run may not stand for it.
    package func example(_ filling: String) -> String? {
        var bytes: [UInt8] = []
        for token in tokens {
            switch token {
            case .byte(let byte): bytes.append(byte)
            case .run(let crossesSlash):
                guard crossesSlash || !filling.utf8.contains(UInt8(ascii: "/")) else { return nil }
                bytes += Array(filling.utf8)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    package var hasRuns: Bool { tokens.contains(where: \.isRun) }

    /// `{x}` expands within one segment; `{+x}`, `{/x}`, `{x*}` and the other operators may cross slashes.
    private static func tokens(ofTemplate template: String) -> [Token] {
        var tokens: [Token] = []
        var rest = Array(template.utf8)[...]
        // Beyond the last one no brace can close, and none is looked for.
        let lastClose = rest.lastIndex(of: UInt8(ascii: "}")) ?? 0
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "{"), rest.startIndex <= lastClose,
                let close = rest.firstIndex(of: UInt8(ascii: "}"))
            else {
                tokens.append(.byte(byte))
                continue
            }
            let expression = rest[..<close]
            let simple = expression.allSatisfy { isNameByte($0) }
            tokens.append(.run(crossesSlash: !simple))
            rest = rest[(close + 1)...]
        }
        return tokens
    }
}

/// Runs of one kind: each takes as little as it can, and only the last one is ever given more. An earlier one that took more
/// would leave a later one nothing that it cannot have anyway. O(text × pattern).
private func isMatch(
    _ text: UnsafeBufferPointer<UInt8>, of pattern: UnsafeBufferPointer<UInt8>, crossesSlash: Bool
) -> Bool {
    let star = UInt8(ascii: "*")
    var (here, at) = (0, 0)
    /// Where the pattern goes on after the last run, and how far that run reaches.
    var afterRun: Int?
    var reach = 0
    while true {
        if at < pattern.count, pattern[at] == star {
            while at < pattern.count, pattern[at] == star { at += 1 }
            (afterRun, reach) = (at, here)
        } else if here < text.count, at < pattern.count, pattern[at] == text[here] {
            (here, at) = (here + 1, at + 1)
        } else if here == text.count, at == pattern.count {
            return true
        } else {
            guard let afterRun, reach < text.count, crossesSlash || text[reach] != UInt8(ascii: "/") else {
                return false
            }
            reach += 1
            (here, at) = (reach, afterRun)
        }
    }
}

/// The states of a pattern on its way through a text: O(text × tokens) whatever the input, and usually far less, as only
/// the span of states that are still alive is looked at.
private struct Automaton {
    private let tokens: [Pattern.Token]
    /// Whether `tokens[index...]` has still to be met; false outside `alive`.
    private var states: [Bool]
    private var next: [Bool]
    private var alive = 0..<0
    private var lowest = Int.max
    private var highest = 0

    init(_ tokens: [Pattern.Token]) {
        self.tokens = tokens
        states = [Bool](repeating: false, count: tokens.count + 1)
        next = states
        reach(0)
        advance()
    }

    var accepts: Bool { states[tokens.count] }

    /// Returns whether any state is alive still.
    mutating func take(_ byte: UInt8) -> Bool {
        for index in alive where states[index] && index < tokens.count {
            switch tokens[index] {
            case .byte(let mine): if mine == byte { reach(index + 1) }
            case .run: if tokens[index].takes(byte) { reach(index) }
            }
        }
        return advance()
    }

    /// Takes a run of unknown bytes, which only a run of at least its reach can meet.
    mutating func takeRun(crossesSlash: Bool) -> Bool {
        for index in alive where states[index] && index < tokens.count {
            if case .run(let wide) = tokens[index], wide || !crossesSlash { reach(index) }
        }
        return advance()
    }

    /// A run may stand for nothing.
    private mutating func reach(_ state: Int) {
        lowest = min(lowest, state)
        var state = state
        while !next[state] {
            next[state] = true
            highest = max(highest, state)
            guard state < tokens.count, tokens[state].isRun else { return }
            state += 1
        }
    }

    @discardableResult
    private mutating func advance() -> Bool {
        for index in alive { states[index] = false }
        swap(&states, &next)
        alive = lowest > highest ? 0..<0 : lowest..<highest + 1
        lowest = .max
        highest = 0
        return !alive.isEmpty
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
    default: false
    }
}
