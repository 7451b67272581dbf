import Logging
import Model
import Transport
import Trust

/// Renews the spoke's certificate before it ends, with a new key each time, and shows it: callers' connections stay as they
/// are, new ones meet the new certificate, and the stream to the hub is opened anew under it.
struct Renewer: Sendable {
    /// A clock that is set is noticed within this time.
    private static let longestSleep = Milliseconds.minutes(1)

    let spoke: SpokeIdentity
    let directory: SpokeDirectory
    let demand: RenewalDemand
    let time: RenewalTime
    let link: HubLink
    let applier: DeliveryApplier
    let signer: JournalSigner
    let now: @Sendable () -> Instant
    let random: @Sendable () -> UInt64
    let logger: Logger

    /// Runs until its task is cancelled.
    func run() async {
        var leaf = await applier.identity.leaf
        var due = time.due(notBefore: leaf.notBefore, notAfter: leaf.notAfter, random: random())
        var failures = 0
        while !Task.isCancelled {
            if demand.take(await applier.identity.chain) { due = now() }
            let left = due - now()
            guard left <= Milliseconds(0) else {
                await demand.sleep(atMost: min(left, Self.longestSleep))
                continue
            }
            do {
                leaf = try await renew(leaf)
                failures = 0
                due = time.due(notBefore: leaf.notBefore, notAfter: leaf.notAfter, random: random())
            } catch {
                if Task.isCancelled { return }
                failures += 1
                due = now() + RenewalTime.pause(failures: failures, random: random())
                let known = error as? any NaveError
                logger.log(
                    level: now() < leaf.notAfter ? .warning : .error, "the certificate could not be renewed",
                    metadata: [
                        "code": "\(known?.code ?? "unreachable")", "detail": "\(known?.message ?? "\(error)")",
                        "until": "\(leaf.notAfter)", "again": "\(due)",
                    ])
            }
        }
    }

    /// - Returns: the new leaf, in force.
    private func renew(_ present: Certificate) async throws -> Certificate {
        let key = try PrivateKey.generateP256()
        let answer = try await asked(present, key)
        // The spoke shows it to callers as a server; to the hub it is a client by the same template.
        let identity = try TLSIdentity(
            renewed: answer, key: key, of: spoke.identity, purpose: .server, roots: try await applier.roots,
            now: now())
        // If we die before this is on disk, the hub has issued a certificate whose key is gone, and the old pair is still
        // good: renewing never ends a certificate. If we die after it, the next start shows the new pair.
        try directory.store(renewed: identity)
        try await applier.show(identity)
        signer.use(key)
        let old = try link.show(identity)
        logger.info(
            "certificate renewed",
            metadata: [
                "serial": "\(identity.leaf.serial)", "until": "\(identity.notAfter)", "before": "\(present.serial)",
            ])
        // Ends the stream under the old certificate; a report that it breaks is told again.
        await old.shutdown()
        return identity.leaf
    }

    private func asked(_ present: Certificate, _ key: PrivateKey) async throws -> EnrolAnswer {
        guard now() >= present.notAfter else { return try await link.current.renew(with: key) }
        // The mTLS listener lets nobody in with an expired certificate: the front listener takes the old key's signature.
        guard let front = spoke.front else {
            throw SpokeError(
                "expired", "the certificate ended at \(present.notAfter)",
                hint: "`nave spoke invite` makes a token to enrol with again")
        }
        let identity = await applier.identity
        return try await FrontClient.renew(
            identity, with: key, hub: spoke.hub, front: front, roots: try await applier.roots)
    }
}
