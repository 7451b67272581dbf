import Model
import Storage
import Transport
import Trust

/// The services behind the table.
package struct Services: Sendable {
    package var enrolment: Enrolment
    package var renewal: Renewal
    package var certificates: Certificates
    package var topology: TopologyService
    package var reports: ReportService
    package var access: Access
    package var accessLists: AccessLists
    package var lists: Lists
    package var reviews: ReviewService
    package var manifests: ManifestService
    package var authorities: AuthorityService
    package var persons: PersonErasure
    package var ledgerViews: LedgerViews
    package var checkpoints: CheckpointComparison
    package var anchoring: JournalAnchoring
    package var tools: ToolService

    package init(
        enrolment: Enrolment, renewal: Renewal, certificates: Certificates, topology: TopologyService,
        reports: ReportService, access: Access, accessLists: AccessLists, lists: Lists, reviews: ReviewService,
        manifests: ManifestService,
        authorities: AuthorityService, persons: PersonErasure, ledgerViews: LedgerViews,
        checkpoints: CheckpointComparison, anchoring: JournalAnchoring, tools: ToolService
    ) {
        self.enrolment = enrolment
        self.renewal = renewal
        self.certificates = certificates
        self.topology = topology
        self.reports = reports
        self.access = access
        self.accessLists = accessLists
        self.lists = lists
        self.reviews = reviews
        self.ledgerViews = ledgerViews
        self.checkpoints = checkpoints
        self.anchoring = anchoring
        self.tools = tools
        self.manifests = manifests
        self.authorities = authorities
        self.persons = persons
    }
}

/// From a row's name to the service that answers: decode, call, encode, no more.
package struct RouteHandlers: Sendable {
    let services: Services
    let ledger: HubLedger
    private let organization: String
    private let limiter = RateLimiter()
    private let now: @Sendable () -> Instant

    package init(
        services: Services, ledger: HubLedger, organization: String, now: @escaping @Sendable () -> Instant
    ) {
        self.services = services
        self.ledger = ledger
        self.organization = organization
        self.now = now
    }

    /// What holds before a body is read: the caller's rate, then the row's demand on the caller and on the query.
    /// - Throws: `too-many-requests`, `forbidden`, `no-certificate`, `unknown-parameter`.
    package func admit(_ call: Call) throws -> Requester {
        try limiter.admit(call.route, caller: call.account, now: now())
        let requester = try requester(call.route.caller, call.identity)
        try call.query.allow(call.route.query)
        return requester
    }

    package func requester(_ demand: Route.Caller, _ identity: SPIFFEID?) throws -> Requester {
        if demand == .anybody { return .anybody }
        guard let identity else { throw HubError(.forbidden, "no-certificate", "this needs a client certificate") }
        let snapshot = ledger.snapshot
        switch demand {
        case .anybody: return .anybody
        case .spoke:
            guard let spoke = Member(identity, kind: .spoke, organization: organization),
                snapshot.state.topology.registers(identity)
            else {
                throw HubError.forbidden("only spokes of the topology may do this, not \(quoted(identity.description))")
            }
            return .spoke(spoke)
        case .client:
            let isClient = Member(identity, kind: .client, organization: organization) != nil
            guard isUser(identity) || (isClient && snapshot.state.topology.registers(identity)) else {
                throw HubError.forbidden("only clients and users may do this, not \(quoted(identity.description))")
            }
            return .client(identity)
        case .member:
            guard isUser(identity) || snapshot.state.topology.registers(identity) else {
                throw HubError.forbidden("the topology has no \(quoted(identity.description))")
            }
            return .member(identity)
        case .user(let role, let scope):
            guard isUser(identity) else {
                throw HubError.forbidden("only users may do this, not \(quoted(identity.description))")
            }
            let standing = Standing(of: identity, snapshot)
            switch scope {
            case .organization: try standing.require(role, in: nil)
            case .named:
                guard standing.mayAnywhere(role) else {
                    throw HubError.forbidden("this needs the role \(role.rawValue), which you hold nowhere")
                }
            }
            return .user(standing)
        }
    }

    private func isUser(_ identity: SPIFFEID) -> Bool {
        identity.trustDomain == organization && identity.kind == "user" && identity.path.count == 2
    }

    package func answer(_ call: Call, from requester: Requester) async throws -> Reply {
        switch requester {
        case .anybody: try await answer(call)
        case .spoke(let spoke): try await answer(call, from: spoke)
        case .client(let identity), .member(let identity): try await answer(call, from: identity)
        case .user(let standing): try await answer(call, from: standing)
        }
    }

    private func answer(_ call: Call) async throws -> Reply {
        switch call.route.name {
        case .health: return .json(Array(#"{"status":"ok"}"#.utf8))
        case .enrol:
            return try .coded(
                try await services.enrolment.enrol(try call.decoded(EnrolRequest.self), from: call.address))
        case .renewalNonce:
            _ = try call.decoded(RenewalNonceRequest.self)
            return try .coded(try services.renewal.nonce())
        case .renewExpired:
            return try .coded(
                try await services.renewal.renewExpired(
                    try call.decoded(ExpiredRenewRequest.self), from: call.address))
        case .crl:
            return .bytes(
                try await services.certificates.revocationList(of: try call.parameter("zone")),
                type: "application/pkix-crl")
        default: throw Self.mismatch(call)
        }
    }

    private func answer(_ call: Call, from spoke: Member) async throws -> Reply {
        switch call.route.name {
        case .spokeStream:
            .stream(spoke, manifest: try call.query.manifestVersion(), checkpoint: call.checkpoint)
        case .spokeReports:
            try .coded(try await services.reports.merge(try call.decoded(Report.self), from: spoke))
        default: throw Self.mismatch(call)
        }
    }

    private func answer(_ call: Call, from identity: SPIFFEID) async throws -> Reply {
        switch call.route.name {
        case .resolve:
            try .coded(
                try await services.access.resolve(
                    "\(try call.parameter("zone"))/\(try call.parameter("server"))", for: identity))
        case .renew:
            try .coded(
                try await services.renewal.renew(
                    try call.decoded(RenewRequest.self), of: identity, over: try call.demandPeer()))
        case .trust: try .coded(try services.manifests.links(call.query))
        default: throw Self.mismatch(call)
        }
    }

    private func answer(_ call: Call, from standing: Standing) async throws -> Reply {
        let (lists, query) = (services.lists, call.query)
        switch call.route.name {
        case .planTopology: return try .coded(try await services.topology.plan(try call.decoded(TopologyRequest.self)))
        case .applyTopology:
            return try .coded(try await services.topology.apply(try call.decoded(TopologyRequest.self), by: standing))
        case .exportTopology: return try .coded(try services.topology.export())
        case .invite:
            return try .coded(
                try await services.enrolment.invite(try call.decoded(InvitationRequest.self), by: standing))
        case .revokeIdentity:
            return try .coded(
                try await services.enrolment.revoke(try call.decoded(RevocationRequest.self), by: standing))
        case .certificates: return try .coded(try await services.certificates.list(query, standing))
        case .certificate:
            return try .coded(try await services.certificates.show(try call.parameter("serial"), standing))
        case .revokeCertificate:
            return try .coded(
                try await services.certificates.revoke(
                    try call.decoded(CertificateRevocationRequest.self), by: standing))
        case .zones: return try .coded(lists.zones(standing))
        case .servers: return try .coded(try await lists.servers(query, standing))
        case .spokes: return try .coded(try await lists.spokes(query, standing))
        case .clients: return try .coded(try lists.clients(query, standing))
        case .users: return try .coded(try await lists.users(query))
        case .decisions: return try .coded(try await lists.decisions(query, standing))
        case .rollout: return try .coded(try await lists.rollout(query, standing))
        case .status: return try .coded(try await lists.status(standing))
        case .bundle:
            return .json(
                try await lists.bundle(zone: try call.parameter("zone"), spoke: try call.parameter("spoke"), standing))
        case .tools: return try .coded(try await services.tools.list(query, standing))
        case .tool:
            let server = "\(try call.parameter("zone"))/\(try call.parameter("server"))"
            return try .coded(try await services.tools.show(server, query, standing))
        case .approveTools:
            return try .coded(
                try await services.tools.approve(try call.decoded(ApproveToolsRequest.self), by: standing))
        case .withdrawTools:
            return try .coded(
                try await services.tools.withdraw(try call.decoded(WithdrawToolsRequest.self), by: standing))
        case .explain:
            return try .coded(try await services.access.explain(try call.decoded(ExplainRequest.self), by: standing))
        case .accessList:
            return try .coded(
                try await services.accessLists.list(try call.decoded(AccessRequest.self), by: standing))
        case .usage:
            return try .coded(
                try await lists.uses(
                    of: "\(try call.parameter("zone"))/\(try call.parameter("server"))", query, standing))
        case .openReview, .listReviews, .showReview, .reviewReport, .decideItem, .reinstateItem, .closeReview:
            return try await answerReview(call, from: standing)
        case .rotateTrust:
            return try .coded(try await services.manifests.prepare(try call.decoded(RotateRequest.self)))
        case .publishTrust:
            return try .coded(
                try await services.manifests.publish(try call.decoded(PublishManifestRequest.self), by: standing))
        case .authorities, .prepareAuthority, .activateAuthority, .taintAuthority, .retireAuthority:
            return try await answerAuthority(call, from: standing)
        case .erasePerson:
            return try .coded(
                try await services.persons.erase(try call.decoded(EraseRequest.self), by: standing))
        case .ledgerEntries: return try .coded(try await services.ledgerViews.entries(query))
        case .ledgerLeaves: return try .coded(try await services.ledgerViews.leaves(query))
        case .ledgerCheckpoint: return try .coded(try await services.ledgerViews.checkpoint(query))
        case .ledgerJournals: return try .coded(try await services.anchoring.anchors(query, standing))
        case .enrol, .health, .spokeStream, .spokeReports, .resolve, .renew, .renewalNonce, .renewExpired, .crl, .trust:
            throw Self.mismatch(call)
        }
    }

    private func answerAuthority(_ call: Call, from standing: Standing) async throws -> Reply {
        let authorities = services.authorities
        if call.route.name == .authorities { return try .coded(try await authorities.list(standing)) }
        let (name, request) = (try call.parameter("name"), try call.decoded(AuthorityRequest.self))
        switch call.route.name {
        case .prepareAuthority: return try .coded(try await authorities.prepare(name, request, by: standing))
        case .activateAuthority: return try .coded(try await authorities.activate(name, request, by: standing))
        case .taintAuthority: return try .coded(try await authorities.taint(name, request, by: standing))
        case .retireAuthority: return try .coded(try await authorities.retire(name, request, by: standing))
        default: throw Self.mismatch(call)
        }
    }

    private func answerReview(_ call: Call, from standing: Standing) async throws -> Reply {
        let reviews = services.reviews
        switch call.route.name {
        case .openReview:
            return try .coded(try await reviews.open(try call.decoded(OpenReviewRequest.self), by: standing))
        case .listReviews: return try .coded(try reviews.list(call.query, standing))
        case .showReview: return try .coded(try await reviews.show(try call.parameter("id"), to: standing))
        case .reviewReport: return try .coded(try await reviews.report(try call.parameter("id"), to: standing))
        case .decideItem:
            return try .coded(
                try await reviews.decide(
                    try call.parameter("id"), item: try Self.item(call), try call.decoded(DecideItemRequest.self),
                    by: standing))
        case .reinstateItem:
            return try .coded(
                try await reviews.reinstate(
                    try call.parameter("id"), item: try Self.item(call), try call.decoded(ReinstateRequest.self),
                    by: standing))
        case .closeReview:
            return try .coded(
                try await reviews.close(
                    try call.parameter("id"), try call.decoded(CloseReviewRequest.self), by: standing))
        default: throw Self.mismatch(call)
        }
    }

    private static func item(_ call: Call) throws -> Int {
        let text = try call.parameter("number")
        guard let number = Int(text) else {
            throw HubError(.notFound, "unknown-item", "\(quoted(text)) numbers no item of a review")
        }
        return number
    }

    /// A row whose demand on the caller changed without its handler: refused, and seen by the test of all rows.
    private static func mismatch(_ call: Call) -> HubError {
        HubError(.broken, "internal", "the route `\(call.route.path)` has no handler for its caller")
    }
}
