/// What the reader of the files refuses by itself, demanded again of a topology that comes as JSON over the API.
extension TopologyCheck {
    /// Of rules and servers, for a topology that no reader has read; files are held to the same at the place of each value.
    /// Codes: `bad-value`, `bad-hours`, `bad-argument-name`.
    package mutating func demandReadable() {
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
