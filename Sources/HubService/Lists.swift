import Model
import Storage
import Transport
import Trust

/// What people look at: the registry, and what spokes reported, as rows. Whoever holds a role over single zones only sees
/// those zones.
package struct Lists: Sendable {
    /// Shown of each subject by `status`.
    private static let maximumContradictions = 20

    let ledger: HubLedger
    private let usage: UsageStore
    private let streams: SpokeStreams
    private let trust: HubTrust
    private let publisher: Publisher
    private let certificates: Certificates
    private let tools: ToolService
    private let since: Instant
    let now: @Sendable () -> Instant

    package init(
        ledger: HubLedger, usage: UsageStore, streams: SpokeStreams, trust: HubTrust, publisher: Publisher,
        certificates: Certificates, tools: ToolService, now: @escaping @Sendable () -> Instant
    ) {
        self.ledger = ledger
        self.usage = usage
        self.streams = streams
        self.trust = trust
        self.publisher = publisher
        self.certificates = certificates
        self.tools = tools
        self.now = now
        since = now()
    }

    package func zones(_ standing: Standing) -> [ZoneRow] {
        let topology = ledger.snapshot.state.topology
        return topology.zones.filter { standing.may(.auditor, in: $0.name) }.map { zone in
            ZoneRow(
                name: zone.name, classification: zone.classification, region: zone.region,
                spokes: topology.spokes.count { $0.zone == zone.name },
                servers: topology.servers.count { $0.zone == zone.name },
                clients: topology.clients.count { $0.zone == zone.name },
                rules: topology.rules.count { $0.zone == zone.name })
        }
    }

    package func servers(_ query: Query, _ standing: Standing) async throws -> [ServerRow] {
        let limit = try query.limit(standard: 1000, maximum: 10_000)
        let label = query["label"].map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        let topology = ledger.snapshot.state.topology
        let statuses = try await usage.statuses()
        let found = topology.servers.filter { server in
            standing.may(.auditor, in: server.zone) && (query["zone"].map { $0 == server.zone } ?? true)
                && (label.map { $0.count == 2 && server.labels?[$0[0]] == $0[1] } ?? true)
        }
        return found.prefix(limit).map { server in
            let reported = server.spokes.map { name in
                (name, statuses["\(server.zone)/\(name)"]?.report.servers.first { $0.name == server.fullName })
            }
            return ServerRow(
                name: server.fullName, classification: server.classification, owner: server.owner?.description,
                labels: server.labels ?? [:],
                endpoints: Access.endpoints(
                    of: server, organization: topology.organization.domain, statuses: statuses
                ).map(\.url),
                spokes: Dictionary(reported.map { ($0, $1?.state ?? .unknown) }) { first, _ in first },
                tools: Set(reported.flatMap { $1?.tools ?? [] }).sorted(), enforcement: server.enforcement)
        }
    }

    /// - Throws: `forbidden`, `bad-query`; `too-many-rows`, rather than a part of what was seen.
    package func uses(of server: String, _ query: Query, _ standing: Standing) async throws -> [UsageRow] {
        try standing.require(.auditor, in: String(server.prefix { $0 != "/" }))
        let rows = try await usage.usage(
            of: server, since: try query.instant("since"), limit: UsageRow.maximumRows + 1)
        guard rows.count <= UsageRow.maximumRows else {
            throw HubError(
                .unacceptable, "too-many-rows", "more than \(UsageRow.maximumRows) things were used",
                hint: "ask for a shorter time: `--since 1d`")
        }
        return rows
    }

    package func spokes(_ query: Query, _ standing: Standing) async throws -> [MemberRow] {
        let snapshot = ledger.snapshot
        let statuses = try await usage.statuses()
        let connected = streams.connected
        let spokes = snapshot.state.topology.spokes
        return try rows(query, standing, .spoke, spokes.map { ($0.zone, $0.name) }, snapshot) { row in
            row.connected = connected.contains(row.name)
            row.lastSeen = row.connected ? now() : statuses[row.name]?.received
            row.revision = statuses[row.name]?.report.applied?.revision
        }
    }

    package func clients(_ query: Query, _ standing: Standing) throws -> [MemberRow] {
        let snapshot = ledger.snapshot
        let connected = trust.connections.identities
        let clients = snapshot.state.topology.clients
        return try rows(query, standing, .client, clients.map { ($0.zone, $0.name) }, snapshot) { row in
            row.connected = connected.contains(row.identity)
        }
    }

    private func rows(
        _ query: Query, _ standing: Standing, _ kind: Invitation.Kind, _ members: [(zone: String, name: String)],
        _ snapshot: Snapshot, _ complete: (inout MemberRow) -> Void
    ) throws -> [MemberRow] {
        let limit = try query.limit(standard: 1000, maximum: 10_000)
        let organization = snapshot.state.topology.organization.domain
        let found = members.filter { member in
            standing.may(.auditor, in: member.zone) && (query["zone"].map { $0 == member.zone } ?? true)
        }
        return try found.prefix(limit).map { member in
            let identity = try Member(kind: kind, zone: member.zone, name: member.name).identity(
                organization: organization)
            let certificate = snapshot.certificates[identity]
            var row = MemberRow(
                name: "\(member.zone)/\(member.name)", identity: identity,
                enrolment: Self.enrolment(of: identity, kind, member, snapshot, now()),
                certificateUntil: certificate?.notAfter, connected: false, lastSeen: nil, revision: nil)
            complete(&row)
            return row
        }
    }

    static func enrolment(
        of identity: SPIFFEID, _ kind: Invitation.Kind, _ member: (zone: String?, name: String), _ snapshot: Snapshot,
        _ now: Instant
    ) -> MemberRow.Enrolment {
        let certificate = snapshot.certificates[identity]
        let isRevoked = certificate.map(snapshot.revocations.contains) ?? false
        if let certificate, now < certificate.notAfter, !isRevoked {
            return .enrolled
        }
        let isInvited = snapshot.invitations.contains {
            $0.kind == kind && $0.zone == member.zone && $0.name == member.name && now < $0.expires
        }
        if isInvited { return .invited }
        return isRevoked || snapshot.revocations.identities[identity] != nil ? .revoked : .none
    }

    package func decisions(_ query: Query, _ standing: Standing) async throws -> [DecisionRow] {
        let limit = try query.limit()
        let verdict = try query["verdict"].map { text throws(HubError) in
            guard let verdict = DecisionRecord.Verdict(rawValue: text) else {
                throw HubError(.invalid, "bad-query", "\(quoted(text)) is no verdict", hint: "allow, deny or wouldDeny")
            }
            return verdict
        }
        let zone = query["zone"] ?? query["server"].flatMap { $0.split(separator: "/").first.map(String.init) }
        // All zones at once is for those who may see all zones.
        try standing.require(.auditor, in: zone)
        return try await usage.decisions(
            DecisionFilter(
                zone: query["zone"], server: query["server"], caller: query["caller"], verdict: verdict,
                since: try query.instant("since")),
            limit: limit)
    }

    package func rollout(_ query: Query, _ standing: Standing) async throws -> Rollout {
        rollout(zone: query["zone"], standing, try await usage.statuses())
    }

    private func rollout(zone: String?, _ standing: Standing, _ statuses: [String: SpokeStatus]) -> Rollout {
        let state = ledger.snapshot.state
        let connected = streams.connected
        let spokes = state.topology.spokes.filter { spoke in
            standing.may(.auditor, in: spoke.zone) && (zone.map { $0 == spoke.zone } ?? true)
        }
        return Rollout(
            rows: spokes.map { spoke in
                Self.rolloutRow(
                    spoke.fullName, wanted: state.revision(ofZone: spoke.zone), status: statuses[spoke.fullName],
                    connected: connected.contains(spoke.fullName), now: now())
            })
    }

    static func rolloutRow(
        _ spoke: String, wanted: Int64, status: SpokeStatus?, connected: Bool, now: Instant
    ) -> Rollout.Row {
        let applied = status?.report.applied?.revision
        let state: Rollout.State
        var detail: String?
        if let refused = status?.report.refused {
            state = .refused
            detail = "\(refused.code): \(refused.detail)"
        } else if let applied {
            state = applied == wanted ? .current : .behind
            // After a restore from an old backup.
            if applied > wanted { detail = "it enforces a revision that this ledger does not have" }
        } else {
            state = .neverSeen
        }
        return Rollout.Row(
            spoke: spoke, state: state, wanted: wanted, applied: applied, detail: detail, connected: connected,
            lastSeen: connected ? now : status?.received)
    }

    package func status(_ standing: Standing) async throws -> HubStatus {
        let snapshot = ledger.snapshot
        let topology = snapshot.state.topology
        let statuses = try await usage.statuses()
        let mayAll = standing.may(.auditor, in: nil)
        let forks = mayAll ? try await usage.contradictions(of: .ledger, limit: Self.maximumContradictions) : []
        func visible(_ zone: String?) -> Bool { standing.may(.auditor, in: zone) }
        let drift = try await tools.drift(visible)
        return HubStatus(
            organization: topology.organization.domain, version: HubProgram.version, since: since,
            ledgerSize: snapshot.size, checkpoint: snapshot.checkpoint,
            zones: topology.zones.count { visible($0.name) }, servers: topology.servers.count { visible($0.zone) },
            clients: topology.clients.count { visible($0.zone) }, rules: topology.rules.count { visible($0.zone) },
            rollout: rollout(zone: nil, standing, statuses),
            openReviews: snapshot.reviews.values.filter { $0.state == .open && visible($0.opened.zone) }
                .map(\.opened.id).sorted(),
            denials: mayAll ? try await usage.denials(since: now() - .hours(24)) : 0,
            contradictions: forks,
            expiring: certificates.expiring(standing),
            alarms: mayAll ? try await ledger.recoveredOwners().map(\.alarm) + journalAlarms(statuses) : nil,
            observed: observed(topology, visible), rotations: snapshot.rotations(standing),
            zonesWithoutAuthority: snapshot.zonesWithoutAuthority.filter(visible), drift: drift.isEmpty ? nil : drift)
    }

    /// Servers whose rules are only tried out; nil for none.
    private func observed(_ topology: Topology, _ visible: (String?) -> Bool) -> [ObservedServer]? {
        let found = topology.servers.compactMap { server -> ObservedServer? in
            guard let enforcement = server.enforcement, enforcement.until > now(), visible(server.zone) else {
                return nil
            }
            return ObservedServer(name: server.fullName, until: enforcement.until, reason: enforcement.reason ?? "")
        }
        return found.isEmpty ? nil : found
    }

    /// Journals that cannot be written as they should be, and those that were rewritten.
    private func journalAlarms(_ statuses: [String: SpokeStatus]) async throws -> [String] {
        let troubled = statuses.values.sorted { $0.spoke < $1.spoke }.compactMap { status in
            status.report.trouble.map { trouble in
                let what = trouble.state == .full ? "is full, calls are denied" : "goes to the second place"
                let lost = trouble.lost > 0 ? "; \(trouble.lost) lines found no room" : ""
                return "the journal of spoke \(status.spoke) \(what), since \(trouble.since)\(lost)"
            }
        }
        let rewritten = try await usage.contradictions(of: .journals, limit: Self.maximumContradictions).map { found in
            let more = found.more.map { ", and \($0) times before that" } ?? ""
            return "\(found.source): \(found.problem) (\(found.at))\(more)"
        }
        return troubled + rewritten
    }

    /// What a spoke is given, as bytes of a `Delivery`.
    /// - Throws: `unknown-spoke`, `forbidden`.
    package func bundle(zone: String, spoke: String, _ standing: Standing) async throws -> [UInt8] {
        try standing.require(.auditor, in: zone)
        guard let delivery = try await publisher.delivery(for: "\(zone)/\(spoke)") else {
            throw HubError(.notFound, "unknown-spoke", "the topology has no spoke \(quoted("\(zone)/\(spoke)"))")
        }
        return delivery.json
    }
}
