import Logging
import Model
import NIOConcurrencyHelpers
import Storage
import Transport
import Trust

/// Who gets a certificate: invitations, their one use, and the end of an identity.
package struct Enrolment: Sendable {
    /// How long an invitation is good when nobody says, and at most.
    package static let standardValidity = Milliseconds.hours(24)
    package static let maximumValidity = Milliseconds.days(7)

    private let settings: HubSettings
    private let ledger: HubLedger
    private let authority: Authority
    /// The versions of the trust manifest, one of which is handed to who enrols.
    private let manifests: ManifestChainBox
    private let now: @Sendable () -> Instant
    private let log: Logger

    package init(
        settings: HubSettings, ledger: HubLedger, authority: Authority, manifests: ManifestChainBox,
        now: @escaping @Sendable () -> Instant, log: Logger
    ) {
        self.settings = settings
        self.ledger = ledger
        self.authority = authority
        self.manifests = manifests
        self.now = now
        self.log = log
    }

    /// Makes a token that one holder of one key can spend once.
    /// - Throws: `forbidden`, `bad-invitation`, `not-registered`, `no-intermediate`; `identity-revoked` for a name that was revoked and has not
    ///   come back, unless the request replaces it.
    package func invite(_ request: InvitationRequest, by standing: Standing) async throws -> InvitationAnswer {
        let validity = request.validFor ?? Self.standardValidity
        guard validity > Milliseconds(0), validity <= Self.maximumValidity else {
            throw HubError(.invalid, "bad-invitation", "an invitation is good for up to \(Self.maximumValidity)")
        }
        let (zone, name) = try subject(of: request, standing)
        let secret = try randomBytes(JoinToken.secretByteCount)
        let token = try JoinToken(
            hub: settings.name, address: settings.frontAddress.description, root: authority.root.publicKey.spkiDigest,
            zone: zone, name: name, kind: Self.tokenKind(request.kind), secret: secret)
        let expires = now() + validity
        let invitation = Invitation(
            id: "in-\(Hex.encode(try randomBytes(8)))", kind: request.kind, zone: zone, name: name,
            secretHash: token.secretHash, expires: expires, address: request.address)
        let identity = try invitation.identity(organization: settings.organization)
        try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            let isRevoked = try registry.revokedIdentity(identity).map { revocation in
                try registry.latestCertificate(identity).map {
                    CertificateAuthority.wasIssued(from: $0.notBefore, before: revocation.issuedBefore)
                } ?? true
            }
            guard !(isRevoked ?? false) || request.replace == true else {
                throw HubError(
                    .conflict, "identity-revoked", "\(quoted(identity.description)) was revoked",
                    hint: "if somebody new shall have the name, invite with --replace")
            }
            if request.kind != .user {
                guard try registry.topology()?.registers(identity) ?? false else { throw Self.notRegistered(identity) }
            }
            try self.authority.demandIntermediate(of: identity.trustDomain)
            return [.invitationCreated(invitation)]
        }
        return InvitationAnswer(token: try token.encoded(), identity: identity, expires: expires)
    }

    /// Spends a token for a certificate, in one append. The same key again gets the same certificate: its answer may have
    /// been lost.
    /// - Parameter address: The caller's, for the log.
    /// - Throws: `token-unknown`, `token-altered`, `token-spent`, `token-expired`, `token-withdrawn`, `key-revoked`,
    ///   `not-registered`, `client-ended`, `bad-request`, `weak-key`, `no-proof-of-possession`.
    package func enrol(_ request: EnrolRequest, from address: String) async throws -> EnrolAnswer {
        let key = try Self.key(of: request.csr)
        let hash = JoinToken.secretHash(of: request.secret)
        let found = NIOLockedValueBox<CertificateIssued?>(nil)
        do {
            try await ledger.append(by: .hub) { registry in
                let (issued, isNew) = try self.certificate(for: request, hash, key, registry)
                found.withLockedValue { $0 = issued }
                return isNew ? [.certificateIssued(issued)] : []
            }
        } catch let error as HubError {
            if error.code == "token-spent" {
                log.error(
                    "alarm: a spent join token was used with another key",
                    metadata: ["address": "\(address)", "key": "\(key.spkiDigest)"])
            }
            throw error
        }
        guard let issued = found.withLockedValue({ $0 }), let bytes = Base64.decode(issued.certificate) else {
            throw HubError(.broken, "internal", "the certificate is missing")
        }
        let leaf = authority.chain(of: try Certificate(der: bytes), identity: issued.identity)
        log.info("enrolled", metadata: ["identity": "\(issued.identity)", "serial": "\(issued.serial)"])
        return answer(leaf, issued.identity)
    }

    func answer(_ leaf: Authority.Leaf, _ identity: SPIFFEID) -> EnrolAnswer {
        EnrolAnswer(
            identity: identity, chain: leaf.chainPEM, notAfter: leaf.certificate.notAfter,
            manifest: manifests.current.opening(for: authority.root),
            hub: settings.url, address: settings.address.description,
            environment: identity.kind == "user" ? ledger.snapshot.state.topology.organization.environment : nil)
    }

    static func key(of csr: String) throws -> PublicKey {
        guard let der = Base64.decode(csr), der.count <= 8192 else {
            throw HubError(.invalid, "bad-request", "the certificate request is not Base64 of at most 8 KiB")
        }
        return try CertificateRequest(der: der).publicKey
    }

    /// No certificate of the identity issued until now is believed from here on; open invitations go too.
    /// - Throws: `bad-revocation`, `bad-address`, `forbidden`, `unknown-identity`, `own-identity`.
    package func revoke(_ request: RevocationRequest, by standing: Standing) async throws -> ChangeAnswer {
        guard (request.identity == nil) != (request.address == nil) else {
            throw HubError(.invalid, "bad-revocation", "what is revoked is one identity, or a person's address")
        }
        let address = try request.address.map { try PersonalAddress($0) }
        let member = request.identity.flatMap { Member($0, organization: settings.organization) }
        try standing.require(.owner, in: member?.zone)
        let now = now
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            let identities = try request.identity.map { [$0] } ?? address.map(registry.identities(of:)) ?? []
            let known = try identities.filter { try self.isKnown($0, registry) }
            guard !known.isEmpty else {
                let who = request.identity?.description ?? request.address ?? ""
                throw HubError(
                    .notFound, "unknown-identity", "nobody enrolled as \(quoted(who))",
                    hint: "`nave user list`, `nave client list` and `nave spoke list` show who did")
            }
            guard !known.contains(standing.identity) else {
                throw HubError(
                    .conflict, "own-identity", "you cannot revoke yourself", hint: "let another owner do it")
            }
            return known.map { .identityRevoked(IdentityRevocation(identity: $0, issuedBefore: now())) }
        }
        return commit?.answer ?? ChangeAnswer(index: nil)
    }

    /// Whether somebody enrolled under the identity, or can.
    private func isKnown(_ identity: SPIFFEID, _ registry: Registry) throws -> Bool {
        guard identity.kind == "user" || Member(identity, organization: settings.organization) != nil else {
            return false
        }
        return try registry.latestCertificate(identity) != nil
            || registry.openInvitations().contains {
                (try? $0.identity(organization: settings.organization)) == identity
            }
    }

    private func subject(
        of request: InvitationRequest, _ standing: Standing
    ) throws -> (zone: String?, name: String) {
        switch request.kind {
        case .spoke, .client:
            guard let zone = request.zone, let name = request.name, isLabel(zone), isLabel(name), request.address == nil
            else {
                throw HubError(.invalid, "bad-invitation", "a \(request.kind.rawValue) is invited by zone and name")
            }
            try standing.require(.owner, in: zone)
            return (zone, name)
        case .user:
            guard request.zone == nil, request.name == nil, let address = request.address,
                case .user? = try? Principal("user:\(address)")
            else {
                throw HubError(.invalid, "bad-invitation", "a user is invited by address", hint: "as ana@corp.example")
            }
            try standing.require(.owner, in: nil)
            // The same person on another machine stays the same identity.
            let known = ledger.snapshot.addresses.first { $0.value == address }?.key
            return (nil, try known ?? "u-\(Hex.encode(try randomBytes(8)))")
        }
    }

    /// What the token's hash stands for, inside the write transaction.
    private func certificate(
        for request: EnrolRequest, _ hash: String, _ key: PublicKey, _ registry: Registry
    ) throws -> (CertificateIssued, isNew: Bool) {
        guard let record = try registry.invitation(secretHash: hash) else {
            throw HubError(
                .notFound, "token-unknown", "this hub made no such join token",
                hint: "paste the whole line, or ask for a new one")
        }
        let invited = record.invitation
        guard invited.kind == request.kind, invited.zone == request.zone, invited.name == request.name else {
            throw HubError(
                .forbidden, "token-altered", "this join token was made for \(quoted(record.identity.description))",
                hint: "its words were changed on the way: ask for a new one over a channel you trust")
        }
        let now = now()
        let revoked = try registry.revokedIdentity(record.identity)?.issuedBefore ?? Instant(milliseconds: 0)
        if let issued = record.certificate {
            guard issued.key == key.spkiDigest, now < issued.notAfter,
                try !registry.revokedSerials().contains(issued.serial),
                !CertificateAuthority.wasIssued(from: issued.notBefore, before: revoked)
            else {
                throw HubError(
                    .gone, "token-spent", "this join token was used",
                    hint: "if it was not you, revoke the identity; ask for a new token")
            }
            return (issued, isNew: false)
        }
        guard !record.isVoid else {
            throw HubError(.gone, "token-withdrawn", "this join token was withdrawn", hint: "ask for a new one")
        }
        guard now < record.invitation.expires else {
            throw HubError(
                .gone, "token-expired", "this join token ended at \(record.invitation.expires)",
                hint: "ask for a new one")
        }
        // Whoever stole the key of a revoked certificate would hold the new one, too.
        let revokedSerials = Set(try registry.revokedSerials())
        let isKeyRevoked = try registry.certificates(record.identity).contains {
            $0.key == key.spkiDigest
                && (revokedSerials.contains($0.serial)
                    || CertificateAuthority.wasIssued(from: $0.notBefore, before: revoked))
        }
        guard !isKeyRevoked else {
            throw HubError(.conflict, "key-revoked", "this key was revoked", hint: "enrol with a new key")
        }
        // Certificates count in whole seconds: one that is issued in the second of the revocation would be revoked with it.
        let start = max(now, Instant(milliseconds: (revoked.milliseconds + 999) / 1000 * 1000))
        let leaf = try issue(to: record.identity, key, registry, start)
        return (
            CertificateIssued(leaf.certificate, identity: record.identity, invitation: record.invitation.id),
            isNew: true
        )
    }

    func issue(
        to identity: SPIFFEID, _ key: PublicKey, _ registry: Registry, _ now: Instant
    ) throws -> Authority.Leaf {
        if identity.trustDomain == settings.organization, identity.kind == "user" {
            return try authority.issue(.client, to: identity, key: key, now: now)
        }
        guard let topology = try registry.topology(), topology.registers(identity) else {
            throw Self.notRegistered(identity)
        }
        guard let client = Member(identity, kind: .client, organization: settings.organization) else {
            return try authority.issue(
                .spoke, to: identity, dns: "\(identity.name).\(identity.trustDomain)", key: key, now: now)
        }
        let until = topology.clients.first { $0.fullName == client.fullName }?.until
        let left = until.map { $0 - now } ?? Authority.leafValidity
        guard left > Milliseconds(0) else {
            throw HubError(.conflict, "client-ended", "the client's time in the topology is over")
        }
        return try authority.issue(
            .client, to: identity, key: key, validity: min(left, Authority.leafValidity), now: now)
    }

    private static func notRegistered(_ identity: SPIFFEID) -> HubError {
        HubError(
            .conflict, "not-registered",
            "the topology has no \(identity.kind) \(quoted(identity.name)) in `\(identity.trustDomain)`",
            hint: "add it to the zone's file and apply")
    }

    private static func tokenKind(_ kind: Invitation.Kind) -> JoinToken.Kind {
        switch kind {
        case .spoke: .spoke
        case .client: .client
        case .user: .user
        }
    }
}
