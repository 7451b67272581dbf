import Model
import NIOConcurrencyHelpers
import Storage
import Trust

/// The files' way into the ledger: what they would change, and changing it.
package struct TopologyService: Sendable {
    private let organization: String
    private let ledger: HubLedger
    private let authority: Authority
    private let now: @Sendable () -> Instant
    private let tools: ToolService
    private let wire: @Sendable () async throws -> [String: [Int64]]
    private let ceilings: @Sendable () async throws -> [String: ReportedCeiling]

    package init(
        organization: String, ledger: HubLedger, authority: Authority, now: @escaping @Sendable () -> Instant,
        tools: ToolService, wire: @escaping @Sendable () async throws -> [String: [Int64]],
        ceilings: @escaping @Sendable () async throws -> [String: ReportedCeiling]
    ) {
        self.organization = organization
        self.ledger = ledger
        self.authority = authority
        self.now = now
        self.tools = tools
        self.wire = wire
        self.ceilings = ceilings
    }

    /// What the files state, as applied last.
    /// - Throws: `no-topology` before the first apply.
    package func export() throws -> Topology {
        let snapshot = ledger.snapshot
        guard snapshot.hasTopology else {
            throw HubError(.notFound, "no-topology", "nothing has been applied yet", hint: "nave topology apply DIR")
        }
        return snapshot.state.topology
    }

    /// A spoke that could not enforce the change is a finding here; `apply` refuses it. So is a server whose tools would be
    /// refused since nobody approved them; that is the owner's affair.
    /// - Throws: `topology-invalid`, `other-organization`, `other-environment`.
    package func plan(_ request: TopologyRequest) async throws -> Plan {
        let snapshot = ledger.snapshot
        var plan = try plan(request, snapshot, try await ceilings())
        // What was set since is of a revision that the plan did not see, and so the plan is not bound to it.
        let names = plan.changes.map(\.object)
        plan.base = try await ledger.read { registry in
            try names.compactMap { name in
                try registry.objectRevision(name).map { ObjectRevision(object: name, revision: $0) }
            }.filter { $0.revision < snapshot.size }
        }
        let unable = WireVersions(reported: try await wire()).unable(plan, request.topology, snapshot)
        plan.findings += unable.map { Plan.Finding(code: "spoke-too-old", message: $0.description) }
        plan.findings += try await tools.drift(of: request.topology).filter { $0.pin == .enforce }.map { drift in
            Plan.Finding(
                code: "tools-refused",
                message: "server `\(drift.server)` refuses tools: \(drift.changed) changed and \(drift.unapproved) "
                    + "never approved; `nave tool list \(drift.server)`")
        }
        return plan
    }

    private func plan(
        _ request: TopologyRequest, _ snapshot: Snapshot, _ ceilings: [String: ReportedCeiling]
    ) throws -> Plan {
        try plan(request, snapshot, ceilings, from: snapshot.hasTopology ? snapshot.state.topology : nil)
    }

    private func plan(
        _ request: TopologyRequest, _ snapshot: Snapshot, _ ceilings: [String: ReportedCeiling], from current: Topology?
    ) throws -> Plan {
        let now = now()
        let findings = try Self.check(request.topology, organization: organization, current: current, now: now)
        var plan = try planTopology(
            from: current, to: request.topology, masks: snapshot.state.masks, pins: snapshot.state.pins,
            ceilings: ceilings, now: now)
        plan.findings += findings.filter { !plan.findings.contains($0) }
        return plan
    }

    /// Checks again, appends, and revokes the identities of spokes and clients that are gone, in one append.
    /// - Throws: `topology-invalid`, `other-organization`, `needs-removals`, `forbidden`, `spoke-too-old`.
    package func apply(_ request: TopologyRequest, by standing: Standing) async throws -> ApplyAnswer {
        // Once here for the caller's sake, so that no intermediate is made for what is refused; once in the transaction.
        let snapshot = ledger.snapshot
        let ceilings = try await ceilings()
        let expected = try plan(request, snapshot, ceilings)
        try Self.demandPermitted(expected, request, standing)
        try WireVersions(reported: try await wire()).demandEnforceable(expected, request.topology, snapshot)
        for zone in request.topology.zones { try authority.ensureZone(zone.name, now: now()) }
        // If the process dies here: an intermediate of a zone that does not exist, which the next start records.
        let digest = digestText(of: try JSONCoding.canonical(request.topology))
        let result = NIOLockedValueBox((plan: expected, current: Topology?.none))
        let (organization, authority, now) = (organization, authority, now)
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            // Only what permits and binds: nobody else writes meanwhile, and who gains what may take seconds to find.
            let current = try registry.topology()
            _ = try Self.check(request.topology, organization: organization, current: current, now: now())
            let plan = try planObjects(from: current, to: request.topology)
            try Self.demandPermitted(plan, request, standing)
            if let bound = request.bound { try Self.demandUnmoved(plan, bound, registry) }
            result.withLockedValue { $0 = (plan, current) }
            let events = try topologyEvents(from: current, to: request.topology, digest: digest)
            return events + (try Self.farewells(from: current, to: request.topology, registry, now()))
                + (events.isEmpty ? [] : authority.unrecorded(try registry.authorities()))
        }
        let waiting = ledger.snapshot.zonesWithoutAuthority
        let (applied, current) = result.withLockedValue { $0 }
        // Where others changed something in between, what this has changed is found out afterwards: it stays applied.
        let plan =
            applied.changes == expected.changes
            ? expected : (try? self.plan(request, snapshot, ceilings, from: current)) ?? applied
        return ApplyAnswer(
            plan: plan, change: commit?.answer ?? ChangeAnswer(index: nil),
            zonesWithoutAuthority: waiting.isEmpty ? nil : waiting)
    }

    /// That the files are of this hub and mean something.
    /// - Returns: what is legal and probably not meant.
    private static func check(
        _ desired: Topology, organization: String, current: Topology?, now: Instant
    ) throws -> [Plan.Finding] {
        guard desired.organization.domain == organization else {
            throw HubError(
                .unacceptable, "other-organization",
                "the files are of \(quoted(desired.organization.domain)), this hub is of `\(organization)`",
                hint: "`nave context list` shows the hubs you know")
        }
        if let bound = current?.organization.environment, bound != desired.organization.environment {
            let other = desired.organization.environment.map { "of \(quoted($0))" } ?? "of no environment"
            throw HubError(
                .unacceptable, "other-environment", "the files are \(other), this hub is of \(quoted(bound))",
                hint: "one hub, one environment: `nave context list` shows the hubs you know")
        }
        var check = TopologyCheck(desired, now: now)
        check.run()
        check.demandReadable()
        guard check.errors.isEmpty else {
            throw HubError(
                .unacceptable, "topology-invalid", "the topology has \(check.errors.count) problems",
                hint: "`nave topology check` shows them with their places", problems: check.errors.map(\.description))
        }
        return check.findings
    }

    static func demandPermitted(_ plan: Plan, _ request: TopologyRequest, _ standing: Standing) throws(HubError) {
        if !standing.may(.owner, in: nil) {
            for change in plan.changes { try standing.require(.owner, in: zoneToOwn(change.object)) }
            // Who owns no zone at all has nothing to apply here, even when nothing would change.
            guard standing.mayAnywhere(.owner) else { throw HubError.forbidden("applying needs the role owner") }
        }
        guard plan.removals.isEmpty || request.allowRemovals else {
            throw HubError(
                .conflict, "needs-removals", "the topology \(plan.removals.joined(separator: ", "))",
                hint: "if that is meant, say --allow-removals", problems: plan.removals)
        }
    }

    /// That what a saved plan saw is what there is.
    /// - Throws: `plan-moved` with what moved.
    private static func demandUnmoved(_ plan: Plan, _ bound: PlanBinding, _ registry: Registry) throws {
        var moved = Set(plan.changes).symmetricDifference(bound.changes).map(\.object)
        for name in Set(bound.changes.map(\.object)) {
            let seen = bound.base.first { $0.object == name }?.revision
            if try registry.objectRevision(name) != seen { moved.append(name) }
        }
        guard !moved.isEmpty else { return }
        let names = Set(moved.map { "\($0.kind.rawValue) \($0.name)" }).sorted()
        throw HubError(
            .conflict, "plan-moved",
            "since the plan was made, others changed \(names.prefix(5).joined(separator: ", "))",
            hint: "plan again: `nave topology plan DIR --out FILE`", problems: names)
    }

    /// Whose owner may change an object: its zone's, but a zone itself (its roles, its networks) is the organization's.
    private static func zoneToOwn(_ object: ObjectName) -> String? {
        switch object.kind {
        case .organization, .zone: nil
        case .spoke, .client, .server: object.scope
        case .rule: object.name.contains("/") ? object.scope : nil
        }
    }

    /// The end of spokes and clients that the files no longer name, where somebody enrolled as them or still could.
    private static func farewells(
        from current: Topology?, to desired: Topology, _ registry: Registry, _ now: Instant
    ) throws -> [Event] {
        guard let current else { return [] }
        let staying = Set(try desired.memberIdentities())
        let gone = try current.memberIdentities().filter { !staying.contains($0) }
        guard !gone.isEmpty else { return [] }
        let invited = Set(
            try registry.openInvitations().map { try $0.identity(organization: current.organization.domain) })
        return try gone.filter { try invited.contains($0) || registry.latestCertificate($0) != nil }.map {
            .identityRevoked(IdentityRevocation(identity: $0, issuedBefore: now))
        }
    }
}
