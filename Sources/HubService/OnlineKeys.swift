import Model
import Trust

/// The private keys that the hub signs with while it runs. `keys/ROLE.key` is in use; `keys/ROLE.next.key` was made for a
/// manifest that is not published yet.
package struct OnlineKeys: Sendable {
    /// The roles whose keys lie with the hub. Those of `manifest` never do.
    package static let roles: [TrustRole] = [.bundle, .lease, .checkpoint]

    package let bundle: PrivateKey
    package let lease: PrivateKey
    package let checkpoint: PrivateKey

    package init(bundle: PrivateKey, lease: PrivateKey, checkpoint: PrivateKey) {
        self.bundle = bundle
        self.lease = lease
        self.checkpoint = checkpoint
    }

    /// The keys that a manifest names. A key that waited for it takes the place of the one before, which is then gone.
    /// - Throws: `key-not-held`, and what reading and writing key files throws.
    init(of manifest: TrustManifest, in directory: HubDirectory) throws {
        func key(_ role: TrustRole) throws -> PrivateKey {
            let found = try Self.held(role, by: manifest, in: directory)
            // If the process dies before the rename: the next start makes it.
            if found.isNext { try directory.promoteNextKey(role) }
            return found.key
        }
        bundle = try key(.bundle)
        lease = try key(.lease)
        checkpoint = try key(.checkpoint)
    }

    /// Whether the hub could sign under a manifest, before it is published.
    /// - Throws: `key-not-held`.
    static func check(_ manifest: TrustManifest, in directory: HubDirectory) throws {
        for role in roles { _ = try held(role, by: manifest, in: directory) }
    }

    /// The same as an answer; what else goes wrong is an error.
    static func areHeld(_ manifest: TrustManifest, in directory: HubDirectory) throws -> Bool {
        do {
            try check(manifest, in: directory)
            return true
        } catch let error as HubError where error.code == "key-not-held" { return false }
    }

    private static func held(
        _ role: TrustRole, by manifest: TrustManifest, in directory: HubDirectory
    ) throws -> (key: PrivateKey, isNext: Bool) {
        let (named, threshold) = manifest.keys(for: role)
        guard threshold == 1 else {
            throw HubError(
                .conflict, "key-not-held",
                "version \(manifest.version) wants \(threshold) signatures of the role \(role.rawValue), a hub makes one"
            )
        }
        for isNext in [false, true] {
            guard isNext ? directory.hasNextKey(role) : true else { continue }
            let key = try directory.keyFile(role, isNext: isNext).read()
            if named[key.publicKey.spkiDigest] != nil { return (key, isNext) }
        }
        throw HubError(
            .conflict, "key-not-held",
            "version \(manifest.version) of the trust manifest names no key of the role \(role.rawValue) that lies here",
            hint: "prepare the next version with `nave trust rotate \(role.rawValue)`")
    }
}

extension HubDirectory {
    fileprivate func keyFile(_ role: TrustRole, isNext: Bool) -> KeyFile {
        keyFile(isNext ? "\(role.rawValue).next" : role.rawValue)
    }

    func hasNextKey(_ role: TrustRole) -> Bool { keyFile(role, isNext: true).exists }

    /// The key that waits for the next manifest, or a new one, stored before anybody hears of it: a second request, or one
    /// whose answer was lost, names the same key.
    func nextKey(_ role: TrustRole) throws -> PrivateKey {
        let next = keyFile(role, isNext: true)
        if next.exists { return try next.read() }
        let made = try PrivateKey.generateEd25519()
        try next.keep(made)
        return made
    }

    /// - Throws: `not-writable`.
    func dropNextKey(_ role: TrustRole) throws { try keyFile(role, isNext: true).remove() }

    func promoteNextKey(_ role: TrustRole) throws {
        try keyFile(role, isNext: true).replace(keyFile(role, isNext: false))
    }
}
