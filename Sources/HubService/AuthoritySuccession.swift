import Model
import NIOConcurrencyHelpers
import Storage
import Trust

/// The next authority of a name: its key, and whose certificate it gets.
extension Authority {
    /// A key that waits for its certificate, made before anybody hears of it: a second request names the same key.
    /// - Returns: The certificate for it. If the process dies before the ledger has it, the same key gets another one.
    /// - Throws: `root-offline`, `key-in-use`, `ends-soon`, and what making a key throws.
    func nextIntermediate(_ name: AuthorityName, under root: CertificateAuthority?, now: Instant) throws -> Certificate
    {
        guard let signer = root ?? held.withLockedValue({ $0.rootAuthority }) else {
            throw HubError(.conflict, "root-offline", "the root's key is not with this hub")
        }
        return try signer.judgedIntermediate(
            domain: name.domain(organization), key: try unusedKey(name).publicKey, now: now)
    }

    /// The key that waits, which no authority had before: a key in a token is found by its label, and may be one that retired.
    /// - Throws: `key-in-use`.
    private func unusedKey(_ name: AuthorityName) throws -> PrivateKey {
        let key = try directory.nextKey(name)
        try demandUnused(key.publicKey, name)
        return key
    }

    /// - Throws: `key-in-use`.
    func demandUnused(_ key: PublicKey, _ name: AuthorityName) throws {
        let isUsed = held.withLockedValue { $0.certificates.values.contains { $0.publicKey == key } }
        guard !isUsed else {
            throw HubError(
                .conflict, "key-in-use", "the next key of \(quoted(name.text)) was an authority's before",
                hint: "every authority has a key of its own; in a token, put another one under the same label")
        }
    }

    /// The request that an offline root signs, PEM.
    /// - Throws: `key-in-use`, and what making a key throws.
    func nextRequest(_ name: AuthorityName) throws -> String {
        PEM.encode(label: "CERTIFICATE REQUEST", try CertificateRequest.make(key: try unusedKey(name)))
    }

    /// The key that was prepared for a certificate is here, before the ledger says that the certificate is in use.
    /// - Throws: `authority-key-missing`.
    func demandNextKey(_ name: AuthorityName, of certificate: Certificate) throws {
        guard directory.hasNextKey(name), try directory.nextKey(name).publicKey == certificate.publicKey else {
            throw HubError(
                .broken, "authority-key-missing", "the key of the prepared authority \(quoted(name.text)) is not here",
                hint: "`nave authority retire \(name.text) --force` drops it; then prepare another")
        }
    }

    /// The public key that waits for a certificate of an offline root; nil for none.
    func requestedKey(_ name: AuthorityName) throws -> PublicKey? {
        directory.hasNextKey(name) ? try directory.nextKey(name).publicKey : nil
    }

    /// Forgets the key of an authority that was prepared and dropped: the next one has another.
    func dropRetiredKey(_ name: AuthorityName) throws {
        guard let key = try requestedKey(name) else { return }
        let isRetired = held.withLockedValue { held in
            held.records.contains { $0.state == .retired && held.certificates[$0.serial]?.publicKey == key }
        }
        if isRetired { try directory.dropNextKey(name) }
    }
}
