/// Whom a rule names. Written and sent as its text.
package enum Principal: Hashable, Sendable, Codable, CustomStringConvertible {
    /// A registered client of a zone of this organization: `client:analytics/reporting-bot`.
    case client(zone: String, name: String)
    /// Every registered client of a zone: `zone:analytics`.
    case zone(String)
    /// A person: `user:ana@corp.example`.
    case user(String)
    /// Members of a group that the organization's identity provider asserts: `group:finance-analysts`.
    case group(String)
    /// Every workload of another organization's trust domain: `domain:billing.partner.example`.
    case domain(String)
    /// Workloads by SPIFFE ID: `spiffe://billing.partner.example/client/*`.
    case spiffe(Pattern)
    /// Every authenticated caller.
    case anyone

    /// - Throws: `bad-principal`.
    package init(_ text: String) throws(ModelError) {
        let problem = ModelError(
            "bad-principal", "`\(text.prefix(100))` names no principal",
            hint:
                "`client:ZONE/NAME`, `zone:NAME`, `user:ADDRESS`, `group:NAME`, `domain:DOMAIN`, `spiffe://…` or `anyone`"
        )
        if text == "anyone" {
            self = .anyone
            return
        }
        if text.hasPrefix("spiffe://") {
            self = .spiffe(try Pattern(text, segmented: true))
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isPlain(parts[1]) else { throw problem }
        switch parts[0] {
        case "client":
            let names = parts[1].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard names.count == 2, names.allSatisfy(isLabel) else { throw problem }
            self = .client(zone: names[0], name: names[1])
        case "zone":
            guard isLabel(parts[1]) else { throw problem }
            self = .zone(parts[1])
        case "user": self = .user(parts[1])
        case "group": self = .group(parts[1])
        case "domain":
            guard isDomainName(parts[1]) else { throw problem }
            self = .domain(parts[1])
        default: throw problem
        }
    }

    package var description: String {
        switch self {
        case .client(let zone, let name): "client:\(zone)/\(name)"
        case .zone(let name): "zone:\(name)"
        case .user(let address): "user:\(address)"
        case .group(let name): "group:\(name)"
        case .domain(let name): "domain:\(name)"
        case .spiffe(let pattern): pattern.description
        case .anyone: "anyone"
        }
    }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A user's address or a group's name: 1 to 254 visible ASCII bytes, no space, no `*`.
private func isPlain(_ text: String) -> Bool {
    (1...254).contains(text.utf8.count)
        && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "*") }
}
