import Logging
import Model
import Storage
import Trust

/// An authority follows another in four steps: prepare, activate, taint, retire. One step at a time, whoever asks.
///
/// Keys come before the ledger, and the ledger before their use:
/// - Dead between a key's file and `authority.prepared`: the key waits, and the next `prepare` certifies it again.
/// - Dead between `authority.activated` and the files: the next start, or the next append, takes the key over.
/// - Dead between `authority.retired` and its publication: the next start publishes it.
package actor AuthorityService {
    let organization: String
    let authority: Authority
    let ledger: HubLedger
    let chain: ManifestChainBox
    private let manifests: ManifestService
    private let leaf: HubLeaf
    private let streams: SpokeStreams
    let now: @Sendable () -> Instant
    private let log: Logger
    private var isBusy = false
    private var holders = HolderIndex()

    init(
        organization: String, authority: Authority, ledger: HubLedger, chain: ManifestChainBox,
        manifests: ManifestService, leaf: HubLeaf, streams: SpokeStreams, now: @escaping @Sendable () -> Instant,
        log: Logger
    ) {
        self.organization = organization
        self.authority = authority
        self.ledger = ledger
        self.chain = chain
        self.manifests = manifests
        self.leaf = leaf
        self.streams = streams
        self.now = now
        self.log = log
    }

    /// The authorities that the person may see; those of a name that retired long ago too.
    package func list(_ standing: Standing) throws -> [AuthorityRow] {
        let snapshot = ledger.snapshot
        let names =
            [AuthorityName.root, AuthorityName.organization] + snapshot.state.topology.zones.map(\.name).sorted()
        let more = Set(snapshot.authorities.map(\.name)).subtracting(names).sorted()
        let issuers = try holders.issuers(snapshot, now: now())
        return try (names + more).map(AuthorityName.init).filter { standing.may(.auditor, in: $0.zone) }
            .flatMap { name in
                try rows(snapshot.authorities.filter { $0.name == name.text }, of: name, snapshot, issuers)
            }
    }

    /// Makes the next key and certificate; what is prepared already is named again.
    /// - Throws: `unknown-authority`, `forbidden`, `authority-busy`, `authority-waits`, `already-prepared`, `bad-request`,
    ///   `key-in-use`, and what `IntermediateRules`, `RootRules` and `CrossRules` say of a certificate that came back.
    package func prepare(_ text: String, _ request: AuthorityRequest, by standing: Standing) async throws
        -> AuthorityAnswer
    {
        let name = try name(text, standing)
        try demandSense(request, name)
        return try await exclusively {
            let isDry = request.dryRun == true
            if let waiting = record(name, .prepared) {
                try demandSame(request, waiting)
                var answer = try await answer(name, [waiting], nil, withManifest: name.isRoot)
                if name.isRoot, !isDry { answer.requests = try requests(under: waiting) }
                return answer
            }
            if !isDry { try authority.dropRetiredKey(name) }
            // Before the entry: a key that cannot be made prepares nothing.
            let isElsewhere = name.isRoot && (request.certificate != nil || !authority.holdsRootKey)
            let asked = isElsewhere && !isDry ? try requests(under: nil) : nil
            let events = try made(name, request)
            if isDry { return AuthorityAnswer(index: nil, authorities: []) }
            guard !events.isEmpty else {
                return AuthorityAnswer(
                    index: nil, authorities: try rows([], of: name, ledger.snapshot, [:]),
                    request: name.isRoot ? nil : try authority.nextRequest(name), requests: asked)
            }
            let index = try await append(request, standing) { _ in events }
            let record = record(name, .prepared)
            var answer = try await answer(name, [record].compactMap(\.self), index, withManifest: name.isRoot)
            answer.requests = asked
            return answer
        }
    }

    /// What `prepare` has to append; nothing where the root's key is elsewhere and nothing came back from there.
    private func made(_ name: AuthorityName, _ request: AuthorityRequest) throws -> [Event] {
        if name.isRoot { return try madeRoot(request) }
        if let pem = request.certificate {
            let (certificate, issuer) = try returned(name, pem)
            return Authority.events(name.text, certificate, issuer: issuer, cross: nil)
        }
        guard request.dryRun != true, authority.holdsRootKey else { return [] }
        let certificate = try authority.nextIntermediate(name, under: nil, now: now())
        return Authority.events(name.text, certificate, issuer: authority.root, cross: nil)
    }

    /// - Throws: `bad-request`.
    private func demandSense(_ request: AuthorityRequest, _ name: AuthorityName) throws(HubError) {
        guard request.cross == nil || (name.isRoot && request.certificate != nil) else {
            throw HubError(
                .invalid, "bad-request", "a cross certificate comes with the certificate of a root",
                hint: "`nave authority prepare root --certificate FILE --cross FILE`")
        }
        guard request.certificates == nil || name.isRoot else {
            throw HubError(
                .invalid, "bad-request", "certificates are handed in to activate a root",
                hint: "`nave authority prepare \(name.text) --certificate FILE` takes one back")
        }
    }

    /// A second request with other certificates is not answered as if they had been taken.
    /// - Throws: `already-prepared`.
    private func demandSame(_ request: AuthorityRequest, _ waiting: AuthorityRecord) throws {
        let cross = try request.cross.map { Base64.encode(try Certificate(pem: $0).der) }
        guard
            try request.certificate.map({ Base64.encode(try Certificate(pem: $0).der) == waiting.certificate }) ?? true,
            cross == nil || cross == waiting.cross
        else {
            throw HubError(
                .conflict, "already-prepared", "another certificate is prepared for \(quoted(waiting.name))",
                hint: "`nave authority activate \(waiting.name)`, or `retire \(waiting.name) --force` to drop it")
        }
    }

    /// What came back for a request of ours.
    private func returned(_ name: AuthorityName, _ pem: String) throws -> (Certificate, issuer: Certificate) {
        guard let key = try authority.requestedKey(name) else {
            throw HubError(
                .conflict, "not-requested", "nothing was requested for \(quoted(name.text))",
                hint: "`nave authority prepare \(name.text)` makes the request")
        }
        let certificate = try Certificate(pem: pem)
        try authority.demandUnused(key, name)
        // The manifest in force names a root that retired until the next version is published.
        let retired = Set(ledger.snapshot.authorities.filter { $0.state == .retired }.map(\.key))
        let named = try chain.current.newest.rootCertificates()
        let roots = named.filter { !retired.contains($0.publicKey.spkiDigest) }
        guard roots.contains(where: certificate.isIssued) || !named.contains(where: certificate.isIssued) else {
            throw HubError(
                .invalid, "not-signed-by-root", "the root that signed it has retired",
                hint: "have the request signed by the root of now: `nave authority list` shows its key")
        }
        try IntermediateRules(
            certificate: certificate, domain: name.domain(organization), key: key, roots: roots, now: now()
        ).judge()
        guard let issuer = roots.first(where: { certificate.isIssued(by: $0) }) else {
            throw HubError(.invalid, "not-signed-by-root", "no root of the trust manifest signed it")
        }
        return (certificate, issuer)
    }

    /// New certificates come from what was prepared; what was active is old, and believed.
    /// - Throws: `unknown-authority`, `forbidden`, `authority-busy`, `not-prepared`, `not-in-manifest`, `authority-waits`,
    ///   `authority-key-missing`; of a root whose key is elsewhere `certificates-missing`, `not-requested`,
    ///   `two-certificates` and what `IntermediateRules` say.
    package func activate(_ text: String, _ request: AuthorityRequest, by standing: Standing) async throws
        -> AuthorityAnswer
    {
        let name = try name(text, standing)
        try demandSense(request, name)
        return try await exclusively {
            guard let waiting = record(name, .prepared) else {
                throw outOfOrder(name, "not-prepared", "no authority \(quoted(name.text)) is prepared", "prepare")
            }
            let more = name.isRoot ? try belowNext(waiting, request) : []
            if !name.isRoot {
                try authority.demandNextKey(name, of: try waiting.decoded())
            }
            if request.dryRun == true { return try await answer(name, [waiting], nil) }
            let step = Event.authorityActivated(AuthorityStep(name: name.text, serial: waiting.serial))
            let index = try await append(request, standing) { _ in [step] + more }
            if name.isRoot || name.text == AuthorityName.organization { try await leaf.renew() }
            return try await answer(name, records(name, [.active, .old]), index)
        }
    }

    /// Whoever shows a certificate under what is old is told to renew now: spokes on their stream, people and clients with
    /// the next answer.
    /// - Throws: `unknown-authority`, `forbidden`, `authority-busy`, `not-old`.
    package func taint(_ text: String, _ request: AuthorityRequest, by standing: Standing) async throws
        -> AuthorityAnswer
    {
        let name = try name(text, standing)
        return try await exclusively {
            let old = records(name, [.old])
            guard !old.isEmpty else {
                throw outOfOrder(
                    name, "not-old", "no authority \(quoted(name.text)) is old",
                    record(name, .prepared) != nil ? "activate" : record(name, .tainted) != nil ? "retire" : "prepare")
            }
            if request.dryRun == true { return try await answer(name, old, nil) }
            try await renewLeaf(under: old)
            let steps = old.map { Event.authorityTainted(AuthorityStep(name: $0.name, serial: $0.serial)) }
            let index = try await append(request, standing) { _ in steps }
            streams.putAll(.renew(RenewNotice(issuers: ledger.snapshot.taintedIssuers)))
            return try await answer(name, records(name, [.tainted]), index)
        }
    }

    /// Nothing under what is tainted is believed any more, on any listener, also on connections that are open.
    /// - Throws: `unknown-authority`, `forbidden`, `authority-busy`, `not-tainted`, `authority-in-use`, `authority-active`.
    package func retire(_ text: String, _ request: AuthorityRequest, by standing: Standing) async throws
        -> AuthorityAnswer
    {
        let name = try name(text, standing)
        let isForced = request.force == true
        return try await exclusively {
            var targets = records(name, isForced ? [.tainted, .old] : [.tainted])
            if targets.isEmpty, isForced, let prepared = record(name, .prepared) {
                targets = [prepared]
            }
            guard !targets.isEmpty else {
                let next = record(name, .old) != nil ? "taint" : record(name, .prepared) != nil ? "activate" : "prepare"
                throw outOfOrder(name, "not-tainted", "no authority \(quoted(name.text)) is tainted", next)
            }
            let all = targets + (name.isRoot ? try below(targets) : [])
            let waiting = waitingHolders(all, try holders.issuers(ledger.snapshot, now: now()))
            guard isForced || waiting.isEmpty else {
                throw HubError(
                    .forbidden, "authority-in-use",
                    "\(waiting.count) of those who hold its certificates have no newer one: "
                        + waiting.prefix(5).map { "\($0)" }.joined(separator: ", ") + (waiting.count > 5 ? ", …" : ""),
                    hint: "wait until they renew, or revoke them; `--force` cuts them off",
                    problems: waiting.map(\.description))
            }
            guard !waiting.contains(standing.identity) else {
                throw HubError(
                    .conflict, "own-identity", "your own certificate hangs on it: nobody would be left to go on",
                    hint: "`nave authority taint \(name.text)`, then any command renews yours")
            }
            if request.dryRun == true { return try await answer(name, targets, nil) }
            // What was only prepared is revoked too: the root has signed it.
            let events = try all.flatMap { record -> [Event] in
                // Of a root that never came into use, its key under the present root would go on being believed.
                let cross = record.state == .prepared ? record.cross.flatMap { Base64.decode($0) } : nil
                let serials = [record.serial] + (try cross.map { [try Certificate(der: $0).serial] } ?? [])
                // The key too: there may be a certificate of it that nobody here has seen.
                return [.authorityRetired(AuthorityStep(name: record.name, serial: record.serial, key: record.key))]
                    + serials.map { .certificateRevoked(CertificateRevoked(serial: $0)) }
            }
            try await renewLeaf(under: all)
            let index = try await append(request, standing) { _ in events }
            // If the process dies here: the next `prepare` drops the key.
            try authority.dropRetiredKey(name)
            let retired = records(name, [.retired]).filter { record in targets.contains { $0.serial == record.serial } }
            var answer = try await answer(name, retired, index, withManifest: name.isRoot)
            answer.holders = waiting
            return answer
        }
    }

    // MARK: parts of the steps

    /// Renews the hub's own certificate where it hangs on what goes: an activation stands, also where the renewal after it failed.
    private func renewLeaf(under records: [AuthorityRecord]) async throws {
        let snapshot = ledger.snapshot
        let issuer = try holders.issuers(snapshot, now: now())[try leaf.identity()]
        let serials = Set(records.map(\.serial))
        let hangs = snapshot.authorities.contains {
            $0.serial == issuer && (serials.contains($0.serial) || serials.contains($0.issuer))
        }
        if hangs { try await leaf.renew() }
    }

    private func name(_ text: String, _ standing: Standing) throws -> AuthorityName {
        let name = AuthorityName(text)
        let snapshot = ledger.snapshot
        let isKnown =
            !name.isZone || snapshot.state.topology.zones.contains { $0.name == text }
            || snapshot.authorities.contains { $0.name == text }
        try standing.require(.owner, in: isKnown ? name.zone : nil)
        guard isKnown else {
            throw HubError(
                .notFound, "unknown-authority", "there is no authority \(quoted(text))",
                hint: "`root`, `organization`, or a zone of the topology")
        }
        return name
    }

    /// Two steps at once could make two keys, or issue under what the other one retires.
    private func exclusively(
        _ body: () async throws -> AuthorityAnswer
    ) async throws -> AuthorityAnswer {
        guard !isBusy else {
            throw HubError(.conflict, "authority-busy", "another step is under way", hint: "try again in a moment")
        }
        isBusy = true
        defer { isBusy = false }
        // An entry whose append seemed to fail may stand: begin with what the ledger says.
        try authority.follow(ledger.snapshot.authorities)
        return try await body()
    }

    private func append(
        _ request: AuthorityRequest, _ standing: Standing,
        _ make: @escaping @Sendable (Registry) throws -> [Event]
    ) async throws -> Int64? {
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why, make)
        try authority.follow(ledger.snapshot.authorities)
        if let commit { log.notice("authority", metadata: ["entry": "\(commit.last)", "by": "\(standing.identity)"]) }
        return commit?.last
    }

    func records(_ name: AuthorityName, _ states: [AuthorityState]) -> [AuthorityRecord] {
        ledger.snapshot.authorities.filter { $0.name == name.text && states.contains($0.state) }
    }

    func record(_ name: AuthorityName, _ state: AuthorityState) -> AuthorityRecord? {
        records(name, [state]).first
    }

    private func outOfOrder(_ name: AuthorityName, _ code: String, _ message: String, _ next: String) -> HubError {
        HubError(.conflict, code, message, hint: "the next step is `nave authority \(next) \(name.text)`")
    }

    private func waitingHolders(_ records: [AuthorityRecord], _ issuers: [SPIFFEID: String]) -> [SPIFFEID] {
        let serials = Set(records.map(\.serial))
        return issuers.filter { serials.contains($0.value) }.map(\.key).sorted { $0.description < $1.description }
    }

    private func answer(
        _ name: AuthorityName, _ records: [AuthorityRecord], _ index: Int64?, withManifest: Bool = false
    ) async throws -> AuthorityAnswer {
        let waiting = records.filter { [.old, .tainted].contains($0.state) }
        let all =
            waiting
            + (name.isRoot
                ? ledger.snapshot.authorities.filter { record in
                    waiting.contains { $0.serial == record.issuer && record.name != AuthorityName.root }
                } : [])
        let snapshot = ledger.snapshot
        let issuers = try holders.issuers(snapshot, now: now())
        return AuthorityAnswer(
            index: index, authorities: try rows(records, of: name, snapshot, issuers),
            holders: waitingHolders(all, issuers),
            manifest: withManifest ? try await manifests.prepare(RotateRequest(roles: [])).manifest : nil)
    }

    /// The newest first, and before them a key that waits for an offline root.
    private func rows(
        _ records: [AuthorityRecord], of name: AuthorityName, _ snapshot: Snapshot, _ issuers: [SPIFFEID: String]
    ) throws -> [AuthorityRow] {
        let roots = Dictionary(snapshot.authorities.map { ($0.serial, $0.issuer) }) { first, _ in first }
        let named = Set(chain.current.newest.roots)
        var rows = try records.reversed().map { record in
            let certificate = try record.decoded()
            let leaves = issuers.values.count { name.isRoot ? roots[$0] == record.serial : $0 == record.serial }
            return AuthorityRow(
                name: record.name, state: record.state, serial: record.serial,
                key: record.key, notAfter: certificate.notAfter, leaves: leaves,
                isInManifest: name.isRoot ? named.contains(certificate.pem) : nil)
        }
        if !name.isRoot, try isNextRootElsewhere, record(name, .prepared) == nil,
            let key = try authority.requestedKey(name)
        {
            rows.insert(
                AuthorityRow(
                    name: name.text, state: .requested, serial: nil, key: key.spkiDigest, notAfter: nil, leaves: 0),
                at: 0)
        }
        return rows
    }
}
