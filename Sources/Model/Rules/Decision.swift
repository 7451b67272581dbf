/// What a caller aims at on one server.
package enum Aim: Hashable, Sendable, CustomStringConvertible {
    /// The upkeep of a conversation (handshake, ping, lists): for callers to whom some allow could apply.
    case reach
    case use(Capability)
    /// A resource template in a list: shown when some of its expansions could be read.
    case template(String)
    /// Values for a resource template: they tell of every expansion, so all of them must be allowed.
    case completion(String)
    /// News of a resource: for whom may read it.
    case subscription(String)
    /// What came of a tool's call that goes on as a task: for whom may call the tool. Its arguments were judged when it began.
    case task(String)

    package var description: String {
        switch self {
        case .reach: "reach"
        case .use(let capability): capability.description
        case .template(let template): "resource:\(template)"
        case .completion(let template): "completion:\(template)"
        case .subscription(let uri): "subscription:\(uri)"
        case .task(let tool): "task:\(tool)"
        }
    }

    /// The one thing whose rules decide; nil where there is none, or where a template stands for many.
    package var subject: Capability? {
        switch self {
        case .use(let capability): capability
        case .subscription(let uri): Capability(.resource, uri)
        case .task(let tool): Capability(.tool, tool)
        case .reach, .template, .completion: nil
        }
    }

    /// Whether it is what came of a call that was decided before.
    var isTask: Bool { if case .task = self { true } else { false } }

    /// The tool whose rules decide.
    package var tool: String? { subject.flatMap { $0.kind == .tool ? $0.name : nil } }
}

/// One question to `decide`.
package struct Request: Sendable {
    package var caller: Caller
    package var aim: Aim
    package var facts: Facts

    package init(caller: Caller, aim: Aim, facts: Facts) {
        self.caller = caller
        self.aim = aim
        self.facts = facts
    }
}

package enum Decision: Sendable {
    case allow(Permit)
    case deny(Denial)

    package var isAllowed: Bool { if case .allow = self { true } else { false } }
}

/// Why a call was refused; stable words for journals, reports and `explain`.
package enum DenyReason: String, Codable, Hashable, Sendable, CaseIterable {
    // by `decide`
    case noRule = "no-rule"
    case deniedByRule = "denied-by-rule"
    case conditionFailed = "condition-failed"
    case missingFact = "missing-fact"
    case revoked = "revoked"
    case lapsed = "lapsed"
    case expired = "expired"
    case network = "network"
    case stale = "stale"
    case callerZone = "caller-zone"
    case ceiling = "ceiling"
    case unapprovedTool = "unapproved-tool"
    case changedTool = "changed-tool"
    // by the spoke's pipeline, before or after `decide`
    case unknownServer = "unknown-server"
    case noBundle = "no-bundle"
    case malformed = "malformed"
    case tooLarge = "too-large"
    case notInCatalog = "not-in-catalog"
    case catalogUnknown = "catalog-unknown"
    case foreignSession = "foreign-session"
    case unsupported = "unsupported"
    case attempts = "attempts"
    case rate = "rate"
    case concurrency = "concurrency"
    case journal = "journal"
    case identityRevoked = "identity-revoked"
    case notAClient = "not-a-client"
    case egress = "egress"
    case argumentCheck = "argument-check"
    case streams = "streams"
    case foreignTask = "foreign-task"
    case foreignState = "foreign-state"
    case foreignHost = "foreign-host"
}

/// A refusal and what it rests on.
package struct Denial: Hashable, Sendable {
    package var reason: DenyReason
    /// The rule that decided or came nearest, if any.
    package var rule: String?
    /// The condition that failed on which fact; for the journal and for `explain`, never for the caller.
    package var detail: String?

    package init(_ reason: DenyReason, rule: String? = nil, detail: String? = nil) {
        self.reason = reason
        self.rule = rule
        self.detail = detail
    }
}
