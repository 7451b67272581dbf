import Model

/// The files that say what a topology is: `organization.yaml`, and one a zone. Reading them gives the topology again,
/// but for places.
package func topologyFiles(_ topology: Topology) -> [(name: String, content: JSON)] {
    let organization = topology.organization
    var files: [(name: String, content: JSON)] = [
        (
            "organization.yaml",
            object([
                ("organization", .string(organization.domain)), ("name", organization.name.map(JSON.string)),
                ("environment", organization.environment.map(JSON.string)),
                ("roles", organization.roles.map(rolesJSON)), ("policy", organization.policy.map(policyJSON)),
                ("renewal", organization.renewal.map(renewalJSON)),
                ("rules", list(topology.rules.filter { $0.zone == nil }.map(ruleJSON))),
            ])
        )
    ]
    for zone in topology.zones {
        files.append(("zones/\(zone.name).yaml", zoneJSON(zone, topology)))
    }
    return files
}

/// A file that adds to a zone.
package func zoneFragment(zone: String, servers: [Server] = [], rules: [Rule] = []) -> JSON {
    object([
        ("in", .string(zone)), ("servers", named(servers.map { ($0.name, serverJSON($0)) })),
        ("rules", list(rules.map(ruleJSON))),
    ])
}

private func zoneJSON(_ zone: Zone, _ topology: Topology) -> JSON {
    object([
        ("zone", .string(zone.name)), ("description", zone.description.map(JSON.string)),
        ("region", zone.region.map(JSON.string)), ("classification", .string(zone.classification.rawValue)),
        ("networks", .array(zone.networks.map(text))), ("callers", zone.callers.map { .array($0.map(callerText)) }),
        ("roles", zone.roles.map(rolesJSON)),
        ("policy", zone.policy.map(policyJSON)), ("renewal", zone.renewal.map(renewalJSON)),
        ("spokes", named(topology.spokes.filter { $0.zone == zone.name }.map { ($0.name, [:]) })),
        ("clients", named(topology.clients.filter { $0.zone == zone.name }.map { ($0.name, clientJSON($0)) })),
        ("servers", named(topology.servers.filter { $0.zone == zone.name }.map { ($0.name, serverJSON($0)) })),
        ("rules", list(topology.rules.filter { $0.zone == zone.name }.map(ruleJSON))),
    ])
}

private func clientJSON(_ client: Client) -> JSON {
    object([
        ("owner", client.owner.map(text)), ("purpose", client.purpose.map(JSON.string)),
        ("until", client.until.map { .string(endText($0)) }),
    ])
}

private func serverJSON(_ server: Server) -> JSON {
    object([
        ("description", server.description.map(JSON.string)), ("owner", server.owner.map(text)),
        ("spokes", .array(server.spokes.map(JSON.string))), ("endpoint", server.endpoint.map(JSON.string)),
        ("classification", .string(server.classification.rawValue)), ("labels", server.labels.map(texts)),
        ("policy", server.policy.map(policyJSON)), ("enforcement", server.enforcement.map(enforcementJSON)),
    ])
}

private func enforcementJSON(_ enforcement: Enforcement) -> JSON {
    object([
        ("mode", .string(enforcement.mode.rawValue)), ("until", .string(endText(enforcement.until))),
        ("reason", enforcement.reason.map(JSON.string)),
    ])
}

/// A zone by its name alone, as `callers` has it.
private func callerText(_ caller: Principal) -> JSON {
    if case .zone(let name) = caller { .string(name) } else { text(caller) }
}

private func ruleJSON(_ rule: Rule) -> JSON {
    let when = rule.when.map { when in
        object([
            ("readOnly", when.readOnly.map(JSON.bool)), ("networks", when.networks.map { .array($0.map(text)) }),
            ("hours", when.hours.map(text)),
            ("environment", when.environment.map { .array($0.map(JSON.string)) }),
            ("sameRegion", when.sameRegion.map(JSON.bool)), ("clearance", when.clearance.map(JSON.bool)),
            ("arguments", when.arguments.map(argumentsJSON)),
        ])
    }
    return object([
        ("id", .string(rule.zone.map { String(rule.id.dropFirst($0.count + 1)) } ?? rule.id)),
        (rule.effect.rawValue, .array(rule.capabilities.map(text))),
        ("servers", rule.servers.map { .array($0.map(JSON.string)) }),
        ("to", .array(rule.to.map(text))), ("except", rule.except.map { .array($0.map(text)) }), ("when", when),
        ("limits", rule.limits.map(limitsJSON)),
        ("from", rule.from.map { .string(beginningText($0)) }), ("until", rule.until.map { .string(endText($0)) }),
        ("reason", rule.reason.map(JSON.string)),
    ])
}

private func argumentsJSON(_ tests: [String: ArgumentTest]) -> JSON {
    .object(
        JSONObject(
            tests.sorted { $0.key < $1.key }.map { name, test in
                switch test {
                case .pattern, .bounds: (name, text(test))
                case .oneOf(let choices): (name, .array(choices))
                case .present(let isPresent): (name, object([("present", .bool(isPresent))]))
                }
            }))
}

private func renewalJSON(_ terms: RenewalTerms) -> JSON { object([("expired", terms.expired.map(JSON.bool))]) }

private func rolesJSON(_ roles: Roles) -> JSON {
    object([
        ("owner", roles.owner.map { .array($0.map(text)) }), ("reviewer", roles.reviewer.map { .array($0.map(text)) }),
        ("auditor", roles.auditor.map { .array($0.map(text)) }),
    ])
}

private func policyJSON(_ policy: Policy) -> JSON {
    let headers = policy.headers.map { headers in
        object([
            ("response", headers.response.map(texts)),
            ("request", headers.request.map { object([("remove", $0.remove.map { .array($0.map(JSON.string)) })]) }),
        ])
    }
    let stale = policy.stale.map { stale in
        object([
            ("after", text(stale.after)), ("then", .string(stale.then.rawValue)), ("until", stale.until.map(text)),
        ])
    }
    let tools = policy.tools.map { object([("pin", $0.pin.map { .string($0.rawValue) })]) }
    return object([
        ("headers", headers), ("limits", policy.limits.map(limitsJSON)), ("stale", stale), ("tools", tools),
        ("serverRequests", policy.serverRequests.map { .array($0.map { .string($0.rawValue) }) }),
        ("egress", policy.egress.map { .array($0.map(egressJSON)) }),
        ("checks", policy.checks.map { .array($0.map(checkJSON)) }),
    ])
}

private func egressJSON(_ egress: Egress) -> JSON {
    object([
        ("tools", egress.tools.map { .array($0.map(JSON.string)) }),
        ("arguments", .array(egress.arguments.map(JSON.string))), ("to", .array(egress.to.map(JSON.string))),
        ("private", egress.allowPrivate.map { .string($0 ? "allow" : "refuse") }),
    ])
}

private func checkJSON(_ check: ArgumentCheck) -> JSON {
    object([
        ("check", .string(check.check.rawValue)), ("tools", check.tools.map { .array($0.map(JSON.string)) }),
        ("arguments", .array(check.arguments.map(JSON.string))), ("then", .string(check.then.rawValue)),
    ])
}

private func limitsJSON(_ limits: Limits) -> JSON {
    let rate = limits.rate.map { rate in
        object([
            ("requests", number(rate.requests)), ("per", text(rate.per)), ("burst", rate.burst.map(number)),
        ])
    }
    let timeouts = limits.timeouts.map { timeouts in
        object([
            ("connect", timeouts.connect.map(text)), ("request", timeouts.request.map(text)),
            ("idle", timeouts.idle.map(text)),
        ])
    }
    return object([
        ("rate", rate), ("concurrency", limits.concurrency.map(number)), ("sessions", limits.sessions.map(number)),
        ("requestBody", limits.requestBody.map(text)), ("responseBody", limits.responseBody.map(text)),
        ("timeouts", timeouts),
    ])
}

/// A moment from which something holds: as a day where it is a day's beginning.
private func beginningText(_ moment: Instant) -> String {
    moment.milliseconds % 86_400_000 == 0
        ? CivilDate(daysSinceEpoch: moment.milliseconds / 86_400_000).description : moment.description
}

/// A moment until which something holds: as a day where it is a day's end.
private func endText(_ moment: Instant) -> String {
    moment.milliseconds % 86_400_000 == 0
        ? CivilDate(daysSinceEpoch: moment.milliseconds / 86_400_000 - 1).description : moment.description
}

private func object(_ pairs: [(String, JSON?)]) -> JSON {
    .object(JSONObject(pairs.compactMap { key, value in value.map { (key, $0) } }))
}

private func named(_ pairs: [(String, JSON)]) -> JSON? { pairs.isEmpty ? nil : .object(JSONObject(pairs)) }
private func list(_ elements: [JSON]) -> JSON? { elements.isEmpty ? nil : .array(elements) }
private func text(_ value: some CustomStringConvertible) -> JSON { .string(value.description) }
private func number(_ value: Int) -> JSON { .number(JSONNumber(Int64(value))) }

private func texts(_ values: [String: String]) -> JSON {
    .object(JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
}
