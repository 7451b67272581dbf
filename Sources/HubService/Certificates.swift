import Model
import NIOConcurrencyHelpers
import Storage
import Transport
import Trust

/// What certificates there are, the end of one, and the revocation lists of the intermediates for verifiers that get no
/// bundle.
package struct Certificates: Sendable {
    /// A newest certificate that ends within this time shows in the status: renewal begins with five days left.
    package static let soon = Milliseconds.days(3)
    /// How many digits of a serial number find it at least, where no other begins with them: twelve of its time, then 32
    /// random bits.
    static let serialPrefixDigits = 20
    static let crlValidity = Milliseconds.days(7)
    /// A list is made anew when it is this old, and the ledger has grown, which gives it its higher number.
    static let crlAge = Milliseconds.hours(24)

    private struct Published {
        /// Serial number of the intermediate that signed it.
        var issuer: String
        var serials: [String]
        var identities: [IdentityRevocation]
        var number: Int64
        var at: Instant
        var der: [UInt8]
    }

    private let settings: HubSettings
    private let ledger: HubLedger
    private let authority: Authority
    private let published = NIOLockedValueBox<[String: Published]>([:])
    private let now: @Sendable () -> Instant

    package init(
        settings: HubSettings, ledger: HubLedger, authority: Authority, now: @escaping @Sendable () -> Instant
    ) {
        self.settings = settings
        self.ledger = ledger
        self.authority = authority
        self.now = now
    }

    /// Those that have not ended, newest first.
    package func list(_ query: Query, _ standing: Standing) async throws -> [CertificateRow] {
        let limit = try query.limit(standard: 1000, maximum: 10_000)
        let expiring = try query["expiring"].map { text throws(HubError) in
            guard let span = Milliseconds(text) else {
                throw HubError(.invalid, "bad-query", "\(quoted(text)) is no span of time", hint: "as 3d")
            }
            return span
        }
        let (now, snapshot) = (now(), ledger.snapshot)
        let issued = try await ledger.read { try $0.certificates(endingAfter: now) }
        return issued.map { row($0, snapshot, now) }.filter { row in
            let zone = zone(of: row.identity)
            return standing.may(.auditor, in: zone) && (query["zone"].map { $0 == zone } ?? true)
                && (expiring.map { row.state == .current && row.notAfter < now + $0 } ?? true)
        }.prefix(limit).map(\.self)
    }

    /// - Parameter serial: A serial number, or at least the first 20 digits of one.
    /// - Throws: `unknown-certificate`, `ambiguous-serial`, `forbidden`.
    package func show(_ serial: String, _ standing: Standing) async throws -> CertificateRow {
        let issued = try await find(serial, standing)
        try standing.require(.auditor, in: zone(of: issued.identity))
        var row = row(issued, ledger.snapshot, now())
        row.certificate = issued.certificate
        return row
    }

    private func find(_ serial: String, _ standing: Standing) async throws -> CertificateIssued {
        if let issued = try await ledger.read({ try $0.certificate(serial: serial) }) { return issued }
        guard serial.utf8.count >= Self.serialPrefixDigits, serial.allSatisfy({ $0.isHexDigit }) else {
            throw Self.unknown(serial)
        }
        // Of other zones one learns nothing, not even that a number begins so.
        let found = try await ledger.read { try $0.certificates(serialPrefix: serial, limit: 100) }
            .filter { standing.may(.auditor, in: zone(of: $0.identity)) }
        guard found.count < 2 else {
            let candidates = found.prefix(5).map { "\($0.serial) (\($0.identity))" }.joined(separator: ", ")
            throw HubError(
                .conflict, "ambiguous-serial", "\(found.count) serial numbers begin with \(quoted(serial))",
                hint: "give more digits: \(candidates)\(found.count > 5 ? ", …" : "")")
        }
        guard let issued = found.first else { throw Self.unknown(serial) }
        return issued
    }

    /// By the whole serial number: what is ended is named, not searched.
    /// - Throws: `unknown-certificate`, `forbidden`, `own-identity`.
    package func revoke(_ request: CertificateRevocationRequest, by standing: Standing) async throws -> ChangeAnswer {
        let organization = settings.organization
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            guard let issued = try registry.certificate(serial: request.serial) else {
                throw Self.unknown(request.serial, isWhole: true)
            }
            try standing.require(.owner, in: Self.zone(of: issued.identity, organization))
            guard issued.identity != standing.identity, issued.identity.kind != "hub" else {
                throw HubError(
                    .conflict, "own-identity", "nobody revokes their own certificate, nor the hub's",
                    hint: "let another owner do it; the hub takes a new certificate at every start")
            }
            if try registry.revokedSerials().contains(request.serial) { return [] }
            return [.certificateRevoked(CertificateRevoked(serial: request.serial))]
        }
        return commit?.answer ?? ChangeAnswer(index: nil)
    }

    /// Of everybody whom the person may see, the newest certificate if it ends soon and is believed.
    package func expiring(_ standing: Standing) -> [ExpiringCertificate] {
        let (now, snapshot) = (now(), ledger.snapshot)
        return snapshot.certificates.values.filter { issued in
            issued.identity.kind != "hub" && issued.notAfter < now + Self.soon
                && standing.may(.auditor, in: zone(of: issued.identity))
                && row(issued, snapshot, now).state == .current
        }.map { ExpiringCertificate(identity: $0.identity, notAfter: $0.notAfter) }.sorted {
            ($0.notAfter, $0.identity.description) < ($1.notAfter, $1.identity.description)
        }
    }

    /// The revocation list of a zone's intermediate, DER; of the organization's own under the name `hub`, which no zone has.
    /// - Throws: `unknown-zone`.
    package func revocationList(of zone: String) async throws -> [UInt8] {
        let domain = zone == "hub" ? settings.organization : "\(zone).\(settings.organization)"
        guard let issuer = authority.intermediate(of: domain) else {
            throw HubError(.notFound, "unknown-zone", "no CA here signs for a zone \(quoted(zone))")
        }
        let (now, snapshot) = (now(), ledger.snapshot)
        let (serials, identities) = (snapshot.state.revokedSerials, snapshot.state.revokedIdentities)
        if let known = published.withLockedValue({ $0[zone] }), known.issuer == issuer.certificate.serial,
            known.serials == serials, known.identities == identities,
            now < known.at + Self.crlAge || known.number >= snapshot.size - 1
        {
            return known.der
        }
        let (number, revoked) = try await ledger.read { registry in
            (try registry.size() - 1, try registry.revokedCertificates(ofDomain: domain, endingAfter: now))
        }
        // Two that come at once may both make the list; the higher number stays.
        let list = try issuer.issueCRL(
            revoked: revoked.map { ($0.serial, min($0.at, now)) }, number: number, now: now,
            nextUpdate: now + Self.crlValidity)
        published.withLockedValue { published in
            if let other = published[zone], other.number > number { return }
            published[zone] = Published(
                issuer: issuer.certificate.serial, serials: serials, identities: identities, number: number, at: now,
                der: list.der)
        }
        return list.der
    }

    private func zone(of identity: SPIFFEID) -> String? { Self.zone(of: identity, settings.organization) }

    /// Nil for the organization's own domain.
    private static func zone(of identity: SPIFFEID, _ organization: String) -> String? {
        identity.trustDomain == organization ? nil : identity.trustDomain.split(separator: ".").first.map(String.init)
    }

    private func row(_ issued: CertificateIssued, _ snapshot: Snapshot, _ now: Instant) -> CertificateRow {
        let isNewest = snapshot.certificates[issued.identity]?.serial == issued.serial
        let state: CertificateRow.State =
            if snapshot.revocations.contains(issued) { .revoked } else if issued.notAfter <= now {
                .expired
            } else if isNewest {
                .current
            } else { .superseded }
        return CertificateRow(
            serial: issued.serial, identity: issued.identity, state: state, notBefore: issued.notBefore,
            notAfter: issued.notAfter, key: issued.key, invitation: issued.invitation)
    }

    /// - Parameter isWhole: whether nothing but the whole number would have found it.
    private static func unknown(_ serial: String, isWhole: Bool = false) -> HubError {
        let beginning = isWhole ? "" : "; the first \(serialPrefixDigits) digits are enough"
        return HubError(
            .notFound, "unknown-certificate", "this hub issued no certificate \(quoted(serial))",
            hint: "`nave certificate list` shows the serial numbers\(beginning)")
    }
}
