import Model
import Storage
import Trust

/// The steps of the root. With it the organization and every zone get intermediates: from here where its key is, else from
/// where it lies, by requests that go there and certificates that come back.
extension AuthorityService {
    /// What `prepare root` has to append; nothing where the root is to come from elsewhere and has not come yet.
    func madeRoot(_ request: AuthorityRequest) throws -> [Event] {
        if let pem = request.certificate {
            let (root, cross) = try authority.returnedRoot(pem, cross: request.cross, now: now())
            if request.dryRun != true { try authority.dropUnusedRootKey() }
            return Authority.events(AuthorityName.root, root, issuer: root, cross: cross)
        }
        guard request.dryRun != true, authority.holdsRootKey else { return [] }
        let (root, cross) = try authority.nextRoot(now: now())
        return Authority.events(AuthorityName.root, root, issuer: root, cross: cross)
    }

    /// Whether the root that signs next lies elsewhere: that of now, or the one that is prepared.
    var isNextRootElsewhere: Bool {
        get throws {
            guard let waiting = record(AuthorityName(AuthorityName.root), .prepared) else {
                return !authority.holdsRootKey
            }
            return try authority.preparedRoot(waiting) == nil
        }
    }

    /// What a root that lies elsewhere is to sign before it is activated.
    /// - Parameter root: That is prepared; nil while it is not.
    /// - Returns: Nil for a root whose key is here.
    func requests(under root: AuthorityRecord?) throws -> [AuthoritySigningRequest]? {
        if let root, try authority.preparedRoot(root) != nil { return nil }
        return try following(root).map { record in
            let name = AuthorityName(record.name)
            try authority.dropRetiredKey(name)
            return AuthoritySigningRequest(
                name: name.text, domain: name.domain(organization), request: try authority.nextRequest(name))
        }
    }

    /// The active intermediates that are not under that root yet.
    /// - Throws: `authority-waits`.
    private func following(_ root: AuthorityRecord?) throws(HubError) -> [AuthorityRecord] {
        let intermediates = ledger.snapshot.authorities.filter { $0.name != AuthorityName.root }
        if let waiting = intermediates.first(where: { $0.state == .prepared }) {
            throw HubError(
                .conflict, "authority-waits", "the authority \(quoted(waiting.name)) is prepared under the root of now",
                hint: "`nave authority activate \(waiting.name)` first")
        }
        return intermediates.filter { $0.state == .active && $0.issuer != root?.serial }
    }

    /// The intermediates of the organization and of every zone under the root that is to be active.
    /// - Throws: As `activate`.
    func belowNext(_ root: AuthorityRecord, _ request: AuthorityRequest) throws -> [Event] {
        let certificate = try root.decoded()
        let next = try authority.preparedRoot(root)
        guard chain.current.newest.roots.contains(certificate.pem) else {
            throw HubError(
                .conflict, "not-in-manifest", "the trust manifest in force does not name the prepared root yet",
                hint: "`nave authority prepare root --out next.json`, then `nave trust sign` and `nave trust publish`")
        }
        let names = try following(root).map { AuthorityName($0.name) }
        guard next == nil || request.certificates == nil else {
            throw HubError(
                .invalid, "bad-request", "the key of the prepared root is here: nothing was to be signed elsewhere")
        }
        let made =
            if let next {
                request.dryRun == true
                    ? []
                    : try names.map { ($0, try authority.nextIntermediate($0, under: next, now: now())) }
            } else {
                try authority.returned(request.certificates ?? [], under: root, for: names, now: now())
            }
        return made.flatMap { name, intermediate in
            Authority.events(name.text, intermediate, issuer: certificate, cross: nil)
                + [.authorityActivated(AuthorityStep(name: name.text, serial: intermediate.serial))]
        }
    }

    /// The intermediates that a root signed.
    /// - Throws: `authority-active`.
    func below(_ roots: [AuthorityRecord]) throws(HubError) -> [AuthorityRecord] {
        let found = ledger.snapshot.authorities.filter { record in
            record.name != AuthorityName.root && record.state != .retired
                && roots.contains { $0.serial == record.issuer }
        }
        if let active = found.first(where: { $0.state == .active }) {
            throw HubError(
                .conflict, "authority-active", "the authority \(quoted(active.name)) of now hangs on that root",
                hint: "`nave authority prepare \(active.name)` and `activate` give it one under the root of now")
        }
        return found
    }
}
