import Model

/// One measured figure, and what it has to be. As JSON one line: `{clock, holds, name, peer, peerValue, ratio, target, unit,
/// value}`; numbers are texts, since our JSON holds whole numbers only.
struct Figure: Sendable {
    enum Target: Sendable {
        /// The ratio to the peer, and the value itself, are at least so much.
        case ratioAtLeast(Double, value: Double = 0)
        case ratioAtMost(Double)
        case valueAtMost(Double)
    }

    /// What the time is of: the processor's, which other programs on the machine do not lengthen, or the clock's on the
    /// wall, where waiting is part of the figure.
    enum Clock: String, Sendable { case processor, wall }

    var name: String
    var value: Double
    var unit: String
    var clock: Clock
    var peer: (name: String, value: Double)?
    /// The median of the rounds' own ratios, so that a slow minute of the machine is slow for both.
    var ratio: Double?
    var target: Target

    var holds: Bool {
        switch target {
        case .ratioAtLeast(let least, let value): (ratio ?? 0) >= least && self.value >= value
        case .ratioAtMost(let most): (ratio ?? .infinity) <= most
        case .valueAtMost(let most): value <= most
        }
    }

    var targetText: String {
        switch target {
        case .ratioAtLeast(let least, 0): "at least \(least) x the peer"
        case .ratioAtLeast(let least, let value): "at least \(least) x the peer and \(rounded(value)) \(unit)"
        case .ratioAtMost(let most): "at most \(most) x the peer"
        case .valueAtMost(let most): "at most \(rounded(most)) \(unit)"
        }
    }

    var json: JSON {
        var object = JSONObject([
            ("clock", .string(clock.rawValue)), ("holds", .bool(holds)), ("name", .string(name)),
            ("target", .string(targetText)), ("unit", .string(unit)), ("value", number(value)),
        ])
        if let peer {
            object["peer"] = .string(peer.name)
            object["peerValue"] = number(peer.value)
        }
        if let ratio { object["ratio"] = number(ratio) }
        return .object(object)
    }
}

/// Three significant digits, or whole.
func rounded(_ value: Double) -> String {
    let size = abs(value)
    let places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let text = "\((value * scale).rounded() / scale)"
    return places == 0 ? String(text.prefix { $0 != "." }) : text
}

private func number(_ value: Double) -> JSON { JSONNumber(text: rounded(value)).map(JSON.number) ?? .null }
