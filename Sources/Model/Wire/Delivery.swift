/// What the hub sends a spoke: event `delivery` of `GET /v1/spoke/stream`, its id the bundle's revision.
///
/// The parts are kept as JSON until their signatures are verified: bytes first, then meaning.
package struct Delivery: Hashable, Sendable, Codable {
    /// DSSE envelope of a `PolicyBundle`.
    package var bundle: JSON
    /// DSSE envelope of a `Lease` that names that bundle.
    package var lease: JSON
    /// The ledger's newest signed checkpoint (C2SP tlog-checkpoint).
    package var checkpoint: String
    /// That the bundle is in that ledger, and that the ledger only grew. A spoke refuses a delivery without it.
    package var proof: DeliveryProof?

    package init(bundle: JSON, lease: JSON, checkpoint: String, proof: DeliveryProof? = nil) {
        self.bundle = bundle
        self.lease = lease
        self.checkpoint = checkpoint
        self.proof = proof
    }
}

/// `POST /v1/spoke/reports`, at most 1 MiB: what a spoke tells the hub. Merged once, by (spoke, journal, sequence).
package struct Report: Hashable, Sendable, Codable {
    package static let maximumBytes = 1 << 20
    package static let version: Int64 = 1

    package var v: Int64
    /// Random name of the journal that `sequence` counts in; a new journal begins at 1.
    package var journal: String
    /// Number of the last journal line that is told here; 0 before the first.
    package var sequence: Int64
    package var applied: AppliedBundle?
    /// The delivery refused last, until a good one comes.
    package var refused: RefusedDelivery?
    /// Versions of the bundle that this spoke reads.
    package var wire: [Int64]
    package var servers: [ServerStatus]
    /// Counters since the journal began, those that changed since the last acknowledged report.
    package var usage: [UsageCounter]
    package var decisions: [DecisionRecord]
    /// The newest checkpoint this spoke has seen.
    package var checkpoint: String?
    /// Where callers reach this spoke's listener: `HOST:PORT`.
    package var listener: String?
    /// DSSE envelope of a `JournalCheckpoint`; nil when there is nothing new since the last report that the hub took.
    package var head: JSON?
    /// Nil while the journal is written as it should be.
    package var trouble: JournalTrouble?
    /// Tools whose definitions the hub may not know yet.
    package var tools: [ToolSighting]?
    /// What the host's owner takes away; nil from a spoke that does not tell.
    package var ceiling: ReportedCeiling?
    /// Since when this journal has been kept.
    package var since: Instant
    package var at: Instant

    package init(
        journal: String, sequence: Int64, applied: AppliedBundle?, refused: RefusedDelivery?, servers: [ServerStatus],
        usage: [UsageCounter], decisions: [DecisionRecord], checkpoint: String?, listener: String?, since: Instant,
        at: Instant, head: JSON? = nil, trouble: JournalTrouble? = nil, tools: [ToolSighting]? = nil,
        ceiling: ReportedCeiling? = nil
    ) {
        v = Self.version
        self.journal = journal
        self.sequence = sequence
        self.applied = applied
        self.refused = refused
        wire = WireVersion.read
        self.servers = servers
        self.usage = usage
        self.decisions = decisions
        self.checkpoint = checkpoint
        self.listener = listener
        self.head = head
        self.trouble = trouble
        self.tools = tools
        self.ceiling = ceiling
        self.since = since
        self.at = at
    }
}

package struct ReportAnswer: Hashable, Sendable, Codable {
    /// The highest sequence of that journal the hub holds; the spoke may delete up to it.
    package var sequence: Int64

    package init(sequence: Int64) { self.sequence = sequence }
}

package struct AppliedBundle: Hashable, Sendable, Codable {
    package var revision: Int64
    /// `sha256:…` of the payload.
    package var digest: String

    package init(revision: Int64, digest: String) {
        self.revision = revision
        self.digest = digest
    }
}

package struct RefusedDelivery: Hashable, Sendable, Codable {
    package var at: Instant
    /// A code of `TrustError` or `ModelError`, or `older`, `other-spoke`, `changed-without-revision`, `lease-older`, `lease-ahead`.
    package var code: String
    package var detail: String

    package init(at: Instant, code: String, detail: String) {
        self.at = at
        self.code = code
        self.detail = detail
    }
}

package struct ServerStatus: Hashable, Sendable, Codable {
    package enum State: String, Codable, Hashable, Sendable { case up, down, unknown, notConfigured }

    /// Full name.
    package var name: String
    package var state: State
    package var detail: String?
    package var tools: [String]
    package var catalogAt: Instant?
    /// Until then the spoke records what rules deny there, and passes it.
    package var observedUntil: Instant?

    package init(
        name: String, state: State, detail: String? = nil, tools: [String] = [], catalogAt: Instant? = nil,
        observedUntil: Instant? = nil
    ) {
        self.name = name
        self.state = state
        self.detail = detail
        self.tools = tools
        self.catalogAt = catalogAt
        self.observedUntil = observedUntil
    }
}

/// Uses of one grant by one caller on one UTC day.
package struct UsageCounter: Hashable, Sendable, Codable {
    /// `YYYY-MM-DD`
    package var day: String
    package var rule: String
    package var principal: String
    /// `Caller.key`
    package var caller: String
    package var server: String
    package var capability: String
    package var count: Int64
    package var last: Instant

    package init(
        day: String, rule: String, principal: String, caller: String, server: String, capability: String, count: Int64,
        last: Instant
    ) {
        self.day = day
        self.rule = rule
        self.principal = principal
        self.caller = caller
        self.server = server
        self.capability = capability
        self.count = count
        self.last = last
    }
}

/// One line of a spoke's journal: what was decided before anything was forwarded, and later what came of it.
package struct DecisionRecord: Hashable, Sendable, Codable {
    package enum Verdict: String, Codable, Hashable, Sendable {
        case allow, deny
        /// Let through by a server that is only observed (`Enforcement`); reason and rule are those of the denial.
        case wouldDeny
    }

    /// Journal line number, from 1; with the journal's name it names the decision: `JOURNAL:NUMBER`.
    package var number: Int64
    package var at: Instant
    package var caller: String
    package var address: String?
    package var server: String
    /// `tool:read_entry`, `reach`, or the MCP method where nothing else is known.
    package var aim: String
    package var verdict: Verdict
    /// A `DenyReason`'s raw value.
    package var reason: String?
    package var rule: String?
    package var principal: String?
    package var detail: String?
    package var revision: Int64?
    package var bundle: String?
    /// How often the same denial came in the time this line stands for; 1 unless repeated.
    package var count: Int64
    /// Of the lease, when it was not fresh any more; nil for fresh.
    package var freshness: Freshness?
    /// Whether the tool's definition called it read-only; nil when it did not say, or no tool was called.
    package var readOnly: Bool?
    /// Where tools are pinned: the digests of the tool's definitions then, joined by `+`.
    package var definition: String?
    /// W3C trace id of the call, 32 hexadecimal digits; nil where none was read.
    package var trace: String?

    package init(
        number: Int64, at: Instant, caller: String, address: String?, server: String, aim: String, verdict: Verdict,
        reason: String? = nil, rule: String? = nil, principal: String? = nil, detail: String? = nil,
        revision: Int64? = nil, bundle: String? = nil, count: Int64 = 1, freshness: Freshness? = nil,
        readOnly: Bool? = nil, definition: String? = nil, trace: String? = nil
    ) {
        self.number = number
        self.at = at
        self.caller = caller
        self.address = address
        self.server = server
        self.aim = aim
        self.verdict = verdict
        self.reason = reason
        self.rule = rule
        self.principal = principal
        self.detail = detail
        self.revision = revision
        self.bundle = bundle
        self.count = count
        self.freshness = freshness
        self.readOnly = readOnly
        self.definition = definition
        self.trace = trace
    }

    /// As `Facts` has them.
    package var definitions: [String] { definition?.split(separator: "+").map(String.init) ?? [] }
}
