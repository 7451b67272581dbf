import Model
import Storage
import Trust

/// A seeded stream of appends as a hub could make them, and the personal values that it put into them.
struct PlausibleEvents {
    private var state: UInt64
    private var number = 0
    private var zones: [String] = []
    private var objects: [ObjectName] = []
    private var invitations: [(id: String, identity: SPIFFEID)] = []
    private var identities: [SPIFFEID] = []
    private var serials: [String] = []
    private var revocations: [String] = []
    private var reviews: [(id: String, zone: String, items: [ReviewItem], open: Set<Int>)] = []
    private var authorities: [(name: String, serial: String, state: AuthorityState)] = []
    private(set) var personal: [String] = []

    init(seed: UInt64) { state = seed }

    struct Append: Sendable {
        var author: Author
        var why: String?
        var events: [Event]
    }

    mutating func next() throws -> Append {
        number += 1
        let author = try Author(requester: SPIFFEID("spiffe://corp.example/user/u\(pick(5))"))
        let why = pick(3) == 0 ? nil : secret("because of ticket")
        return Append(author: author, why: why, events: try events())
    }

    private mutating func events() throws -> [Event] {
        if zones.count < 2 { return try apply() }
        switch pick(16) {
        case 0...3: return try apply()
        case 4, 5: return try invite()
        case 6: return try issue()
        case 7: return try revokeIdentity()
        case 8:
            return serials.isEmpty
                ? [] : [.certificateRevoked(CertificateRevoked(serial: serials[pick(serials.count)]))]
        case 9: return try revokeGrant()
        case 10: return try review()
        case 11:
            let root = digestText(of: Array("\(number)".utf8))
            return [.bundlesPublished(BundlesPublished(revision: Int64(number), root: root, count: 3))]
        case 12: return authority()
        case 14: return approveTools()
        case 13:
            let root = digestText(of: Array("journals \(number)".utf8))
            return [.journalsAnchored(JournalsAnchored(root: root, count: 2))]
        default:
            let identity = try SPIFFEID("spiffe://corp.example/user/u\(pick(9))")
            return [.roleGranted(RoleGranted(identity: identity, role: Role.allCases[pick(3)]))]
        }
    }

    private mutating func apply() throws -> [Event] {
        var made: [Event] = []
        if number == 1 {
            made.append(try set(.organization, "corp.example", Organization(domain: "corp.example")))
        }
        let zone = zones.count < 2 || pick(9) == 0 ? "zone\(number)" : zones[pick(zones.count)]
        if !zones.contains(zone) {
            zones.append(zone)
            let description = secret("Zone of")
            made.append(
                try set(
                    .zone, zone,
                    Zone(
                        name: zone, description: description, classification: .internal,
                        networks: [Network("10.0.0.0/8")])))
        }
        let name = "\(zone)/n\(pick(6))"
        let short = String(name.split(separator: "/")[1])
        let owner = try Principal("user:\(address())")
        switch pick(5) {
        case 0: made.append(try set(.spoke, name, Spoke(zone: zone, name: short)))
        case 1:
            made.append(try set(.client, name, Client(zone: zone, name: short, owner: owner, purpose: secret("for"))))
        case 2:
            let server = Server(
                zone: zone, name: short, description: secret("Books of"), owner: owner, spokes: ["n1"],
                classification: .internal, labels: ["tier": "gold"])
            made.append(try set(.server, name, server))
        case 3:
            let rule = Rule(
                id: name, effect: .allow, capabilities: [try CapabilityPattern("tool:read_*")],
                to: [owner, try Principal("zone:\(zone)")], reason: secret("needed for"))
            made.append(try set(.rule, name, rule))
        default:
            let removable = objects.filter { $0.kind != .organization && $0.kind != .zone }
            if !removable.isEmpty {
                let gone = removable[pick(removable.count)]
                objects.removeAll { $0 == gone }
                made.append(.objectRemoved(gone))
            }
        }
        guard !made.isEmpty else { return [] }
        return [.topologyApplied(TopologyApplied(topology: digestText(of: [1]), set: Int64(made.count), removed: 0))]
            + made
    }

    private mutating func set(_ kind: ObjectKind, _ name: String, _ value: some Encodable) throws -> Event {
        let object = ObjectName(kind: kind, name: name)
        if !objects.contains(object) { objects.append(object) }
        return .objectSet(ObjectSet(kind: kind, name: name, value: try JSONCoding.encode(value)))
    }

    private mutating func invite() throws -> [Event] {
        let kind = Invitation.Kind.allCases[pick(3)]
        let invitation = Invitation(
            id: "in-\(number)", kind: kind, zone: kind == .user ? nil : zones[pick(zones.count)], name: "n\(pick(6))",
            secretHash: digestText(of: Array("\(number)".utf8)), expires: TestHub.start + .days(1),
            address: kind == .user ? address() : nil)
        invitations.append((invitation.id, try invitation.identity(organization: TestHub.organization)))
        return [.invitationCreated(invitation)]
    }

    private mutating func issue() throws -> [Event] {
        let isRenewal = !identities.isEmpty && pick(2) == 0
        guard isRenewal || !invitations.isEmpty else { return [] }
        let invitation = isRenewal ? nil : invitations.remove(at: pick(invitations.count))
        let identity = invitation?.identity ?? identities[pick(identities.count)]
        identities.append(identity)
        let serial = Hex.encode(SHA256.hash(Array("serial \(number)".utf8)).prefix(8))
        serials.append(serial)
        return [
            .certificateIssued(
                CertificateIssued(
                    identity: identity, serial: serial, notBefore: TestHub.start, notAfter: TestHub.start + .days(7),
                    key: digestText(of: [2]), certificate: "MAA=", invitation: invitation?.id))
        ]
    }

    private mutating func revokeIdentity() throws -> [Event] {
        guard !identities.isEmpty else { return [] }
        let identity = identities[pick(identities.count)]
        // Its open invitations are void then.
        invitations.removeAll { $0.identity == identity }
        return [
            .identityRevoked(
                IdentityRevocation(identity: identity, issuedBefore: TestHub.start + .seconds(Int64(pick(99)))))
        ]
    }

    private mutating func revokeGrant() throws -> [Event] {
        if !revocations.isEmpty, pick(3) == 0 {
            return [.grantReinstated(GrantReinstated(id: revocations.remove(at: pick(revocations.count))))]
        }
        revocations.append("rv-\(number)")
        return [
            .grantRevoked(
                GrantRevoked(
                    id: "rv-\(number)", principal: try Principal("user:\(address())"),
                    server: "\(zones[pick(zones.count)])/n1", capabilities: [try CapabilityPattern("*")],
                    cause: .revoked,
                    item: nil))
        ]
    }

    private mutating func review() throws -> [Event] {
        if let index = reviews.indices.first(where: { _ in pick(2) == 0 }) {
            let review = reviews[index]
            guard let item = review.open.sorted().first else {
                reviews.remove(at: index)
                return [.reviewClosed(ReviewClosed(review: review.id, kept: 1, revoked: 1, lapsed: 0))]
            }
            reviews[index].open.remove(item)
            let verdict = Verdict.allCases[pick(2)]
            let decided = Event.reviewDecided(ReviewDecided(review: review.id, item: item, verdict: verdict))
            guard verdict == .revoke else { return [decided] }
            let grant = review.items[item - 1].grant
            revocations.append("rv-\(review.id)-\(item)")
            return [
                decided,
                .grantRevoked(
                    GrantRevoked(
                        id: "rv-\(review.id)-\(item)", principal: grant.principal, server: grant.server,
                        capabilities: grant.capabilities, cause: .revoked, item: "\(review.id)/\(item)")),
            ]
        }
        let zone = zones[pick(zones.count)]
        guard !reviews.contains(where: { $0.zone == zone }) else { return [] }
        let items = try (1...3).map { number in
            ReviewItem(
                number: number,
                grant: Grant(
                    principal: try Principal("user:\(address())"), server: "\(zone)/n\(number)",
                    capabilities: [try CapabilityPattern("tool:*")], rule: "\(zone)/r"))
        }
        reviews.append(("ar-\(number)", zone, items, [1, 2, 3]))
        return [
            .reviewOpened(
                ReviewOpened(
                    id: "ar-\(number)", zone: zone, due: TestHub.start + .days(1), items: items,
                    evidence: digestText(of: Self.evidence)))
        ]
    }

    /// The next step of an authority, in the order of its life.
    private mutating func authority() -> [Event] {
        let name = ["root", "organization", zones[0]][pick(3)]
        if let index = authorities.firstIndex(where: { $0.name == name && $0.state == .prepared }) {
            for other in authorities.indices
            where authorities[other].name == name && authorities[other].state == .active {
                authorities[other].state = .old
            }
            authorities[index].state = .active
            return [.authorityActivated(AuthorityStep(name: name, serial: authorities[index].serial))]
        }
        if pick(2) == 0, let index = authorities.firstIndex(where: { $0.name == name && $0.state == .old }) {
            authorities[index].state = .tainted
            return [.authorityTainted(AuthorityStep(name: name, serial: authorities[index].serial))]
        }
        if pick(2) == 0, let index = authorities.firstIndex(where: { $0.name == name && $0.state == .tainted }) {
            authorities[index].state = .retired
            let serial = authorities[index].serial
            let key = pick(2) == 0 ? digestText(of: Array(serial.utf8)) : nil
            return [.authorityRetired(AuthorityStep(name: name, serial: serial, key: key))]
        }
        let serial = Hex.encode(SHA256.hash(Array("authority \(number)".utf8)).prefix(8))
        authorities.append((name, serial, .prepared))
        return [
            .authorityPrepared(
                AuthorityPrepared(
                    name: name, serial: serial, issuer: serial, certificate: "MAA=",
                    cross: name == "root" ? "MAA=" : nil))
        ]
    }

    private mutating func approveTools() -> [Event] {
        let servers = objects.filter { $0.kind == .server }
        guard !servers.isEmpty else { return [] }
        let definitions = (0...pick(3)).map { _ in
            ToolDefinition(
                name: "t\(pick(4))", digest: digestText(of: [UInt8(pick(5))]), readOnly: [nil, true, false][pick(3)])
        }
        let approved = ToolsApproved(
            server: servers[pick(servers.count)].name, definitions: definitions,
            firstSeenBefore: pick(2) == 0 ? TestHub.start : nil)
        guard number.isMultiple(of: 3) else { return [.toolsApproved(approved)] }
        return [
            .toolsWithdrawn(ToolsWithdrawn(server: approved.server, tools: Set(definitions.map(\.name)).sorted()))
        ]
    }

    /// The artifact that every review names.
    static let evidence = Array("evidence".utf8)

    private mutating func address() -> String {
        let address = "person\(pick(20))@mail.example"
        personal.append(address)
        return address
    }

    private mutating func secret(_ text: String) -> String {
        let text = "\(text) \(pick(1000)) secret"
        personal.append(text)
        return text
    }

    /// SplitMix64, so that a seed names a run.
    private mutating func pick(_ count: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(count))
    }
}

extension TestHub {
    /// A hub with so many plausible appends behind it.
    static func filled(seed: UInt64, appends: Int) async throws -> (hub: TestHub, events: PlausibleEvents) {
        let hub = try await TestHub.opened()
        var events = PlausibleEvents(seed: seed)
        for _ in 0..<appends { try await hub.append(try events.next()) }
        return (hub, events)
    }

    func append(_ next: PlausibleEvents.Append) async throws {
        _ = try await ledger.append(by: next.author, why: next.why) { registry in
            for case .reviewOpened in next.events { _ = try registry.keep(artifact: PlausibleEvents.evidence) }
            return next.events
        }
    }
}
