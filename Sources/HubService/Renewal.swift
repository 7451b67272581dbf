import Logging
import Model
import NIOConcurrencyHelpers
import Storage
import Transport
import Trust

/// New certificates for identities that have one: over the present one, or by the key of one that ended a short time ago.
package struct Renewal: Sendable {
    /// How long after its end a certificate's key may still ask for the next one.
    package static let grace = Milliseconds.days(14)

    private let enrolment: Enrolment
    private let settings: HubSettings
    private let ledger: HubLedger
    private let nonces = RenewalNonces()
    private let now: @Sendable () -> Instant
    private let log: Logger

    package init(
        enrolment: Enrolment, settings: HubSettings, ledger: HubLedger, now: @escaping @Sendable () -> Instant,
        log: Logger
    ) {
        self.enrolment = enrolment
        self.settings = settings
        self.ledger = ledger
        self.now = now
        self.log = log
    }

    /// A new certificate for whoever calls, over the present one, which stays good until its own end.
    /// - Parameters:
    ///   - identity: The peer's, as the listener verified it.
    ///   - peer: The certificate of the connection, which this hub has to have issued: one that a thief of a CA minted must not
    ///     become one that outlives that CA.
    /// - Throws: `unknown-certificate`, `revoked`, `not-registered`, `client-ended`, `bad-request`, `weak-key`, `no-proof-of-possession`.
    package func renew(
        _ request: RenewRequest, of identity: SPIFFEID, over peer: VerifiedPeer
    ) async throws -> EnrolAnswer {
        let issued = try await ledger.read { try $0.certificate(serial: peer.serial) }
        guard let issued, issued.identity == identity,
            digestText(of: Base64.decode(issued.certificate) ?? []) == peer.leaf
        else {
            throw HubError(
                .forbidden, "unknown-certificate", "this hub issued no such certificate",
                hint: "ask for a new invitation and enrol again")
        }
        return try await issue(request.csr, identity, serial: peer.serial, notBefore: peer.notBefore, why: nil)
    }

    package func nonce() throws -> RenewalNonce { try nonces.make(now: now()) }

    /// A new certificate for who holds the key of one that ended at most 14 days ago.
    /// - Throws: `bad-nonce`, `unknown-certificate`, `bad-signature`, `expired`, `revoked`, `forbidden`, `renewal-off` where
    ///   the files switch it off for the zone, and what `renew` throws.
    package func renewExpired(_ request: ExpiredRenewRequest, from address: String) async throws -> EnrolAnswer {
        let now = now()
        // Spent first, whatever comes of it: nothing can be tried twice on one nonce.
        guard nonces.spend(request.nonce, now: now) else {
            throw HubError(
                .gone, "bad-nonce", "the nonce is unknown, used, or older than \(RenewalNonces.validity)",
                hint: "ask for a new one")
        }
        guard let der = Base64.decode(request.certificate), der.count <= 8192 else {
            throw HubError(.invalid, "bad-certificate", "the certificate is not Base64 of at most 8 KiB")
        }
        let shown = try Certificate(der: der)
        let issued = try await ledger.read { try $0.certificate(serial: shown.serial) }
        guard let issued, issued.certificate == request.certificate else {
            throw HubError(.notFound, "unknown-certificate", "this hub issued no such certificate")
        }
        for record in ledger.snapshot.authorities where record.state == .retired {
            guard !shown.isIssued(by: try record.decoded()) else {
                throw HubError(
                    .forbidden, "revoked", "the authority that issued the certificate has retired",
                    hint: "ask for a new invitation and enrol again")
            }
        }
        let bytes = ExpiredRenewRequest.signedBytes(nonce: request.nonce, csr: request.csr)
        guard let signature = Base64.decode(request.signature), signature.count <= 256,
            shown.publicKey.verify(bytes, signature: signature)
        else { throw HubError(.forbidden, "bad-signature", "the signature is not that of the certificate's key") }
        guard let member = Member(issued.identity, organization: settings.organization) else {
            throw HubError(
                .forbidden, "forbidden", "only spokes and clients renew an expired certificate",
                hint: "a person asks for a new invitation")
        }
        guard now < issued.notAfter + Self.grace else {
            throw HubError(
                .gone, "expired", "the certificate ended at \(issued.notAfter), more than \(Self.grace) ago",
                hint: "ask for a new invitation and enrol again")
        }
        let answer = try await issue(
            request.csr, issued.identity, serial: issued.serial, notBefore: issued.notBefore,
            why: "by the key of the certificate that ended at \(issued.notAfter)", lateIn: member.zone)
        log.notice(
            "an expired certificate was renewed",
            metadata: ["identity": "\(issued.identity)", "ended": "\(issued.notAfter)", "address": "\(address)"])
        return answer
    }

    /// - Parameter zone: whose files may forbid it, for a certificate that ended.
    private func issue(
        _ csr: String, _ identity: SPIFFEID, serial: String, notBefore: Instant, why: String?,
        lateIn zone: String? = nil
    ) async throws -> EnrolAnswer {
        let key = try Enrolment.key(of: csr)
        let made = NIOLockedValueBox<Authority.Leaf?>(nil)
        let enrolment = enrolment
        let now = now
        try await ledger.append(by: Author(requester: identity, robot: "hub"), why: why) { registry in
            // A revocation may have come since the listener let the caller in: a certificate of now would outlive it.
            let revoked = try registry.revokedIdentity(identity)?.issuedBefore
            let isRevoked = revoked.map { CertificateAuthority.wasIssued(from: notBefore, before: $0) } ?? false
            guard !isRevoked, try !registry.revokedSerials().contains(serial) else {
                throw HubError(.forbidden, "revoked", "the certificate of \(quoted(identity.description)) is revoked")
            }
            if let zone, try registry.topology()?.renewsExpired(inZone: zone) == false {
                throw HubError(
                    .forbidden, "renewal-off", "expired certificates of the zone `\(zone)` are not renewed",
                    hint: "ask an owner for a new invitation, made with --replace, and enrol again")
            }
            let leaf = try enrolment.issue(to: identity, key, registry, now())
            made.withLockedValue { $0 = leaf }
            return [.certificateIssued(CertificateIssued(leaf.certificate, identity: identity, invitation: nil))]
        }
        guard let leaf = made.withLockedValue({ $0 }) else {
            throw HubError(.broken, "internal", "the certificate is missing")
        }
        log.info("renewed", metadata: ["identity": "\(identity)", "serial": "\(leaf.certificate.serial)"])
        return enrolment.answer(leaf, identity)
    }
}
