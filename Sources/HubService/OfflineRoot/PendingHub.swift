import Foundation
import Model
import Transport
import Trust

/// A hub that is not one yet: its organization's CA has a key and waits for a certificate of an offline root. It lies in a
/// sibling of the data directory, `DATA.pending`, so that half a hub is never where a hub is looked for.
///
/// ```
/// pending.json                  what init was told
/// organization.request.pem      for the root
/// keys/root.pem                 the root's certificate; its key is nowhere here
/// keys/organization.key         or .uri, and token.uri where a token holds the keys
/// ```
struct PendingHub {
    struct Settings: Hashable, Codable {
        var v: Int64
        var organization: String
        var listen: HostPort
        var front: HostPort
        var adminContext: String
        var manifestKeys: String
        var environment: HubInit.Environment
        /// Their passphrase is asked for again in the second step, which makes them.
        var encryptsManifestKeys: Bool
        var token: String?
    }

    let data: String
    let directory: HubDirectory

    private init(data: String, passphrase: [UInt8]?) {
        self.data = withoutTrailingSlash(data)
        directory = HubDirectory(Self.path(of: self.data), passphrase: passphrase)
    }

    /// Nil if none waits for this data directory.
    init?(of data: String, passphrase: [UInt8]? = nil) {
        self.init(data: data, passphrase: passphrase)
        guard FileManager.default.fileExists(atPath: directory.file("pending.json")) else { return nil }
    }

    static func path(of data: String) -> String { "\(withoutTrailingSlash(data)).pending" }

    var request: String { directory.file("organization.request.pem") }

    func settings() throws -> Settings {
        try JSONCoding.decode(Settings.self, from: try PrivateFile.read(directory.file("pending.json")))
    }

    /// What `serve` and every other command say of it.
    var refusal: HubError {
        HubError(
            .conflict, "hub-waiting",
            "the hub \(quoted(data)) waits for the certificate of its organization's CA",
            hint: "let the offline root sign \(request), then: nave-hub init --data \(data) --complete FILE")
    }

    /// Makes it, wholly or not at all.
    static func make(_ hub: HubInit, root: Certificate) throws {
        try PrivateFile.makeWhole(Self.path(of: hub.data), suffix: "init") { path in
            let draft = HubDirectory(path, passphrase: hub.passphrase)
            try PrivateFile.makeDirectory(draft.file("keys"))
            if let token = hub.authorityToken { try draft.useToken(token) }
            let key = try draft.newAuthorityKey("organization")
            try draft.keep(root, as: "root")
            try PrivateFile.create(
                draft.file("organization.request.pem"), Array(try CertificateRequest.makePEM(key: key).utf8))
            try PrivateFile.create(draft.file("pending.json"), try JSONCoding.canonical(Settings(hub)))
        }
    }

    func remove() throws {
        do { try FileManager.default.removeItem(atPath: directory.path) } catch {
            throw HubError(
                .unavailable, "not-writable", "cannot remove \(quoted(directory.path)), which is done with",
                hint: "the hub is complete; remove the directory by hand, or give the command again")
        }
    }
}

extension PendingHub.Settings {
    /// Paths are whole: the second step may be given in another directory.
    init(_ hub: HubInit) {
        func whole(_ path: String) -> String { URL(fileURLWithPath: path).path }
        self.init(
            v: 1, organization: hub.organization, listen: hub.listen, front: hub.front,
            adminContext: whole(hub.adminContext), manifestKeys: whole(hub.manifestKeys),
            environment: hub.environment, encryptsManifestKeys: hub.manifestKeysPassphrase != nil,
            token: hub.authorityToken)
    }

    /// - Throws: `passphrase-missing` where the manifest keys were to be encrypted.
    func hub(data: String, passphrase: [UInt8]?, manifestKeysPassphrase: [UInt8]?) throws -> HubInit {
        guard manifestKeysPassphrase != nil || !encryptsManifestKeys else {
            throw HubError(
                .invalid, "passphrase-missing", "the first step was given a passphrase of the manifest keys",
                hint: "give --manifest-keys-passphrase-file again")
        }
        return try HubInit(
            data: data, organization: organization, listen: listen.description, front: front.description,
            adminContext: adminContext, manifestKeys: manifestKeys,
            environment: environment, passphrase: passphrase, manifestKeysPassphrase: manifestKeysPassphrase,
            authorityToken: token)
    }
}

/// Init in two steps, for a hub that never sees its root's key.
extension HubInit {
    /// The first: the key of the organization's CA and a request for its certificate. Given again, it is the same.
    /// - Parameter file: The root's certificate, PEM: our own offline root's, or one that a corporate CA signed.
    /// - Throws: `not-empty`, `exists`, `not-writable`, `disk-full`, and what `RootRules` say.
    package func request(ofRoot file: String, now: Instant) throws {
        umask(0o077)
        let root = try PEMFile.certificate(file)
        try RootRules(certificate: root, organization: organization, key: root.publicKey, now: now).judge()
        try demandRoom()
        guard let pending = PendingHub(of: data, passphrase: passphrase) else {
            return try PendingHub.make(self, root: root)
        }
        // Also says now whether the passphrase is the one that the second step will need.
        _ = try pending.directory.key("organization")
        guard try pending.settings() == PendingHub.Settings(self), try pending.directory.certificate("root") == root
        else {
            throw HubError(
                .conflict, "exists", "\(quoted(pending.directory.path)) waits with other settings or another root",
                hint: "give the same command as before, or remove the directory to begin anew")
        }
    }

    /// What there is after the first step.
    package var waiting: Outcome {
        let pending = PendingHub.path(of: data)
        return Outcome(
            state: .waiting, data: data, request: "\(pending)/organization.request.pem",
            text: """
                hub of \(organization) waits in \(pending)
                take this to the root:  \(pending)/organization.request.pem
                where the root lies:    nave-hub root sign organization.request.pem --dir ROOT --domain \(organization) \
                --out organization.pem
                bring back, then here:  nave-hub init --data \(data) --complete organization.pem
                """)
    }

    /// The second: takes the certificate and makes the hub, wholly or not at all. Given again, it finds nothing to do.
    /// - Parameter file: The organization's intermediate, PEM.
    /// - Throws: `not-waiting`, `passphrase-missing`, what `IntermediateRules` say, and as `run`.
    package static func complete(
        data: String, certificate file: String, passphrase: [UInt8]?, manifestKeysPassphrase: [UInt8]? = nil,
        now: @escaping @Sendable () -> Instant
    ) async throws -> Outcome {
        let certificate = try PEMFile.certificate(file)
        let isDone = (try? HubDirectory(data).certificate("organization")) == certificate
        guard let pending = PendingHub(of: data, passphrase: passphrase) else {
            if isDone {
                return Outcome(
                    state: .made, data: data,
                    text: "the hub in \(data) has this certificate: nave-hub serve --data \(data)")
            }
            throw HubError(
                .notFound, "not-waiting", "no hub waits at \(quoted(PendingHub.path(of: data)))",
                hint:
                    "the first step is: nave-hub init --data \(data) --organization corp.example --offline-root ROOT.pem"
            )
        }
        let hub = try pending.settings().hub(
            data: data, passphrase: passphrase, manifestKeysPassphrase: manifestKeysPassphrase)
        // A process that died before the last step left both; then only that is left to do.
        if isDone {
            try pending.remove()
            return hub.made
        }
        try IntermediateRules(
            certificate: certificate, domain: hub.organization,
            key: try pending.directory.key("organization").publicKey,
            roots: [try pending.directory.certificate("root")], now: now()
        ).judge()
        try await hub.run(now: now) { draft in
            let keys = try HubFiles.small(in: pending.directory.path).filter { $0.hasPrefix("keys/") }
            try HubFiles.copy(keys, from: pending.directory.path, to: draft.path)
            try draft.keep(certificate, as: "organization")
        }
        // If the process dies here: a whole hub, and a directory beside it that the same command removes.
        try pending.remove()
        var outcome = hub.made
        outcome.text += "\nroot:          not here; it signs the CA of each new zone"
        return outcome
    }
}
