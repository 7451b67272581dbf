/// `POST /v1/topology/plan` and `POST /v1/topology/apply`. At most 16 MiB.
package struct TopologyRequest: Hashable, Sendable, Codable {
    package var topology: Topology
    /// Needed to remove a zone, or more than a tenth of the servers, clients or rules.
    package var allowRemovals: Bool
    package var why: String?
    /// Of a plan that somebody saw: nothing else is changed, or nothing at all.
    package var bound: PlanBinding?

    package init(
        topology: Topology, allowRemovals: Bool = false, why: String? = nil, bound: PlanBinding? = nil
    ) {
        self.topology = topology
        self.allowRemovals = allowRemovals
        self.why = why
        self.bound = bound
    }

    /// The same, held to a plan that was made of it; where it is held to one already it stays so. A hub that does not say on
    /// which revisions it planned holds nobody to them.
    package func held(to plan: Plan) -> TopologyRequest {
        var request = self
        if request.bound == nil { request.bound = PlanBinding(plan) }
        return request
    }
}

/// The ledger index at which an object was set last.
package struct ObjectRevision: Hashable, Sendable, Codable {
    package var object: ObjectName
    package var revision: Int64

    package init(object: ObjectName, revision: Int64) {
        self.object = object
        self.revision = revision
    }
}

/// What a plan would do to what it saw.
package struct PlanBinding: Hashable, Sendable, Codable {
    package var changes: [Plan.Change]
    /// Of the objects that change and were there.
    package var base: [ObjectRevision]

    package init(changes: [Plan.Change], base: [ObjectRevision]) {
        self.changes = changes
        self.base = base
    }

    /// - Returns: nil where the plan does not say on which revisions it was made.
    package init?(_ plan: Plan) {
        guard let base = plan.base else { return nil }
        self.init(changes: plan.changes, base: base)
    }
}

/// What `nave topology plan --out` writes and `nave topology apply` takes: everything that was planned, and nothing else.
package struct SavedPlan: Hashable, Sendable, Codable {
    package static let version: Int64 = 1

    package var v: Int64
    /// `sha256:…` of the canonical JSON of what the files say.
    package var files: String
    package var topology: Topology
    package var bound: PlanBinding

    package init(files: String, topology: Topology, bound: PlanBinding) {
        v = Self.version
        self.files = files
        self.topology = topology
        self.bound = bound
    }
}

/// What applying would change, or has changed.
package struct Plan: Hashable, Sendable, Codable {
    package enum Action: String, Codable, Hashable, Sendable {
        case add, change, remove
        /// Only its place in the files differs.
        case move
    }

    package struct Change: Hashable, Sendable, Codable {
        package var action: Action
        package var object: ObjectName
        /// Dotted names of the fields that differ.
        package var fields: [String]
        /// Of a rule: conditions, limits and times as a person reads them, those that are gone and those that are new. Nil where
        /// none differs.
        package var was: [String]?
        package var now: [String]?

        package init(
            action: Action, object: ObjectName, fields: [String] = [], was: [String]? = nil, now: [String]? = nil
        ) {
            self.action = action
            self.object = object
            self.fields = fields
            self.was = was
            self.now = now
        }
    }

    /// One grant that someone gains or loses.
    package struct AccessChange: Hashable, Sendable, Codable {
        package enum Direction: String, Codable, Hashable, Sendable { case gains, loses }

        package var direction: Direction
        package var grant: Grant
        /// Conditions of the rule, as text; empty for none.
        package var conditions: [String]
        /// Where it is a part of what the principal may do: the other part, which was there before a gain, or is left after a
        /// loss. Nil where there is none.
        package var otherwise: [String]?
        /// A call that shows the difference, where there is another part.
        package var example: String?

        package init(
            direction: Direction, grant: Grant, conditions: [String], otherwise: [String]? = nil, example: String? = nil
        ) {
            self.direction = direction
            self.grant = grant
            self.conditions = conditions
            self.otherwise = otherwise
            self.example = example
        }
    }

    /// Something a person should know before they apply.
    package struct Finding: Hashable, Sendable, Codable {
        /// `revoked-grant`, `expired-rule`, …
        package var code: String
        package var message: String
        package var place: Place?

        package init(code: String, message: String, place: Place? = nil) {
            self.code = code
            self.message = message
            self.place = place
        }
    }

    package var changes: [Change]
    package var access: [AccessChange]
    /// Organization-wide or zone denies that come, change or go; they take away or give back without being grants.
    package var denies: [Change]
    package var findings: [Finding]
    /// Why this needs `--allow-removals`; empty when it does not.
    package var removals: [String]
    /// What was there of the objects that change; nil from a hub that does not say.
    package var base: [ObjectRevision]?
    /// Full names of spokes whose hosts take away from the servers that change: what `access` says is what they leave. Nil for
    /// none.
    package var ceilings: [String]?
    /// Those that have not told what their hosts take away, where others have; nil for none.
    package var untold: [String]?

    package init(
        changes: [Change], access: [AccessChange], denies: [Change], findings: [Finding], removals: [String],
        base: [ObjectRevision]? = nil, ceilings: [String]? = nil, untold: [String]? = nil
    ) {
        self.changes = changes
        self.access = access
        self.denies = denies
        self.findings = findings
        self.removals = removals
        self.base = base
        self.ceilings = ceilings
        self.untold = untold
    }

    package var isEmpty: Bool { changes.isEmpty }
}

package struct ApplyAnswer: Hashable, Sendable, Codable {
    package var plan: Plan
    package var change: ChangeAnswer
    /// Zones where nobody can enrol until an offline root has signed an intermediate; nil for none.
    package var zonesWithoutAuthority: [String]?

    package init(plan: Plan, change: ChangeAnswer, zonesWithoutAuthority: [String]? = nil) {
        self.plan = plan
        self.change = change
        self.zonesWithoutAuthority = zonesWithoutAuthority
    }
}

/// `GET /v1/rollout`: who enforces what.
package struct Rollout: Hashable, Sendable, Codable {
    package enum State: String, Codable, Hashable, Sendable { case current, behind, refused, neverSeen }

    package struct Row: Hashable, Sendable, Codable {
        package var spoke: String
        package var state: State
        /// The revision it should enforce.
        package var wanted: Int64
        package var applied: Int64?
        package var detail: String?
        package var connected: Bool
        package var lastSeen: Instant?

        package init(
            spoke: String, state: State, wanted: Int64, applied: Int64?, detail: String?, connected: Bool,
            lastSeen: Instant?
        ) {
            self.spoke = spoke
            self.state = state
            self.wanted = wanted
            self.applied = applied
            self.detail = detail
            self.connected = connected
            self.lastSeen = lastSeen
        }
    }

    package var rows: [Row]

    package init(rows: [Row]) { self.rows = rows }

    package var isConverged: Bool { rows.allSatisfy { $0.state == .current } }
}
