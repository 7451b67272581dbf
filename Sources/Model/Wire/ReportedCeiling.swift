/// In a report: what the host's owner takes away (`ceiling:` of `spoke.yaml`). Told so that answers can say what really
/// holds on that host; the hub has no say in it.
package struct ReportedCeiling: Hashable, Sendable, Codable {
    /// A larger one, in bytes of JSON, is told by its number of rules alone.
    package static let maximumBytes = 64 << 10

    /// How many rules it has; 0 for no ceiling, or one of limits only.
    package var rules: Int64
    /// With file and line of each rule, without its reason; nil for none, and for one that is too large to tell.
    package var ceiling: Ceiling?

    /// - Parameter ceiling: the host's; nil where it has none.
    package init(_ ceiling: Ceiling?) {
        rules = Int64(ceiling?.rules.count ?? 0)
        var told = ceiling
        // Free text is the host's own.
        for index in (told?.rules ?? []).indices { told?.rules[index].reason = nil }
        let size = told.flatMap { try? JSONCoding.canonical($0).count } ?? 0
        self.ceiling = size <= Self.maximumBytes ? told : nil
    }

    /// Whether it is known in full.
    package var isWhole: Bool { rules == 0 || ceiling != nil }
}

/// A server on one of the spokes that it is placed on, and everything that decides about it there.
package struct PlacedRuleset: Sendable {
    package enum Ceiling: Hashable, Sendable {
        /// The host has none.
        case none
        /// The ruleset is under it.
        case known
        /// The spoke has not told, or it was too large to tell: whatever the ruleset allows, the host may refuse.
        case unknown
    }

    /// Full name of the spoke.
    package var spoke: String
    package var ruleset: Ruleset
    package var ceiling: Ceiling
}

extension Ruleset {
    /// This ruleset as each spoke of the server enforces it: under what the host's owner takes away there.
    /// - Parameters:
    ///   - spokes: short names of the spokes that the server is placed on.
    ///   - ceilings: what spokes reported, by full name.
    package func placed(on spokes: [String], under ceilings: [String: ReportedCeiling]) -> [PlacedRuleset] {
        spokes.map { name in
            let spoke = "\(zone)/\(name)"
            guard let told = ceilings[spoke], told.isWhole else {
                return PlacedRuleset(spoke: spoke, ruleset: self, ceiling: .unknown)
            }
            guard let ceiling = told.ceiling else { return PlacedRuleset(spoke: spoke, ruleset: self, ceiling: .none) }
            return PlacedRuleset(spoke: spoke, ruleset: ceiling.over(self), ceiling: .known)
        }
    }
}
