import Foundation
import Model
import Transport
import Trust

/// Renews the certificate of a context when it is past its age: a new key, written in the place of the old pair in one step.
package enum ContextRenewal {
    /// How old a certificate gets: `NAVE_RENEW_AFTER`, else two days.
    /// - Throws: `bad-age`.
    package static func time(environment: [String: String]) throws(AdminError) -> RenewalTime {
        guard let text = environment["NAVE_RENEW_AFTER"], !text.isEmpty else { return RenewalTime() }
        guard let age = Milliseconds(text), age >= .seconds(1), age <= .days(7) else {
            throw AdminError("bad-age", "NAVE_RENEW_AFTER is \(backticked(text)), no age from 1s to 7d")
        }
        return RenewalTime(age: age)
    }

    /// Over the present certificate, or with the key of a client's that ended a short time ago.
    /// - Parameter isAsked: The hub wants it now.
    /// - Returns: the context as it stands afterwards: renewed and saved, or as it was.
    static func renewedIfDue(
        _ opened: OpenedContext, at path: String, _ time: RenewalTime, isAsked: Bool = false, _ terminal: Terminal,
        now: Instant
    ) async -> OpenedContext {
        let leaf = opened.identity.leaf
        guard isAsked || time.isDue(leaf, now: now), now < leaf.notAfter || opened.context.front != nil else {
            return opened
        }
        do {
            return try await renewed(opened, at: path, now: now)
        } catch {
            warn(opened, error, terminal)
            return opened
        }
    }

    /// Where the hub could not even be asked for newer trust.
    static func warn(
        _ opened: OpenedContext, ifDue time: RenewalTime, _ error: any Error, _ terminal: Terminal, now: Instant
    ) {
        if time.isDue(opened.identity.leaf, now: now) { warn(opened, error, terminal) }
    }

    /// A certificate is good until its end, and the next command tries again.
    private static func warn(_ opened: OpenedContext, _ error: any Error, _ terminal: Terminal) {
        let known = error as? any NaveError
        let hint = known?.hint.map { " (\($0))" } ?? ""
        let end = opened.identity.notAfter
        terminal.say(
            "warning: the certificate of \(opened.context.identity) could not be renewed, it "
                + "\(Instant.now < end ? "ends" : "ended") at \(minute(end)): "
                + printable((known?.message ?? "\(error)") + hint))
    }

    private static func renewed(_ opened: OpenedContext, at path: String, now: Instant) async throws -> OpenedContext {
        let key = try PrivateKey.generateP256()
        let answer = try await asked(opened, key, now: now)
        let identity = try TLSIdentity(
            renewed: answer, key: key, of: opened.context.identity, purpose: .client, roots: opened.roots, now: now)
        // If we die before this, the old pair stands and is good. Another command may have renewed in the meantime: both
        // certificates are good, and the file holds the one that was written last, with its own key.
        return try ContextStore.change(path) { stored in
            guard stored.identity == opened.context.identity, stored.hub == opened.context.hub else {
                throw AdminError(
                    "context-changed", "the context \(backticked(path)) is another one now; it stays as it is")
            }
            stored.key = try key.pem
            stored.chain = identity.chain.map(\.pem).joined()
        }
    }

    private static func asked(_ opened: OpenedContext, _ key: PrivateKey, now: Instant) async throws -> EnrolAnswer {
        if now >= opened.identity.notAfter, let front = opened.context.front {
            // The mTLS listener lets nobody in with an expired certificate.
            return try await FrontClient.renew(
                opened.identity, with: key, hub: opened.context.hub, front: front, roots: opened.roots)
        }
        return try await opened.hubClient().closed { hub throws(TransportError) in try await hub.renew(with: key) }
    }
}
