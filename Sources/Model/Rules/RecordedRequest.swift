extension Request {
    /// The question that a record answers, as far as it was recorded: of a person neither address nor groups, of a call that has
    /// arguments none.
    /// - Returns: nil where rules decide nothing, as about a caller who is not known or a method of the protocol.
    package init?(recorded record: DecisionRecord) {
        guard let caller = Caller(key: record.caller), let aim = Aim(recorded: record.aim) else { return nil }
        let facts = Facts(
            now: record.at, address: record.address.flatMap { IPAddress($0) }, readOnly: record.readOnly,
            definitions: record.definitions, arguments: aim.hasArguments ? .unbound : .none,
            freshness: record.freshness ?? .fresh)
        self.init(caller: caller, aim: aim, facts: facts)
    }
}

extension Aim {
    /// Reads what a record says of an aim.
    package init?(recorded text: String) {
        if text == "reach" {
            self = .reach
        } else if text.hasPrefix("completion:") {
            self = .completion(String(text.dropFirst("completion:".count)))
        } else if text.hasPrefix("subscription:") {
            self = .subscription(String(text.dropFirst("subscription:".count)))
        } else if text.hasPrefix("task:") {
            self = .task(String(text.dropFirst("task:".count)))
        } else if let capability = try? Capability(text) {
            self = .use(capability)
        } else {
            return nil
        }
    }

    var hasArguments: Bool {
        if case .use(let capability) = self { capability.kind != .resource } else { false }
    }
}
