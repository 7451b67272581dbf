import Foundation
import Model
import Storage
import Transport
import Trust

/// `nave-hub init`: a root, signing keys, a trust manifest, a ledger with its first entries, and the first owner.
package struct HubInit: Sendable {
    /// How many keys may sign the trust manifest, and how many have to.
    package enum Environment: String, CaseIterable, Sendable, Codable {
        /// 2 of 3: one stolen or lost key changes nothing.
        case production
        /// 1 of 1.
        case development

        var manifestKeys: Int { self == .production ? 3 : 1 }
        var threshold: Int { self == .production ? 2 : 1 }
    }

    package var data: String
    package var organization: String
    package var listen: HostPort
    package var front: HostPort
    /// Where the first owner's context goes.
    package var adminContext: String
    /// Of the private keys; nil writes them in clear.
    let passphrase: [UInt8]?
    /// Of the keys of the role `manifest`; nil writes them in clear.
    let manifestKeysPassphrase: [UInt8]?
    /// Where the private keys of the role `manifest` go: never into the data directory, which is online.
    package var manifestKeys: String
    package var environment: Environment
    /// Names the token that every CA's key was made in; nil for files.
    package let authorityToken: String?

    /// - Parameters:
    ///   - front: Nil for the port after `listen`'s.
    ///   - adminContext: Nil for `DATA.context.json`, next to the data directory.
    ///   - manifestKeys: Nil for `DATA.manifest-keys`, next to the data directory.
    ///   - authorityToken: `pkcs11:token=nave?pin-source=…`
    /// - Throws: `bad-organization`, `bad-address`, `bad-directory`, `bad-token-uri`.
    package init(
        data: String, organization: String, listen: String, front: String?, adminContext: String?,
        manifestKeys: String? = nil, environment: Environment = .production, passphrase: [UInt8]? = nil,
        manifestKeysPassphrase: [UInt8]? = nil, authorityToken: String? = nil
    ) throws {
        guard isDomainName(organization) else {
            throw HubError(
                .invalid, "bad-organization", "\(quoted(organization)) is not a domain", hint: "as `corp.example`")
        }
        guard isDomainName("h1.hub.\(organization)") else {
            throw HubError(.invalid, "bad-organization", "\(quoted(organization)) is too long a domain")
        }
        let trimmed = withoutTrailingSlash(data)
        guard !trimmed.isEmpty else { throw HubError(.invalid, "bad-directory", "the data directory has no name") }
        if let authorityToken { _ = try PrivateKey.uri(ofToken: authorityToken, object: "root") }
        self.authorityToken = authorityToken
        self.data = trimmed
        self.organization = organization
        self.listen = try HostPort(listen)
        self.front = try front.map(HostPort.init) ?? HostPort(host: self.listen.host, port: self.listen.port + 1)
        guard self.listen.port > 0, self.front.port > 0, self.front.port <= 65_535, self.listen != self.front else {
            throw HubError(.invalid, "bad-address", "the hub needs two different ports from 1 to 65535")
        }
        self.passphrase = passphrase
        self.manifestKeysPassphrase = manifestKeysPassphrase
        self.adminContext = adminContext ?? "\(trimmed).context.json"
        self.manifestKeys = manifestKeys ?? "\(trimmed).manifest-keys"
        self.environment = environment
        guard !"\(self.manifestKeys)/".hasPrefix("\(trimmed)/") else {
            throw HubError(
                .invalid, "bad-directory", "the manifest keys would lie in the data directory",
                hint: "they outlive a stolen hub only elsewhere")
        }
    }

    /// Everything is made in a sibling of the data directory, which then gets its name: half a hub is never there.
    /// - Throws: `not-empty`, `exists`, `not-writable`, `disk-full`.
    package func run(now: @escaping @Sendable () -> Instant) async throws {
        try await run(now: now) { directory in
            if let authorityToken { try directory.useToken(authorityToken) }
            try Authority.create(in: directory, organization: organization, now: now())
        }
    }

    /// - Parameter authorities: Puts root and organization's intermediate into the directory.
    func run(
        now: @escaping @Sendable () -> Instant, authorities: (HubDirectory) throws -> Void
    ) async throws {
        umask(0o077)
        try demandRoom()
        let suffix = Hex.encode(try randomBytes(8))
        let draft = HubDirectory("\(data).init-\(suffix)", passphrase: passphrase)
        // What this run made, or may have made when it was told that it failed; what was there before is never touched.
        var made: [String] = []
        func make(_ path: String, _ body: () throws -> Void) throws {
            do { try body() } catch let error as HubError where error.code == "exists" { throw error } catch {
                made.append(path)
                throw error
            }
            made.append(path)
        }
        do {
            try make(manifestKeys) { try PrivateFile.makeDirectory(manifestKeys) }
            try make(draft.path) { try PrivateFile.makeDirectory(draft.path) }
            try PrivateFile.makeDirectory(draft.file("keys"))
            try PrivateFile.makeDirectory(draft.file("keys/zones"))
            try authorities(draft)
            let context = try await fill(draft, now)
            try make(adminContext) { try PrivateFile.create(adminContext, context) }
            // If the process dies here: a context and manifest keys without their hub. Init says `exists` then, and they can
            // go.
            try place(draft.path)
        } catch {
            for path in made { try? FileManager.default.removeItem(atPath: path) }
            throw error
        }
    }

    /// - Throws: `not-empty`, `exists`.
    func demandRoom() throws {
        try demandEmpty()
        guard !FileManager.default.fileExists(atPath: adminContext) else {
            throw HubError(
                .conflict, "exists", "the admin context \(quoted(adminContext)) exists",
                hint: "it may be the key of another hub's owner: name another file with --admin-context")
        }
        guard !FileManager.default.fileExists(atPath: manifestKeys) else {
            throw HubError(
                .conflict, "exists", "the directory for manifest keys \(quoted(manifestKeys)) exists",
                hint: "it may hold another hub's keys: name another with --manifest-keys")
        }
    }

    /// What there is after `run`.
    package var made: Outcome {
        Outcome(
            state: .made, data: data, adminContext: adminContext, manifestKeys: manifestKeys,
            text: """
                hub of \(organization) made in \(data)
                start it:      nave-hub serve --data \(data)
                you are owner: nave status --context \(adminContext)
                manifest keys: \(manifestKeys), \(environment.threshold) of \(environment.manifestKeys) sign; take them off this host
                """)
    }

    private func demandEmpty() throws {
        let names: [String]
        do {
            guard FileManager.default.fileExists(atPath: data) else { return }
            names = try FileManager.default.contentsOfDirectory(atPath: data)
        } catch {
            throw HubError(.conflict, "not-empty", "\(quoted(data)) is not a directory that can be read")
        }
        guard names.isEmpty else {
            throw HubError(
                .conflict, "not-empty", "the directory \(quoted(data)) is not empty",
                hint: "init makes a new hub and never touches one that is there")
        }
    }

    private func place(_ draft: String) throws {
        // An empty directory that is there already is replaced by rename(2) itself, in one step.
        let isRenamed = rename(draft, data) == 0
        let reason = PrivateFile.reason()
        // A rename whose failure was reported may have happened: then the draft is gone.
        guard isRenamed || !FileManager.default.fileExists(atPath: draft) else {
            throw HubError(.unavailable, "not-writable", "cannot make \(quoted(data)): \(reason)")
        }
        PrivateFile.flushDirectory(of: data)
    }

    /// - Returns: The bytes of the first owner's context.
    private func fill(_ directory: HubDirectory, _ now: @escaping @Sendable () -> Instant) async throws -> [UInt8] {
        var signers: [TrustRole: PrivateKey] = [:]
        for role in OnlineKeys.roles {
            let key = try PrivateKey.generateEd25519()
            signers[role] = key
            try directory.keep(key, as: role.rawValue)
        }
        let manifestSigners = try keepManifestKeys()
        let settings = HubSettings(
            organization: organization, name: "h1.hub.\(organization)", listen: listen, front: front,
            origin: "\(organization)/nave/1")
        let authority = try Authority(directory: directory, organization: organization)
        let manifest = try TrustManifest(
            version: 1, expires: now() + ManifestService.standardValidity, organization: organization,
            origin: settings.origin,
            roots: [authority.root]
        ) { [environment] role in
            role == .manifest
                ? (keys: manifestSigners.map(\.publicKey), threshold: environment.threshold)
                : (keys: signers[role].map { [$0.publicKey] } ?? [], threshold: 1)
        }
        guard let checkpointKey = signers[.checkpoint] else {
            throw HubError(.broken, "internal", "a signing key is missing")
        }
        let envelope = try manifest.signed(by: manifestSigners)
        try PrivateFile.create(directory.file("manifest.json"), try envelope.encoded)
        try PrivateFile.create(directory.file("settings.json"), try JSONCoding.canonical(settings))

        let owner = try NewOwner(under: authority, now: now())
        try await open(directory, settings, checkpointKey, authority.root, envelope, owner, now)
        return try owner.context(settings, manifest: try JSONCoding.encode(envelope))
    }

    /// The files that the manifest is signed with from now on, where the hub does not look.
    private func keepManifestKeys() throws -> [PrivateKey] {
        try (1...environment.manifestKeys).map { number in
            let key = try PrivateKey.generateEd25519()
            let pem =
                if let manifestKeysPassphrase {
                    try key.encryptedPEM(passphrase: manifestKeysPassphrase)
                } else { try key.pem }
            try PrivateFile.create("\(manifestKeys)/manifest-\(number).key", Array(pem.utf8))
            return key
        }
    }

    /// The first entries. The database is closed again when this returns.
    private func open(
        _ directory: HubDirectory, _ settings: HubSettings, _ checkpointKey: PrivateKey, _ root: Certificate,
        _ manifest: DSSEEnvelope, _ owner: NewOwner, _ now: @escaping @Sendable () -> Instant
    ) async throws {
        let ledger = try Ledger(
            database: try HubDatabase(directory: directory.path), signer: checkpointKey, origin: settings.origin,
            now: now, random: { try randomBytes($0) })
        let (organization, origin) = (organization, settings.origin)
        let bytes = try manifest.encoded
        _ = try await ledger.append(by: .hub) { registry in
            let digest = try registry.keep(artifact: bytes)
            return [
                .ledgerOpened(
                    LedgerOpened(
                        organization: organization, epoch: 1, origin: origin, root: root.publicKey.spkiDigest)),
                .manifestPublished(ManifestPublished(version: 1, digest: digest)),
            ] + owner.events
        }
    }
}
