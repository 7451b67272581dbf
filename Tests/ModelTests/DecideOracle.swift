import Foundation
import Model

/// What `decide` must say, written from the meaning of rules in Docs/Policy.md alone, naively and sharing no code with it:
/// texts are compared as texts, patterns are matched by trying every split. Only answers to the same small question are
/// remembered, so that millions of decisions end in minutes.
final class Oracle {
    enum Verdict: Int { case deny, wouldDeny, allow }

    private var spoken: [String: Bool] = [:]
    private var within: [String: Bool] = [:]
    private var truths: [String: Bool?] = [:]

    func verdict(_ request: Request, under ruleset: Ruleset) -> Verdict {
        guard let address = request.facts.address?.description,
            ruleset.networks.contains(where: { inside(address, $0.description) })
        else { return .deny }
        if let callers = ruleset.callers {
            let id = request.caller.workload?.description ?? ""
            if !callers.contains(where: { id.hasPrefix("spiffe://\($0)/") }) { return .deny }
        }
        if request.facts.freshness == .expired { return .deny }
        // What a pinned tool's definition says counts only when it is the approved one.
        var request = request
        if let pinning = ruleset.pinning, let tool = tool(request.aim), "\(pinning.mode)" != "off" {
            var says: [Bool?] = []
            var isApproved = false
            for (index, digest) in request.facts.definitions.enumerated() {
                let found = pinning.approved.values.joined().filter { $0.name == tool && $0.digest == digest }
                isApproved = (index == 0 || isApproved) && !found.isEmpty
                says += found.map(\.readOnly)
            }
            let agreed = isApproved && says.allSatisfy { $0 == says[0] }
            request.facts.readOnly = agreed ? says[0] : nil
            if !isApproved, "\(pinning.mode)" == "enforce" { return .deny }
        }
        if request.facts.freshness == .readOnly, tool(request.aim) != nil, request.facts.readOnly != true {
            return .deny
        }
        var parts: [Caller] = []
        if let workload = request.caller.workload { parts.append(Caller(workload: workload)) }
        if let user = request.caller.user { parts.append(Caller(user: user)) }
        if parts.isEmpty { return .deny }

        // The host's ceiling, before anything else.
        if denies(ruleset.ceiling, parts, request, ruleset) { return .deny }
        if ruleset.ceiling.contains(where: { $0.effect == .allow }) {
            for part in parts where !allows(ruleset.ceiling, part, [], request, ruleset) { return .deny }
        }
        let isDenied = denies(ruleset.rules, parts, request, ruleset)
        if !isDenied, parts.allSatisfy({ allows(ruleset.rules, $0, ruleset.masks, request, ruleset) }) { return .allow }
        guard let until = ruleset.observedUntil, request.facts.now < until else { return .deny }
        // While a server is observed, the organization's denials and revocations hold.
        let organization = ruleset.rules.filter { !$0.id.contains("/") }
        if denies(organization, parts, request, ruleset) { return .deny }
        for part in parts
        where !allows(ruleset.rules, part, ruleset.masks, request, ruleset)
            && ruleset.rules.contains(where: { isTaken($0, part, request, ruleset) })
        {
            return .deny
        }
        // What was revoked stays so, also when the rule that had granted it is gone.
        for mask in ruleset.masks where parts.contains(where: { truth(mask.principal, $0, ruleset) != false }) {
            if takes(mask, mask.principal, request, ruleset) { return .deny }
        }
        return .wouldDeny
    }

    private func denies(_ rules: [Rule], _ parts: [Caller], _ request: Request, _ ruleset: Ruleset) -> Bool {
        for part in parts {
            for rule in rules where rule.effect == .deny && exists(rule, request, ruleset) {
                guard rule.capabilities.contains(where: { speaks($0.description, request.aim) }) else { continue }
                let named = rule.to.contains { truth($0, part, ruleset) != false }
                let excepted = (rule.except ?? []).contains { truth($0, part, ruleset) == true }
                if named, !excepted, conditions(rule, request, ruleset) != false { return true }
            }
        }
        return false
    }

    private func allows(
        _ rules: [Rule], _ part: Caller, _ masks: [Mask], _ request: Request, _ ruleset: Ruleset
    ) -> Bool {
        for rule in rules where rule.effect == .allow && exists(rule, request, ruleset) {
            guard rule.capabilities.contains(where: { speaks($0.description, request.aim) }) else { continue }
            let free = rule.to.filter { truth($0, part, ruleset) == true }.filter { principal in
                !masks.contains { takes($0, principal, request, ruleset) }
            }
            let excepted = (rule.except ?? []).contains { truth($0, part, ruleset) != false }
            if !free.isEmpty, !excepted, conditions(rule, request, ruleset) == true { return true }
        }
        return false
    }

    /// Whether masks took every grant of the rule to that part.
    private func isTaken(_ rule: Rule, _ part: Caller, _ request: Request, _ ruleset: Ruleset) -> Bool {
        guard rule.effect == .allow, exists(rule, request, ruleset),
            rule.capabilities.contains(where: { speaks($0.description, request.aim) }),
            !(rule.except ?? []).contains(where: { truth($0, part, ruleset) != false })
        else { return false }
        let through = rule.to.filter { truth($0, part, ruleset) == true }
        return !through.isEmpty
            && through.allSatisfy { principal in
                ruleset.masks.contains { takes($0, principal, request, ruleset) }
            }
    }

    private func takes(_ mask: Mask, _ principal: Principal, _ request: Request, _ ruleset: Ruleset) -> Bool {
        mask.principal.description == principal.description && mask.server == ruleset.server
            && mask.at <= request.facts.now && mask.capabilities.contains { speaks($0.description, request.aim) }
    }

    private func exists(_ rule: Rule, _ request: Request, _ ruleset: Ruleset) -> Bool {
        (rule.from.map { $0 <= request.facts.now } ?? true) && (rule.until.map { request.facts.now < $0 } ?? true)
            && (rule.servers.map { $0.contains(ruleset.server) } ?? true)
    }

    private func tool(_ aim: Aim) -> String? {
        switch aim {
        case .use(let capability) where capability.kind == .tool: capability.name
        case .task(let tool): tool
        default: nil
        }
    }

    private func speaks(_ pattern: String, _ aim: Aim) -> Bool {
        let capability: Capability
        switch aim {
        case .use(let used): capability = used
        case .subscription(let uri): capability = Capability(.resource, uri)
        case .task(let tool): capability = Capability(.tool, tool)
        default: return false
        }
        if pattern == "*" { return true }
        return remembered(&spoken, "\(pattern) \(capability.kind.rawValue) \(capability.name)") {
            self.speaks(pattern, capability)
        }
    }

    private func speaks(_ pattern: String, _ capability: Capability) -> Bool {
        let kind = pattern.components(separatedBy: ":")[0]
        let rest = String(pattern.dropFirst(kind.count + 1))
        return kind == capability.kind.rawValue
            && Self.glob(Array(rest), Array(capability.name), segments: capability.kind == .resource)
    }

    static func glob(_ pattern: [Character], _ text: [Character], segments: Bool) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first != "*" {
            return text.first == first && glob(Array(pattern.dropFirst()), Array(text.dropFirst()), segments: segments)
        }
        let double = pattern.count > 1 && pattern[1] == "*"
        let rest = Array(pattern.dropFirst(double ? 2 : 1))
        for length in 0...text.count {
            if segments, !double, text.prefix(length).contains("/") { break }
            if glob(rest, Array(text.dropFirst(length)), segments: segments) { return true }
        }
        return false
    }

    /// nil where a fact is missing.
    private func truth(_ principal: Principal, _ part: Caller, _ ruleset: Ruleset) -> Bool? {
        // Callers of the small worlds differ in their keys.
        let text = principal.description
        return remembered(&truths, "\(text) \(part.key)") { self.truth(text, part, ruleset) }
    }

    private func truth(_ text: String, _ part: Caller, _ ruleset: Ruleset) -> Bool? {
        let id = part.workload?.description ?? ""
        if text == "anyone" { return true }
        if text.hasPrefix("client:") {
            let names = text.dropFirst(7).components(separatedBy: "/")
            return id == "spiffe://\(names[0]).\(ruleset.organization)/client/\(names[1])"
        }
        if text.hasPrefix("zone:") {
            return id.hasPrefix("spiffe://\(text.dropFirst(5)).\(ruleset.organization)/client/")
        }
        if text.hasPrefix("domain:") { return id.hasPrefix("spiffe://\(text.dropFirst(7))/") }
        if text.hasPrefix("spiffe://") { return Self.glob(Array(text), Array(id), segments: true) && !id.isEmpty }
        guard let user = part.user else { return false }
        if text.hasPrefix("user:") { return user.address.map { "user:\($0)" == text } }
        return user.groups.map { $0.contains(String(text.dropFirst(6))) }
    }

    /// False where some condition fails, whatever else is missing; else nil where a fact is missing.
    private func conditions(_ rule: Rule, _ request: Request, _ ruleset: Ruleset) -> Bool? {
        guard let when = rule.when else { return true }
        var found: [Bool?] = []
        if let readOnly = when.readOnly { found.append(request.facts.readOnly.map { $0 == readOnly }) }
        if let networks = when.networks {
            let address = request.facts.address?.description
            found.append(address.map { address in networks.contains { inside(address, $0.description) } })
        }
        if let environment = when.environment {
            found.append(ruleset.surroundings.environment.map { fact in environment.contains { $0 == fact } })
        }
        let zones = ruleset.surroundings.zones.values
        let id = request.caller.workload?.description ?? ""
        let caller = zones.filter { id.hasPrefix("spiffe://\($0.name).\(ruleset.organization)/") }.first
        if let sameRegion = when.sameRegion {
            let own = zones.filter { ruleset.server.hasPrefix("\($0.name)/") }.first
            if let one = caller?.region, let other = own?.region {
                found.append(sameRegion ? one == other : one != other)
            } else {
                found.append(nil)
            }
        }
        if let clearance = when.clearance {
            let order = ["public", "internal", "confidential", "restricted"]
            if let theirs = caller.flatMap({ order.firstIndex(of: $0.classification.rawValue) }),
                let ours = ruleset.surroundings.classification.flatMap({ order.firstIndex(of: $0.rawValue) })
            {
                found.append(clearance ? theirs >= ours : theirs < ours)
            } else {
                found.append(nil)
            }
        }
        let tests = when.arguments ?? [:]
        if case .task = request.aim, !tests.isEmpty {
            // They were judged when the task began: an allow's held, and a deny's did not all hold.
            found.append(rule.effect == .allow)
        } else {
            for (name, test) in tests {
                if case .given(let arguments) = request.facts.arguments {
                    found.append(OracleArguments.holds(test, name, arguments))
                } else {
                    found.append(nil)
                }
            }
        }
        return found.contains(false) ? false : found.contains(nil) ? nil : true
    }

    private func inside(_ address: String, _ network: String) -> Bool {
        remembered(&within, "\(address) \(network)") { self.isInside(address, network) }
    }

    private func isInside(_ address: String, _ network: String) -> Bool {
        let bits = { (text: String) in
            text.components(separatedBy: ".").compactMap { Int($0) }.map { number in
                String(String(number + 256, radix: 2).dropFirst())
            }.joined()
        }
        let parts = network.components(separatedBy: "/")
        guard let prefix = Int(parts[1]) else { return false }
        return bits(address).prefix(prefix) == bits(parts[0]).prefix(prefix)
    }

    private func remembered<Answer>(
        _ answers: inout [String: Answer], _ question: String, _ answer: () -> Answer
    ) -> Answer {
        if let known = answers[question] { return known }
        let found = answer()
        answers[question] = found
        return found
    }
}

/// Tests of arguments, from their form on the wire.
enum OracleArguments {
    /// nil where it cannot be known.
    static func holds(_ test: ArgumentTest, _ name: String, _ arguments: JSON) -> Bool? {
        guard let wanted = try? JSONCoding.encode(test) else { return nil }
        var value: JSON? = arguments
        let way = name.hasPrefix("/") ? name.dropFirst().components(separatedBy: "/") : [name]
        for step in way {
            let step = step.replacing("~1", with: "/").replacing("~0", with: "~")
            guard let here = value else { break }
            if let object = here.object {
                value = object[step]
            } else if let array = here.array, let index = Int(step), "\(index)" == step, index >= 0 {
                value = index < array.count ? array[index] : nil
            } else {
                return nil
            }
        }
        if let value, value.isNull { return nil }
        if let present = wanted["present"]?.bool { return (value != nil) == present }
        guard let value else { return nil }
        if let choices = wanted.array {
            let alike = choices.filter { $0.kind == value.kind }
            if alike.isEmpty { return nil }
            return alike.contains { number($0).map { $0 == number(value) } ?? ($0 == value) }
        }
        guard let text = wanted.string else { return nil }
        guard text.hasPrefix("<") || text.hasPrefix(">") else {
            return value.string.map { Oracle.glob(Array(text), Array($0), segments: false) }
        }
        guard let given = number(value) else { return nil }
        return text.components(separatedBy: ",").allSatisfy { part in
            let sign = part.filter { "<>=".contains($0) }
            guard let bound = Foundation.Decimal(string: part.filter { !"<>= ".contains($0) }) else { return false }
            return switch sign {
            case "<=": given <= bound
            case ">=": given >= bound
            case "<": given < bound
            default: given > bound
            }
        }
    }

    private static func number(_ value: JSON) -> Foundation.Decimal? {
        value.number.flatMap { Foundation.Decimal(string: $0.text) }
    }
}
