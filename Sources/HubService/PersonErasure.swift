import Logging
import Model
import NIOConcurrencyHelpers
import Storage
import Trust

/// Forgetting a person: what stays is that somebody was forgotten, when, by whom, and that proofs and replay hold.
package struct PersonErasure: Sendable {
    private let ledger: HubLedger
    private let usage: UsageStore
    private let now: @Sendable () -> Instant
    private let log: Logger

    package init(ledger: HubLedger, usage: UsageStore, now: @escaping @Sendable () -> Instant, log: Logger) {
        self.ledger = ledger
        self.usage = usage
        self.now = now
        self.log = log
    }

    /// Deletes what names the person, revokes what enrolled under the address, and leaves no byte of it in the hub's files.
    /// Doing it again does what is left to do: a compaction that found no room, say.
    /// - Throws: `forbidden` but to an owner of the organization; `bad-address`, `bad-why`, `own-identity`, `still-named`,
    ///   `disk-full`, `database-busy`.
    package func erase(_ request: EraseRequest, by standing: Standing) async throws -> EraseAnswer {
        try standing.require(.owner, in: nil)
        let address = try PersonalAddress(request.address)
        guard request.why.contains(where: { !$0.isWhitespace }), !address.occurs(in: request.why) else {
            throw HubError(
                .invalid, "bad-why", "erasing a person needs a reason that does not name the person",
                hint: "--why with a ticket's number, say")
        }
        let pseudonym = "erased.\(Hex.encode(try randomBytes(8)))"
        let erased = NIOLockedValueBox<PersonErased?>(nil)
        let now = now
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            let identities = try registry.identities(of: address)
            guard !identities.contains(standing.identity) else {
                throw HubError(.conflict, "own-identity", "you cannot erase yourself", hint: "let another owner do it")
            }
            guard let body = try registry.erase(address, pseudonym: pseudonym) else { return [] }
            erased.withLockedValue { $0 = body }
            // First the end of the identity: nobody should act under a name that the hub cannot say any more.
            return identities.map { .identityRevoked(IdentityRevocation(identity: $0, issuedBefore: now())) }
                + [.personErased(body)]
        }
        // If the process dies here: forgotten by the ledger, and bytes of the address may stand in free pages and in the
        // reports until the command is given again.
        try await usage.erase(address, pseudonym: pseudonym)
        try await ledger.compact()
        let body = erased.withLockedValue { $0 }
        log.notice("a person was erased", metadata: ["disclosures": "\(body?.disclosures ?? 0)"])
        return EraseAnswer(
            index: commit?.last, identities: body?.identities ?? [], disclosures: body?.disclosures ?? 0,
            evidence: Int64(body?.artifacts.count ?? 0))
    }
}
