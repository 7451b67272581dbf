/// What must hold besides who, what and where. All that are given must hold; they are judged in the order in which they
/// stand here. The first that fails speaks; where none fails, the first that cannot be judged.
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
    /// The outcome of all conditions together: one that fails decides, whatever else cannot be judged.
    enum Outcome {
        case hold
        /// Holds but for argument conditions whose arguments are not bound yet.
        case maybe
        case fails(Problem)
        case missing(Problem)
    }

    func outcome(_ request: Request, _ ruleset: Ruleset) -> Outcome {
        let facts = request.facts
        var missing: Problem?
        if let readOnly {
            switch facts.readOnly {
            case readOnly: break
            case let known?: return .fails(.readOnly(known))
            case nil: missing = .readOnlyUnknown
            }
        }
        if let networks {
            if let address = facts.address {
                if !networks.contain(address) { return .fails(.network(address)) }
            } else {
                missing = missing ?? .addressUnknown
            }
        }
        if let hours, hours.contain(facts.now) != .yes { return .fails(.hours(hours, facts.now)) }
        if let environment {
            if let known = ruleset.surroundings.environment {
                if !environment.contains(known) { return .fails(.environment(known)) }
            } else {
                missing = missing ?? .environmentUnknown
            }
        }
        if comparesZones {
            switch zones(request, ruleset) {
            case .hold, .maybe: break
            case .fails(let problem): return .fails(problem)
            case .missing(let problem): missing = missing ?? problem
            }
        }
        let last = arguments.map { outcome(of: $0, facts.arguments) } ?? .hold
        switch last {
        case .fails: return last
        case .hold, .maybe, .missing: return missing.map(Outcome.missing) ?? last
        }
    }

    /// Of `sameRegion` and `clearance`.
    private func zones(_ request: Request, _ ruleset: Ruleset) -> Outcome {
        let surroundings = ruleset.surroundings
        let caller = request.caller.zone(in: ruleset.organization).flatMap { surroundings.zones[$0] }
        var missing: Problem?
        if let sameRegion {
            if let theirs = caller?.region, let ours = surroundings.zones[ruleset.zone]?.region {
                if (theirs == ours) != sameRegion { return .fails(.region(theirs)) }
            } else {
                missing = .regionUnknown
            }
        }
        if let clearance {
            if let theirs = caller?.classification, let ours = surroundings.classification {
                if (theirs >= ours) != clearance { return .fails(.clearance(theirs)) }
            } else {
                missing = missing ?? .clearanceUnknown
            }
        }
        return missing.map(Outcome.missing) ?? .hold
    }

    private func outcome(of tests: [String: ArgumentTest], _ arguments: Facts.Arguments) -> Outcome {
        guard !tests.isEmpty else { return .hold }
        switch arguments {
        case .unbound: return .maybe
        case .none: return .missing(.noArguments)
        case .given(let values):
            var missing: Problem?
            for (name, test) in tests.sorted(by: { $0.key < $1.key }) {
                let finding = (try? ArgumentName(name))?.find(in: values) ?? .unknown
                switch (test.holds(for: finding), finding) {
                case (.yes, _): break
                case (.no, _): return .fails(.argument(name, test))
                case (.missing, .absent): missing = missing ?? .argumentAbsent(name)
                case (.missing, _): missing = missing ?? .argumentType(name, test)
                }
            }
            return missing.map(Outcome.missing) ?? .hold
        }
    }
}

extension Conditions {
    /// Why a condition does not hold, or cannot be judged. Put into words only for who asks.
    package enum Problem: Hashable, Sendable, CustomStringConvertible {
        case readOnlyUnknown
        case readOnly(Bool)
        case addressUnknown
        case network(IPAddress)
        case hours(Hours, Instant)
        case environmentUnknown
        case environment(String)
        case regionUnknown
        case region(String)
        case clearanceUnknown
        case clearance(Classification)
        case noArguments
        case argument(String, ArgumentTest)
        case argumentAbsent(String)
        case argumentType(String, ArgumentTest)
        /// In a conversation's upkeep: the condition speaks of the call.
        case dependsOnCall
        case principalUnknown(Principal)

        package var description: String {
            switch self {
            case .readOnlyUnknown: "readOnly: the tool's definition does not say"
            case .readOnly(let isReadOnly): "readOnly: the tool is \(isReadOnly ? "" : "not ")read-only"
            case .addressUnknown: "networks: the caller's address is not known"
            case .network(let address): "networks: `\(address)` is outside"
            case .hours(let hours, let now): "hours: `\(now)` is outside `\(hours)`"
            case .environmentUnknown: "environment: the organization names none"
            case .environment(let name): "environment: this is `\(name)`"
            case .regionUnknown: "sameRegion: the region of the caller or of the server is not known"
            case .region(let name): "sameRegion: the caller is in `\(name)`"
            case .clearanceUnknown: "clearance: the classification of the caller's zone is not known"
            case .clearance(let classification): "clearance: the caller's zone is \(classification.rawValue)"
            case .noArguments: "arguments: this kind of call has none"
            case .argument(let name, let test): "arguments: `\(name)` is not `\(test)`"
            case .argumentAbsent(let name): "arguments: `\(name)` is not given"
            case .argumentType(let name, let test):
                "arguments: `\(name)` is of a type that `\(test)` cannot judge"
            case .dependsOnCall: "depends on the call"
            case .principalUnknown(let principal): "whether the caller is `\(principal)` is not known"
            }
        }
    }
}
