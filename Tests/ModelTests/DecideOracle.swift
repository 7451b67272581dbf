import Foundation
import Model

/// What `decide` must say, written from the meaning of rules in Docs/Policy.md alone, naively and sharing no code with it:
/// texts are compared as texts, patterns are matched by trying every split. Only answers to the same small question are
/// remembered, so that millions of decisions end in minutes.
final class Oracle {
    private var spoken: [String: Bool] = [:]
    private var within: [String: Bool] = [:]
    private var truths: [String: Bool?] = [:]

    func allows(_ request: Request, under ruleset: Ruleset) -> Bool {
        guard let address = request.facts.address?.description,
            ruleset.networks.contains(where: { inside(address, $0.description) })
        else { return false }
        if request.facts.freshness == .expired { return false }
        if request.facts.freshness == .readOnly, case .use(let capability) = request.aim, capability.kind == .tool,
            request.facts.readOnly != true
        {
            return false
        }
        var parts: [Caller] = []
        if let workload = request.caller.workload { parts.append(Caller(workload: workload)) }
        if let user = request.caller.user { parts.append(Caller(user: user)) }
        if parts.isEmpty { return false }

        for part in parts {
            for rule in ruleset.rules where rule.effect == .deny && exists(rule, request) {
                guard rule.capabilities.contains(where: { speaks($0.description, request.aim) }) else { continue }
                let named = rule.to.contains { truth($0, part, ruleset) != false }
                let excepted = (rule.except ?? []).contains { truth($0, part, ruleset) == true }
                if named, !excepted, conditions(rule, request) != false { return false }
            }
        }
        for part in parts {
            var found = false
            for rule in ruleset.rules where rule.effect == .allow && exists(rule, request) {
                guard rule.capabilities.contains(where: { speaks($0.description, request.aim) }) else { continue }
                let through = rule.to.filter { truth($0, part, ruleset) == true }
                let free = through.filter { principal in
                    !ruleset.masks.contains { mask in
                        mask.principal.description == principal.description && mask.server == ruleset.server
                            && mask.at <= request.facts.now
                            && mask.capabilities.contains { speaks($0.description, request.aim) }
                    }
                }
                let excepted = (rule.except ?? []).contains { truth($0, part, ruleset) != false }
                if !free.isEmpty, !excepted, conditions(rule, request) == true { found = true }
            }
            if !found { return false }
        }
        return true
    }

    private func exists(_ rule: Rule, _ request: Request) -> Bool {
        (rule.from.map { $0 <= request.facts.now } ?? true) && (rule.until.map { request.facts.now < $0 } ?? true)
    }

    private func speaks(_ pattern: String, _ aim: Aim) -> Bool {
        guard case .use(let capability) = aim else { return false }
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

    /// nil where a fact is missing, unless another condition fails before it in the order readOnly, networks, arguments.
    private func conditions(_ rule: Rule, _ request: Request) -> Bool? {
        guard let when = rule.when else { return true }
        if let readOnly = when.readOnly {
            guard let fact = request.facts.readOnly else { return nil }
            if fact != readOnly { return false }
        }
        if let networks = when.networks {
            guard let address = request.facts.address?.description else { return nil }
            if !networks.contains(where: { inside(address, $0.description) }) { return false }
        }
        for (name, test) in (when.arguments ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard case .given(let arguments) = request.facts.arguments, let value = arguments[name] else { return nil }
            let wanted = test.description
            if wanted.hasPrefix("<=") {
                guard let number = value.integer, let bound = Int64(wanted.dropFirst(3)) else { return nil }
                if number > bound { return false }
            } else {
                guard let text = value.string else { return nil }
                if !Self.glob(Array(wanted), Array(text), segments: false) { return false }
            }
        }
        return true
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
