/// One line of an answer to who may use what: capabilities that one rule allows to one principal on one server.
package struct AccessRow: Hashable, Sendable, Codable {
    package var principal: Principal
    /// Full name.
    package var server: String
    package var capabilities: [CapabilityPattern]
    /// Nil where no rule allows it, and it passes while the server is only observed.
    package var rule: String?
    /// Whom the rule names, where that is more than the principal.
    package var through: Principal?
    /// What must hold, as a person reads it.
    package var conditions: [String]
    /// What denies, revocations and the host take away from it, with their names.
    package var exceptions: [String]
    package var place: Place?

    package init(
        principal: Principal, server: String, capabilities: [CapabilityPattern], rule: String?,
        through: Principal? = nil, conditions: [String] = [], exceptions: [String] = [], place: Place? = nil
    ) {
        self.principal = principal
        self.server = server
        self.capabilities = capabilities
        self.rule = rule
        self.through = through
        self.conditions = conditions
        self.exceptions = exceptions
        self.place = place
    }
}

/// Who may use what of one server at one moment, and under which conditions. Complete: a principal has a row for a capability
/// exactly where `decide` allows some call of theirs, under some facts.
package struct AccessList {
    private let ruleset: Ruleset
    private let search: CallSearch
    /// Of each part of the question that is asked again and again.
    private let patterns: [CapabilityPattern]

    /// - Parameters:
    ///   - now: rules that begin later or have ended allow nothing; at which hours is a condition.
    ///   - budget: when it is spent, what was not tried out is listed, and says so.
    package init(_ ruleset: Ruleset, at now: Instant, budget: SearchBudget = SearchBudget()) {
        let frozen = ruleset.frozen(at: now)
        self.ruleset = frozen
        search = CallSearch([frozen], now: now, fresh: freshText(in: [frozen]), budget: budget)
        patterns = Set(
            (frozen.rules + frozen.ceiling).flatMap(\.capabilities) + frozen.masks.flatMap(\.capabilities)
        ).sorted { $0.description < $1.description }
    }

    /// Everyone whom a rule singles out, by name or as one of many; anyone at all where the server is only observed.
    package var principals: [Principal] {
        let named =
            (ruleset.rules + ruleset.ceiling).flatMap { $0.to + ($0.except ?? []) } + ruleset.masks.map(\.principal)
        let others: [Principal] = ruleset.observedUntil == nil ? [] : [.anyone]
        return Set(named + others).sorted { $0.description < $1.description }
    }

    /// - Parameters:
    ///   - groups: what is known of a person's groups.
    ///   - capability: nil for everything.
    package func rows(
        of principal: Principal, groups: Set<String> = [], capability: Capability? = nil
    ) -> [AccessRow] {
        let callers = principal.representatives(fresh: search.fresh, of: [ruleset], groups: groups)
        let besides =
            principal.isPerson
            ? principal.besides(spared, fresh: search.fresh, of: [ruleset], groups: groups) : []
        var rows: [AccessRow] = []
        for rule in ruleset.rules where rule.effect == .allow {
            let asked = rule.capabilities.filter { pattern in capability.map(pattern.matches) ?? true }
            guard !asked.isEmpty else { continue }
            let known = rule.to.filter { named in
                callers.contains { caller in
                    caller.parts.contains { named.names($0, of: caller, organization: ruleset.organization) == .yes }
                }
            }
            // A person's client is not asked for here, whoever names it.
            for named in known where concerns(principal, named) {
                let edge = only(rule, named)
                var found: [(pattern: CapabilityPattern, possibility: Possibility)] = []
                var refused: [CapabilityPattern] = []
                for pattern in asked {
                    let possibility = likeliest(pattern, capability) { can(rule, edge, callers, $0) }
                    if possibility == .no { refused.append(pattern) } else { found.append((pattern, possibility)) }
                }
                func note(_ held: [CapabilityPattern], _ conditions: [String]) {
                    guard !held.isEmpty else { return }
                    rows.append(
                        AccessRow(
                            principal: principal, server: ruleset.server, capabilities: held, rule: rule.id,
                            through: named == principal ? nil : named,
                            conditions: rule.conditionTexts + ruleset.admissionTexts(of: principal) + conditions,
                            exceptions: exceptions(named, principal, held, capability),
                            place: rule.place))
                }
                note(found.map(\.pattern), found.map(\.possibility).untried)
                // Each of the others has a line of its own unless it takes both.
                for other in refused.isEmpty ? [] : besides {
                    let held = refused.filter { pattern in
                        likeliest(pattern, capability) { can(rule, edge, other.callers, $0) } == .yes
                    }
                    note(held, [other.text])
                }
            }
        }
        return rows + observed(principal, callers, capability)
    }

    /// People whom a denial spares, or whom the host's ceiling lets in.
    private var spared: [Principal] {
        let rules = ruleset.rules.filter { $0.effect == .deny } + ruleset.ceiling
        return rules.flatMap { $0.effect == .deny ? $0.except ?? [] : $0.to }.filter(\.isPerson)
    }

    /// Workloads are named by what names workloads, people by what names people.
    private func concerns(_ principal: Principal, _ named: Principal) -> Bool {
        principal == .anyone ? named == .anyone : named == .anyone || principal.isPerson == named.isPerson
    }

    private func likeliest(
        _ pattern: CapabilityPattern, _ asked: Capability?, _ judge: (Capability) -> Possibility
    ) -> Possibility {
        if let asked { return judge(asked) }
        return capabilityExamples(
            of: pattern, among: patterns, tools: ruleset.pinning?.approved.keys.sorted() ?? [], fresh: search.fresh
        ).likeliest(judge)
    }

    /// Of all allows that one edge of that one rule, with all denies and everything else.
    private func only(_ rule: Rule, _ named: Principal) -> Ruleset {
        var edge = rule
        edge.to = [named]
        var alone = ruleset
        alone.observedUntil = nil
        alone.rules = ruleset.rules.filter { $0.effect == .deny } + [edge]
        return alone
    }

    /// Whether an edge of that rule lets some call through.
    private func can(_ rule: Rule, _ edge: Ruleset, _ callers: [Caller], _ capability: Capability) -> Possibility {
        callers.likeliest { caller in
            let edge = caller.user == nil ? edge : edge.admitting(caller.workload)
            // Only the edge itself counts: a client that comes in for a person is no witness of its own.
            return decides(caller, capability) { request in
                guard case .allow(let permit) = decide(request, under: edge) else { return false }
                return permit.rules.contains(rule.id)
            }
        }
    }

    private func decides(
        _ caller: Caller, _ capability: Capability, _ holds: (Request) -> Bool
    ) -> Possibility {
        switch search.first(caller, capability, where: holds) {
        case .found: .yes
        case .none: .no
        // Whoever asks who can must not miss anybody.
        case .tooMany: .untried
        }
    }

    /// Who gets through although no rule allows it, while the server is only observed.
    private func observed(_ principal: Principal, _ callers: [Caller], _ capability: Capability?) -> [AccessRow] {
        guard ruleset.observedUntil != nil, let everything = try? CapabilityPattern("*") else { return [] }
        let callers = principal.isPerson ? callers + throughClients(callers.compactMap(\.user).first) : callers
        let passes = likeliest(everything, capability) { example in
            callers.likeliest { caller in
                decides(caller, example) { request in
                    guard case .allow(let permit) = decide(request, under: ruleset) else { return false }
                    return permit.wouldDeny != nil
                }
            }
        }
        guard passes != .no else { return [] }
        return [
            AccessRow(
                principal: principal, server: ruleset.server, capabilities: [everything], rule: nil,
                conditions: ["while the server is only observed"] + ruleset.admissionTexts(of: principal)
                    + [passes].untried,
                exceptions: denials(of: principal, [everything], capability) { $0.zone == nil })
        ]
    }

    /// A person through a client of each kind that rules tell apart: one that no rule lets in passes with them.
    private func throughClients(_ user: Caller.User?) -> [Caller] {
        let named = (ruleset.rules + ruleset.ceiling).flatMap { $0.to + ($0.except ?? []) }
        let workloads = ([.anyone] + named.filter { !$0.isPerson }).flatMap {
            $0.representatives(fresh: search.fresh, of: [ruleset])
        }.filter { $0.user == nil }
        var seen: Set<SPIFFEID?> = []
        return workloads.filter { seen.insert($0.workload).inserted }.map { Caller(workload: $0.workload, user: user) }
    }

    // MARK: texts

    private func exceptions(
        _ named: Principal, _ principal: Principal, _ held: [CapabilityPattern], _ capability: Capability?
    ) -> [String] {
        let taken = ruleset.masks.filter { mask in
            mask.principal == named && mask.capabilities.contains { touches($0, held, capability) }
        }.map { mask in
            "not \(capabilitiesText(mask.capabilities)) (\(mask.cause == .revoked ? "revoked" : "lapsed"), \(mask.id))"
        }
        let host = ruleset.ceiling.contains { $0.effect == .allow } ? ["within the host's ceiling"] : []
        return taken + denials(of: principal, held, capability) { _ in true } + host
    }

    /// Denies that could concern some call of the principal's.
    private func denials(
        of principal: Principal, _ held: [CapabilityPattern], _ capability: Capability?,
        where isMeant: (Rule) -> Bool
    ) -> [String] {
        (ruleset.ceiling + ruleset.rules).filter { deny in
            deny.effect == .deny && isMeant(deny)
                && deny.capabilities.contains { touches($0, held, capability) }
                && deny.to.contains { $0.sharesCallers(with: principal) }
                && !(deny.except ?? []).contains { $0.covers(principal) }
        }.map { deny in
            let whom = deny.to.contains { $0 == .anyone || $0 == principal } ? "" : " for \(list(deny.to))"
            let spared = (deny.except ?? []).filter { $0.sharesCallers(with: principal) }
            let but = spared.isEmpty ? "" : " except \(list(spared))"
            var bare = deny
            bare.except = nil
            let when = bare.conditionTexts.joined(separator: "; ")
            let what = capability.map(\.description) ?? capabilitiesText(deny.capabilities)
            return "not \(what)\(whom)\(but)\(when.isEmpty ? "" : " where \(when)") (\(deny.id))"
        }
    }

    private func touches(
        _ pattern: CapabilityPattern, _ held: [CapabilityPattern], _ capability: Capability?
    ) -> Bool {
        capability.map(pattern.matches) ?? held.contains { $0.overlaps(pattern) }
    }

    private func list(_ principals: [Principal]) -> String { principals.map(\.description).joined(separator: ", ") }
}

/// Whether some call is allowed.
private enum Possibility {
    case no
    /// There are more kinds of calls than were tried.
    case untried
    case yes
}

extension Sequence {
    /// The first `yes` ends it.
    fileprivate func likeliest(_ judge: (Element) -> Possibility) -> Possibility {
        var likeliest = Possibility.no
        for element in self {
            switch judge(element) {
            case .yes: return .yes
            case .untried: likeliest = .untried
            case .no: break
            }
        }
        return likeliest
    }
}

extension [Possibility] {
    fileprivate var untried: [String] { contains(.untried) ? [untriedText] : [] }
}

/// Said where the kinds of calls are too many.
let untriedText = "not tried out to the end: too many kinds of calls"

extension Principal {
    /// Whether it names people, and not workloads.
    package var isPerson: Bool {
        switch self {
        case .user, .group: true
        case .client, .zone, .domain, .spiffe, .anyone: false
        }
    }

    /// Whether it names one caller.
    var isOne: Bool {
        switch self {
        case .client, .user: true
        case .spiffe(let pattern): !pattern.hasRuns
        case .zone, .group, .domain, .anyone: false
        }
    }
}

/// `tool:read_* resource:ledger://**`
package func capabilitiesText(_ capabilities: [CapabilityPattern]) -> String {
    capabilities.map(\.description).joined(separator: " ")
}
