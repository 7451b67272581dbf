import Foundation
import HubService
import Logging
import Model
import NIOConcurrencyHelpers
import Storage
import TestSupport
import Trust

/// A hub without sockets: made by `HubInit` in a directory of its own, with a clock that the test moves.
final class TestHub: Sendable {
    static let start = Instant(milliseconds: 1_795_248_000_000)  // 2026-11-21

    let directory: TemporaryDirectory
    let parts: HubParts
    let owner: Standing
    private let clock: NIOLockedValueBox<Instant>

    private init(
        _ directory: TemporaryDirectory, _ parts: HubParts, _ owner: Standing, _ clock: NIOLockedValueBox<Instant>
    ) {
        self.directory = directory
        self.parts = parts
        self.owner = owner
        self.clock = clock
    }

    static func made() async throws -> TestHub {
        let directory = try TemporaryDirectory()
        let clock = NIOLockedValueBox(start)
        let now: @Sendable () -> Instant = { clock.withLockedValue { $0 } }
        try await HubInit(
            data: directory.file("hub"), organization: "corp.example", listen: "127.0.0.1:8443", front: nil,
            adminContext: directory.file("admin.json")
        ).run(now: now)
        let parts = try await HubParts(quietly: directory.file("hub"), now: now)
        let context = try JSONCoding.decode(HubContext.self, from: Array(try directory.read("admin.json").utf8))
        let owner = Standing(of: context.identity, parts.ledger.snapshot)
        return TestHub(directory, parts, owner, clock)
    }

    /// One with the topology of `TestHub.topology` in force.
    static func applied() async throws -> TestHub {
        let hub = try await made()
        _ = try await hub.apply(topology())
        return hub
    }

    var now: Instant { clock.withLockedValue { $0 } }
    func advance(by span: Milliseconds) { clock.withLockedValue { $0 = $0 + span } }

    @discardableResult
    func apply(_ topology: Topology, allowRemovals: Bool = false, by standing: Standing? = nil) async throws
        -> ApplyAnswer
    {
        try await parts.services.topology.apply(
            TopologyRequest(topology: topology, allowRemovals: allowRemovals), by: standing ?? owner)
    }

    func invite(
        _ kind: Invitation.Kind, _ zone: String? = "finance", _ name: String? = "fin-1", address: String? = nil,
        validFor: Milliseconds? = nil, replace: Bool? = nil, by standing: Standing? = nil
    ) async throws -> JoinToken {
        let answer = try await parts.services.enrolment.invite(
            InvitationRequest(
                kind: kind, zone: zone, name: name, address: address, validFor: validFor, replace: replace),
            by: standing ?? owner)
        return try JoinToken(parsing: answer.token)
    }

    func enrol(_ token: JoinToken, _ key: PrivateKey) async throws -> EnrolAnswer {
        let csr = Base64.encode(try CertificateRequest.make(key: key))
        return try await parts.services.enrolment.enrol(
            token.request(csr: csr), from: "127.0.0.1")
    }

    /// As `HubParts.renew`.
    func renew(_ leaf: Certificate, for key: PrivateKey? = nil) async throws -> EnrolAnswer {
        try await parts.renew(leaf, for: key)
    }

    /// Two zones; finance has two spokes, two servers, a client and a rule.
    static func topology(_ change: (inout Topology) throws -> Void = { _ in }) throws -> Topology {
        let networks = [try Network("127.0.0.0/8")]
        var topology = Topology(
            organization: Organization(
                domain: "corp.example", roles: Roles(auditor: [try Principal("user:aud@corp.example")])),
            zones: [
                Zone(name: "analytics", classification: .internal, networks: networks),
                Zone(
                    name: "finance", classification: .confidential, networks: networks,
                    roles: Roles(
                        owner: [try Principal("user:fin@corp.example")],
                        reviewer: [try Principal("user:rev@corp.example")])),
            ],
            spokes: [
                Spoke(zone: "analytics", name: "ana-1"), Spoke(zone: "finance", name: "fin-1"),
                Spoke(zone: "finance", name: "fin-2"),
            ],
            clients: [Client(zone: "analytics", name: "bot"), Client(zone: "finance", name: "housekeeping")],
            servers: [
                Server(zone: "finance", name: "git", spokes: ["fin-1", "fin-2"], classification: .internal),
                Server(zone: "finance", name: "ledger", spokes: ["fin-1"], classification: .confidential),
            ],
            rules: [
                Rule(
                    id: "finance/read", effect: .allow, capabilities: [try CapabilityPattern("tool:read_*")],
                    servers: ["ledger"], to: [try Principal("client:analytics/bot")])
            ])
        try change(&topology)
        return topology
    }
}

extension HubParts {
    /// What a start makes of a data directory; it says nothing.
    init(quietly path: String, passphrase: [UInt8]? = nil, now: @escaping @Sendable () -> Instant) async throws {
        try await self.init(
            directory: HubDirectory(path, passphrase: passphrase), now: now,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// A new certificate over the present one, which the connection showed.
    func renew(_ leaf: Certificate, for key: PrivateKey? = nil) async throws -> EnrolAnswer {
        guard let identity = leaf.spiffeID else { throw ModelError("bad-spiffe-id", "the leaf names nobody") }
        let peer = VerifiedPeer(
            id: identity, serial: leaf.serial, notBefore: leaf.notBefore, notAfter: leaf.notAfter, dns: leaf.dnsSANs,
            issuers: [], leaf: digestText(of: leaf.der))
        let csr = Base64.encode(try CertificateRequest.make(key: try key ?? .generateP256()))
        return try await services.renewal.renew(RenewRequest(csr: csr), of: identity, over: peer)
    }

    /// The chain of a new key over the newest certificate of an identity.
    func renewed(_ identity: SPIFFEID) async throws -> [Certificate] {
        guard let issued = ledger.snapshot.certificates[identity] else {
            throw ModelError("no-certificate", "nobody enrolled as that")
        }
        return try Certificate.chain(
            pem: try await renew(try Certificate(der: Base64.decode(issued.certificate) ?? [])).chain)
    }
}

/// The code of what a closure throws, nil when it throws nothing.
func code(_ body: () async throws -> some Any) async -> String? {
    do {
        _ = try await body()
        return nil
    } catch { return (error as? any NaveError)?.code ?? "\(error)" }
}

extension JoinToken {
    /// What its holder sends.
    func request(csr: String) -> EnrolRequest {
        EnrolRequest(secret: secret, kind: invitationKind, zone: zone, name: name, csr: csr)
    }
}
