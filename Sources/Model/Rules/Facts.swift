/// What is known about a call beside who makes it and what it aims at.
package struct Facts: Sendable {
    package enum Arguments: Sendable {
        /// A listing: the arguments are not known yet, so an argument condition may or may not hold later.
        case unbound
        case given(JSON)
        /// This kind of call has none.
        case none
    }

    package var now: Instant
    /// The socket's address; nil when unknown.
    package var address: IPAddress?
    /// Whether the tool's definition calls it read-only; nil when there is no definition or it does not say.
    package var readOnly: Bool?
    /// `sha256:…` of every definition under which the server lists the tool now (RFC 8785); empty when that is not known.
    package var definitions: [String]
    package var arguments: Arguments
    package var freshness: Freshness

    package init(
        now: Instant, address: IPAddress?, readOnly: Bool? = nil, definitions: [String] = [],
        arguments: Arguments = .none, freshness: Freshness = .fresh
    ) {
        self.now = now
        self.address = address
        self.readOnly = readOnly
        self.definitions = definitions
        self.arguments = arguments
        self.freshness = freshness
    }
}

/// What is known of the organization around a server, for conditions that compare it with the caller. What is not stated is
/// a missing fact.
package struct Surroundings: Hashable, Sendable {
    /// Of the organization, as `production`.
    package var environment: String?
    /// The server's.
    package var classification: Classification?
    /// By name.
    package var zones: [String: ZoneFacts]

    package init(environment: String? = nil, classification: Classification? = nil, zones: [ZoneFacts] = []) {
        self.environment = environment
        self.classification = classification
        self.zones = Dictionary(zones.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

/// What a condition may ask about a zone.
package struct ZoneFacts: Hashable, Sendable, Codable {
    package var name: String
    package var region: String?
    package var classification: Classification

    package init(name: String, region: String?, classification: Classification) {
        self.name = name
        self.region = region
        self.classification = classification
    }
}

extension Caller {
    /// The zone of this organization that the caller's workload is of; nil for people alone and for others' workloads.
    package func zone(in organization: String) -> String? {
        guard let domain = workload?.trustDomain, domain.hasSuffix(".\(organization)") else { return nil }
        let name = String(domain.dropLast(organization.count + 1))
        return isLabel(name) ? name : nil
    }
}
