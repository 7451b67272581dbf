extension Rule {
    /// The conditions as a person reads them, one each.
    package var conditionTexts: [String] {
        var texts: [String] = []
        if let readOnly = when?.readOnly { texts.append(readOnly ? "read-only tools" : "tools that are not read-only") }
        if let networks = when?.networks { texts.append("from \(networks.map(\.description).joined(separator: ", "))") }
        if let hours = when?.hours { texts.append("during \(hours)") }
        if let environment = when?.environment { texts.append("in \(environment.joined(separator: " or "))") }
        if let same = when?.sameRegion { texts.append(same ? "from the server's region" : "from other regions") }
        if let clearance = when?.clearance {
            texts.append(clearance ? "from zones cleared for the server" : "from zones not cleared for the server")
        }
        for (name, test) in (when?.arguments ?? [:]).sorted(by: { $0.key < $1.key }) {
            texts.append("argument \(name): \(test)")
        }
        if let except, !except.isEmpty {
            texts.append("except \(except.map(\.description).joined(separator: ", "))")
        }
        texts += (limits?.texts ?? []).map { "at most \($0)" }
        if let from { texts.append("from \(from)") }
        if let until { texts.append("until \(until)") }
        return texts
    }
}

extension Limits {
    /// Each bound as a person reads it.
    fileprivate var texts: [String] {
        [
            rate.map { rate in
                "\(rate.requests) calls in \(rate.per)" + (rate.burst.map { ", \($0) in a burst" } ?? "")
            },
            concurrency.map { "\($0) calls at once" }, sessions.map { "\($0) sessions at once" },
            requestBody.map { "\($0) a request" }, responseBody.map { "\($0) an answer" },
            timeouts?.connect.map { "\($0) to connect" }, timeouts?.request.map { "\($0) a call" },
            timeouts?.idle.map { "\($0) in silence" },
        ].compactMap(\.self)
    }
}
