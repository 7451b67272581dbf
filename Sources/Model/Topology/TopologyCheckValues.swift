/// What the reader of the files refuses by itself, demanded again of a topology that comes as JSON over the API.
extension TopologyCheck {
    /// For a topology that no reader has read; files are held to the same at the place of each value.
    /// Codes: `bad-value`, `bad-hours`, `bad-argument-name`.
    package mutating func demandReadable() {
        demandTexts()
        for server in topology.servers {
            guard let endpoint = server.endpoint, !Server.isEndpoint(endpoint) else { continue }
            fail("bad-value", "\(backticked(endpoint)) is no endpoint", hint: Server.endpointHint, at: server.place)
        }
        for rule in topology.rules {
            if rule.limits?.sessions != nil {
                fail("bad-value", "rule \(backticked(rule.id)) bounds sessions, which no rule does", at: rule.place)
            }
            guard let when = rule.when else { continue }
            if when.networks?.isEmpty == true || when.environment?.isEmpty == true {
                fail("bad-value", "a condition of rule \(backticked(rule.id)) is an empty list", at: rule.place)
            }
            if let hours = when.hours {
                demand(at: rule.place) { () throws(ModelError) in try hours.demandPlace() }
            }
            let names = (when.arguments ?? [:]).keys.sorted()
            if names.count > Conditions.maximumArguments {
                fail(
                    "bad-value",
                    "rule \(backticked(rule.id)) tests \(names.count) arguments, more than \(Conditions.maximumArguments)",
                    at: rule.place)
            }
            for name in names.prefix(Conditions.maximumArguments) {
                demand(at: rule.place) { () throws(ModelError) in _ = try ArgumentName(name) }
            }
        }
    }

    /// That no text is longer than a file may hold; what has a form of its own is bounded by that.
    private mutating func demandTexts() {
        let organization = topology.organization
        bound(organization.name, "the organization's name", at: organization.place)
        bound(organization.environment, "the organization's environment", at: organization.place)
        for zone in topology.zones {
            bound(zone.description, "the description of zone \(backticked(zone.name))", at: zone.place)
            bound(
                zone.region, "the region of zone \(backticked(zone.name))", maximum: Zone.maximumRegionLength,
                at: zone.place)
        }
        for client in topology.clients {
            bound(client.purpose, "the purpose of client \(backticked(client.fullName))", at: client.place)
        }
        for server in topology.servers {
            let name = { "server \(backticked(server.fullName))" }
            bound(server.description, "the description of \(name())", at: server.place)
            bound(server.endpoint, "the endpoint of \(name())", at: server.place)
            bound(server.enforcement?.reason, "the reason of \(name())", at: server.place)
            for (label, value) in (server.labels ?? [:]).sorted(by: { $0.key < $1.key }) {
                if !isLabel(label) {
                    fail("bad-value", "\(backticked(label)) cannot name a label of \(name())", at: server.place)
                }
                bound(value, "a label of \(name())", maximum: Server.maximumLabelLength, at: server.place)
            }
        }
        for rule in topology.rules {
            let name = { "rule \(backticked(rule.id))" }
            bound(rule.reason, "the reason of \(name())", at: rule.place)
            for selector in rule.servers ?? [] { bound(selector, "a server of \(name())", at: rule.place) }
            for environment in rule.when?.environment ?? [] {
                bound(environment, "an environment of \(name())", at: rule.place)
            }
            for (argument, test) in (rule.when?.arguments ?? [:]).sorted(by: { $0.key < $1.key }) {
                bound(argument, "an argument of \(name())", at: rule.place)
                guard case .oneOf(let choices) = test else {
                    bound(test.description, "a test of \(name())", at: rule.place)
                    continue
                }
                for choice in choices {
                    bound(choice.string ?? choice.number?.text, "a choice of \(name())", at: rule.place)
                }
            }
        }
    }

    private mutating func bound(
        _ text: String?, _ what: @autoclosure () -> String, maximum: Int = NodeReader.maximumTextLength,
        at place: Place?
    ) {
        guard let count = text?.utf8.count, count > maximum else { return }
        fail("bad-value", "\(what()) has \(count) bytes, more than \(maximum)", at: place)
    }

    mutating func check(_ limits: Limits?, of owner: String, at place: Place?) {
        guard let limits else { return }
        var wrong: [String] = []
        func demand(_ name: String, _ value: Int?, in range: ClosedRange<Int>) {
            if let value, !range.contains(value) {
                wrong.append("`\(name)` is \(value), not \(range.lowerBound) to \(range.upperBound)")
            }
        }
        demand("requests", limits.rate?.requests, in: 1...1_000_000)
        demand("burst", limits.rate?.burst, in: 1...1_000_000)
        demand("concurrency", limits.concurrency, in: 1...100_000)
        demand("sessions", limits.sessions, in: 1...64)
        let times = [
            ("per", limits.rate?.per), ("connect", limits.timeouts?.connect), ("request", limits.timeouts?.request),
            ("idle", limits.timeouts?.idle),
        ]
        for case (let name, let time?) in times where !(1...Milliseconds.longest.count).contains(time.count) {
            wrong.append("`\(name)` is \(time), not 1ms to \(Milliseconds.longest)")
        }
        for what in wrong { fail("bad-value", "of the limits of \(owner), \(what)", at: place) }
    }

    mutating func checkArguments(of policy: Policy, at place: Place?) {
        for rule in policy.egress ?? [] {
            checkTools(rule.tools, at: place)
            checkNames(rule.arguments, at: place)
            if rule.to.isEmpty { fail("bad-value", "a rule of `egress` names no URL", at: place) }
            for url in rule.to { demand(at: place) { () throws(ModelError) in _ = try Egress.pattern(url) } }
        }
        for check in policy.checks ?? [] {
            checkTools(check.tools, at: place)
            checkNames(check.arguments, at: place)
        }
    }

    private mutating func checkTools(_ tools: [String]?, at place: Place?) {
        if tools?.isEmpty == true { fail("bad-value", "`tools` names none", hint: "leave it out for all", at: place) }
        for tool in tools ?? [] {
            demand(at: place) { () throws(ModelError) in _ = try Pattern(tool, segmented: false) }
        }
    }

    private mutating func checkNames(_ names: [String], at place: Place?) {
        if names.isEmpty { fail("bad-value", "`arguments` names none", at: place) }
        for name in names where !(1...256).contains(name.utf8.count) {
            fail("bad-value", "an argument's name has \(name.utf8.count) bytes, not 1 to 256", at: place)
        }
    }

    private mutating func demand(at place: Place?, _ parse: () throws(ModelError) -> Void) {
        do { try parse() } catch { fail(error.code, error.message, hint: error.hint, at: place) }
    }
}
