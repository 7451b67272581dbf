import Model
import NIOConcurrencyHelpers
import Storage
import Trust

/// The root that follows another: made by the hub where it holds the key of the present one, or handed to it.
extension Authority {
    private static let root = AuthorityName(AuthorityName.root)

    /// The root that is to follow, and its key under the present one.
    /// - Throws: `root-offline`, and what `RootRules` and `CrossRules` say.
    func nextRoot(now: Instant) throws -> (root: Certificate, cross: Certificate) {
        guard let present = held.withLockedValue({ $0.rootAuthority }) else {
            throw HubError(.conflict, "root-offline", "the root's key is not with this hub")
        }
        let key = try directory.nextKey(Self.root)
        let next = try present.makeSuccessor(key: key, serial: try randomBytes(16), now: now).certificate
        try RootRules(certificate: next, organization: organization, key: key.publicKey, now: now).judge()
        return (next, try present.judgedCross(next, organization: organization, now: now))
    }

    /// A root that was made elsewhere, and its key under the present one: handed in too, or signed here where that one's key
    /// is. Nil where nobody signed it: then only who has the next trust manifest believes what it signs.
    /// - Throws: `key-in-use`, `other-name`, and what `RootRules` and `CrossRules` say.
    func returnedRoot(
        _ pem: String, cross: String?, now: Instant
    ) throws -> (root: Certificate, cross: Certificate?) {
        let next = try Certificate(pem: pem)
        try RootRules(certificate: next, organization: organization, key: next.publicKey, now: now).judge()
        try demandUnused(next.publicKey, Self.root)
        let (present, signer) = held.withLockedValue { ($0.root, $0.rootAuthority) }
        if let cross {
            let certificate = try Certificate(pem: cross)
            try CrossRules(
                certificate: certificate, root: next, present: present, organization: organization, now: now
            ).judge()
            return (next, certificate)
        }
        guard let signer else { return (next, nil) }
        guard next.subject == present.subject else {
            throw HubError(
                .invalid, "other-name",
                "the root that is to follow is \(quoted(next.subject)), that of now \(quoted(present.subject))",
                hint: "a root that follows bears the same subject; `nave-hub root init` gives it for one organization")
        }
        return (next, try signer.judgedCross(next, organization: organization, now: now))
    }

    /// A root that comes from elsewhere has no key here, and one that waits is nobody's.
    /// - Throws: `not-writable`.
    func dropUnusedRootKey() throws { try directory.dropNextKey(Self.root) }

    /// A prepared root with its key; nil where that lies elsewhere.
    /// - Throws: `authority-key-missing`.
    func preparedRoot(_ record: AuthorityRecord) throws -> CertificateAuthority? {
        guard let key = try requestedKey(Self.root) else { return nil }
        let certificate = try record.decoded()
        guard key == certificate.publicKey else {
            throw HubError(
                .broken, "authority-key-missing", "the key of the prepared root is not here",
                hint: "`nave authority retire root --force` drops it; then prepare another")
        }
        return try CertificateAuthority(certificate: certificate, key: try directory.nextKey(Self.root))
    }

    /// Judges what a root that lies elsewhere made of the requests of this hub: one certificate for each name, no more.
    /// - Throws: `not-requested`, `two-certificates`, `certificates-missing`, `key-in-use`, and what `IntermediateRules` say.
    func returned(
        _ pems: [String], under record: AuthorityRecord, for names: [AuthorityName], now: Instant
    ) throws -> [(name: AuthorityName, certificate: Certificate)] {
        let (root, present) = (try record.decoded(), self.root)
        let cross = try record.cross.map {
            CrossRules(
                certificate: try Certificate(der: Base64.decode($0) ?? []), root: root, present: present,
                organization: organization, now: now)
        }
        var keys: [AuthorityName: PublicKey] = [:]
        for name in names { keys[name] = try requestedKey(name) }
        var found: [AuthorityName: Certificate] = [:]
        for pem in pems {
            let certificate = try Certificate(pem: pem)
            guard let (name, key) = keys.first(where: { $0.value == certificate.publicKey }) else {
                throw HubError(
                    .invalid, "not-requested",
                    "the certificate \(certificate.serial) of \(quoted(certificate.subject)) answers no request of this hub",
                    hint: "`nave authority prepare root --requests-out DIR` writes what is to be signed")
            }
            guard found.updateValue(certificate, forKey: name) == nil else {
                throw HubError(
                    .invalid, "two-certificates", "there are two certificates for \(quoted(name.text))",
                    hint: "hand in the one that is meant")
            }
            try demandUnused(key, name)
            do throws(TrustError) {
                try IntermediateRules(
                    certificate: certificate, domain: name.domain(organization), key: key, roots: [root], now: now
                ).judge()
                try cross?.demandPath(of: certificate)
            } catch {
                throw HubError(
                    .invalid, error.code, "the CA of \(quoted(name.text)): \(error.message)", hint: error.hint)
            }
        }
        let missing = names.filter { found[$0] == nil }.map(\.text)
        guard missing.isEmpty else {
            throw HubError(
                .conflict, "certificates-missing",
                "the root's key is not with this hub, and there is no certificate of it for \(missing.joined(separator: ", "))",
                hint: "`nave authority prepare root --requests-out DIR` writes what it is to sign", problems: missing)
        }
        return names.compactMap { name in found[name].map { (name, $0) } }
    }
}
