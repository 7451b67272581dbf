/// What must hold besides who, what and where. All that are given must hold; they are judged in the order in which they
/// stand here, and the first that does not hold speaks.
package struct Conditions: Hashable, Sendable, Codable {
    /// Only tools that their definition calls read-only (`readOnlyHint`); of a pinned tool, the definition that was approved.
    package var readOnly: Bool?
    /// Where the caller's socket may be.
    package var networks: [Network]?
    package var hours: Hours?
    /// Environments of the organization, as `production`.
    package var environment: [String]?
    /// Whether the caller's zone lies in the server's region.
    package var sameRegion: Bool?
    /// Whether the caller's zone may hold what is classified as the server is.
    package var clearance: Bool?
    /// Tests of arguments, by name or JSON pointer (`ArgumentName`).
    package var arguments: [String: ArgumentTest]?

    package init(
        readOnly: Bool? = nil, networks: [Network]? = nil, hours: Hours? = nil, environment: [String]? = nil,
        sameRegion: Bool? = nil, clearance: Bool? = nil, arguments: [String: ArgumentTest]? = nil
    ) {
        self.readOnly = readOnly
        self.networks = networks
        self.hours = hours
        self.environment = environment
        self.sameRegion = sameRegion
        self.clearance = clearance
        self.arguments = arguments
    }

    /// Whether they compare the caller's zone with the server's.
    package var comparesZones: Bool { sameRegion != nil || clearance != nil }
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

    func outcome(_ request: Request, _ ruleset: Ruleset) -> Outcome {
        let facts = request.facts
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
        if let environment {
            guard let known = ruleset.surroundings.environment else {
                return .missing("environment: the organization names none")
            }
            if !environment.contains(known) { return .fails("environment: this is `\(known)`") }
        }
        if let problem = zones(request, ruleset) { return problem }
        return arguments.map { outcome(of: $0, facts.arguments) } ?? .hold
    }

    /// What keeps `sameRegion` or `clearance` from holding.
    private func zones(_ request: Request, _ ruleset: Ruleset) -> Outcome? {
        guard comparesZones else { return nil }
        let surroundings = ruleset.surroundings
        let caller = request.caller.zone(in: ruleset.organization).flatMap { surroundings.zones[$0] }
        if let sameRegion {
            guard let theirs = caller?.region, let ours = surroundings.zones[ruleset.zone]?.region else {
                return .missing("sameRegion: the region of the caller or of the server is not known")
            }
            if (theirs == ours) != sameRegion { return .fails("sameRegion: the caller is in `\(theirs)`") }
        }
        if let clearance {
            guard let theirs = caller?.classification, let ours = surroundings.classification else {
                return .missing("clearance: the classification of the caller's zone is not known")
            }
            if (theirs >= ours) != clearance { return .fails("clearance: the caller's zone is \(theirs.rawValue)") }
        }
        return nil
    }

    private func outcome(of tests: [String: ArgumentTest], _ arguments: Facts.Arguments) -> Outcome {
        guard !tests.isEmpty else { return .hold }
        switch arguments {
        case .unbound: return .maybe
        case .none: return .missing("arguments: this kind of call has none")
        case .given(let values):
            for (name, test) in tests.sorted(by: { $0.key < $1.key }) {
                let finding = (try? ArgumentName(name))?.find(in: values) ?? .unknown
                switch (test.holds(for: finding), finding) {
                case (.yes, _): break
                case (.no, _): return .fails("arguments: `\(name)` is not `\(test)`")
                case (.missing, .absent): return .missing("arguments: `\(name)` is not given")
                case (.missing, _):
                    return .missing("arguments: `\(name)` is of a type that `\(test)` cannot judge")
                }
            }
            return .hold
        }
    }
}
