/// `GET /v1/zones`
package struct ZoneRow: Hashable, Sendable, Codable {
    package var name: String
    package var classification: Classification
    package var region: String?
    package var spokes: Int
    package var servers: Int
    package var clients: Int
    package var rules: Int

    package init(
        name: String, classification: Classification, region: String?, spokes: Int, servers: Int, clients: Int,
        rules: Int
    ) {
        self.name = name
        self.classification = classification
        self.region = region
        self.spokes = spokes
        self.servers = servers
        self.clients = clients
        self.rules = rules
    }
}

/// `GET /v1/servers`
package struct ServerRow: Hashable, Sendable, Codable {
    package var name: String
    package var classification: Classification
    package var owner: String?
    package var labels: [String: String]
    package var endpoints: [String]
    /// Spoke to what it reported.
    package var spokes: [String: ServerStatus.State]
    package var tools: [String]
    /// Of a server that is, or was, only observed.
    package var enforcement: Enforcement?

    package init(
        name: String, classification: Classification, owner: String?, labels: [String: String], endpoints: [String],
        spokes: [String: ServerStatus.State], tools: [String], enforcement: Enforcement? = nil
    ) {
        self.name = name
        self.classification = classification
        self.owner = owner
        self.labels = labels
        self.endpoints = endpoints
        self.spokes = spokes
        self.tools = tools
        self.enforcement = enforcement
    }
}

/// `GET /v1/spokes`, `GET /v1/clients`
package struct MemberRow: Hashable, Sendable, Codable {
    package enum Enrolment: String, Codable, Hashable, Sendable { case none, invited, enrolled, revoked }

    package var name: String
    package var identity: SPIFFEID
    package var enrolment: Enrolment
    package var certificateUntil: Instant?
    package var connected: Bool
    package var lastSeen: Instant?
    /// Of spokes: the revision in force.
    package var revision: Int64?

    package init(
        name: String, identity: SPIFFEID, enrolment: Enrolment, certificateUntil: Instant?, connected: Bool,
        lastSeen: Instant?, revision: Int64?
    ) {
        self.name = name
        self.identity = identity
        self.enrolment = enrolment
        self.certificateUntil = certificateUntil
        self.connected = connected
        self.lastSeen = lastSeen
        self.revision = revision
    }
}

/// `GET /v1/decisions`, newest first.
package struct DecisionRow: Hashable, Sendable, Codable {
    /// `JOURNAL:NUMBER`
    package var id: String
    package var spoke: String
    package var record: DecisionRecord

    package init(id: String, spoke: String, record: DecisionRecord) {
        self.id = id
        self.spoke = spoke
        self.record = record
    }
}

/// `GET /v1/status`
package struct HubStatus: Hashable, Sendable, Codable {
    package var organization: String
    package var version: String
    package var since: Instant
    /// Entries in the ledger, and its newest signed checkpoint.
    package var ledgerSize: Int64
    package var checkpoint: String
    package var zones: Int
    package var servers: Int
    package var clients: Int
    package var rules: Int
    package var rollout: Rollout
    package var openReviews: [String]
    /// Denials of the last 24 hours that reached the hub.
    package var denials: Int64
    /// Alarms: checkpoints handed over that this ledger does not explain; the newest 20, for auditors of the organization.
    package var contradictions: [LedgerContradiction]
    /// Newest certificates that end within three days; nil from a hub that does not look.
    package var expiring: [ExpiringCertificate]?
    /// What an owner should know and act upon; nil for who may not read the whole organization.
    package var alarms: [String]?
    /// Servers whose rules are only tried out, by name; nil for none.
    package var observed: [ObservedServer]?
    /// Servers whose tools are not as they were approved; nil for none, and from a hub that does not look.
    package var drift: [ToolDrift]?
    /// Authorities between two steps, `finance (tainted)`; nil from a hub that does not know steps.
    package var rotations: [String]?
    /// Zones whose intermediate an offline root has still to sign; nobody can enrol there.
    package var zonesWithoutAuthority: [String]?

    package init(
        organization: String, version: String, since: Instant, ledgerSize: Int64, checkpoint: String, zones: Int,
        servers: Int, clients: Int, rules: Int, rollout: Rollout, openReviews: [String], denials: Int64,
        contradictions: [LedgerContradiction] = [], expiring: [ExpiringCertificate]? = nil, alarms: [String]? = nil,
        observed: [ObservedServer]? = nil, rotations: [String]? = nil, zonesWithoutAuthority: [String]? = nil,
        drift: [ToolDrift]? = nil
    ) {
        self.organization = organization
        self.version = version
        self.since = since
        self.ledgerSize = ledgerSize
        self.checkpoint = checkpoint
        self.zones = zones
        self.servers = servers
        self.clients = clients
        self.rules = rules
        self.rollout = rollout
        self.openReviews = openReviews
        self.denials = denials
        self.contradictions = contradictions
        self.expiring = expiring
        self.alarms = alarms
        self.observed = observed
        self.rotations = rotations
        self.zonesWithoutAuthority = zonesWithoutAuthority
        self.drift = drift
    }
}

/// A server that records what its rules deny, and passes it (`Enforcement`).
package struct ObservedServer: Hashable, Sendable, Codable {
    /// Full name.
    package var name: String
    package var until: Instant
    package var reason: String

    package init(name: String, until: Instant, reason: String) {
        self.name = name
        self.until = until
        self.reason = reason
    }
}

/// A server with tools that are listed otherwise than they were approved, though its policy looks at that.
package struct ToolDrift: Hashable, Sendable, Codable {
    /// Full name.
    package var server: String
    package var pin: PinMode
    package var changed: Int
    /// Of a name that nobody approved.
    package var unapproved: Int

    package init(server: String, pin: PinMode, changed: Int, unapproved: Int) {
        self.server = server
        self.pin = pin
        self.changed = changed
        self.unapproved = unapproved
    }
}

/// `GET /v1/resolve/ZONE/SERVER`, to callers that some rule allows there.
package struct Resolution: Hashable, Sendable, Codable {
    package struct Endpoint: Hashable, Sendable, Codable {
        /// `https://fin-1.finance.corp.example:9443/ledger/mcp`
        package var url: String
        /// Where to dial, `HOST:PORT`; nil for the URL's own.
        package var address: String?
        /// The SPIFFE ID that must answer there.
        package var identity: SPIFFEID

        package init(url: String, address: String?, identity: SPIFFEID) {
            self.url = url
            self.address = address
            self.identity = identity
        }
    }

    package var server: String
    package var endpoints: [Endpoint]
    package var expires: Instant

    package init(server: String, endpoints: [Endpoint], expires: Instant) {
        self.server = server
        self.endpoints = endpoints
        self.expires = expires
    }
}

/// RFC 9457 problem details, with a stable `code` and a hint.
package struct ProblemDetails: Hashable, Sendable, Codable {
    package var type: String
    package var title: String
    package var status: Int
    package var code: String
    package var detail: String?
    package var hint: String?
    /// All problems of a topology, when there are several.
    package var problems: [String]?

    package init(
        title: String, status: Int, code: String, detail: String? = nil, hint: String? = nil, problems: [String]? = nil
    ) {
        type = "about:blank"
        self.title = title
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
        self.problems = problems
    }
}

/// `GET /v1/usage/{zone}/{server}`: what one caller used through one principal of a rule.
package struct UsageRow: Hashable, Sendable, Codable {
    package static let maximumRows = 10_000

    /// `Caller.key`
    package var caller: String
    package var principal: String
    package var rule: String
    /// `tool:read_entry`; or `reach`, for the upkeep of a conversation.
    package var capability: String
    package var count: Int64
    package var last: Instant

    package init(caller: String, principal: String, rule: String, capability: String, count: Int64, last: Instant) {
        self.caller = caller
        self.principal = principal
        self.rule = rule
        self.capability = capability
        self.count = count
        self.last = last
    }
}
