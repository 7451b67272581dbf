import Foundation
import Model
import Transport
import Trust

/// The data directory of one spoke, mode 0700. Nothing else on the host writes there.
package struct SpokeDirectory: Sendable {
    package let path: String

    package var key: String { path + "/key.pem" }
    var nextKey: String { path + "/key.next.pem" }
    package var chain: String { path + "/chain.pem" }
    package var renewed: String { path + "/renewed.json" }
    package var identity: String { path + "/identity.json" }
    package var manifest: String { path + "/manifest.json" }
    /// The versions after the first, as `ManifestLinks`.
    package var manifests: String { path + "/manifests.json" }
    package var clock: String { Self.clock(of: path) }
    static func clock(of path: String) -> String { path + "/clock.json" }
    package var delivery: String { path + "/delivery.json" }
    package var journal: String { path + "/journal" }
    package var bundles: String { path + "/bundles" }

    /// Opens a directory, or makes it.
    /// - Throws: `not-writable`; `open-to-others` when its mode lets anybody else in.
    package init(creating path: String) throws(SpokeError) {
        self.path = path
        try Self.make(path)
        try makeJournal()
        try check()
    }

    /// Where the journal lies; it may have been moved away by hand.
    package func makeJournal() throws(SpokeError) { try Self.make(journal) }

    private func check() throws(SpokeError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .system("not-readable", "cannot look at `\(path)`", errno) }
        guard status.st_mode & 0o077 == 0 else {
            throw SpokeError("open-to-others", "`\(path)` can be entered by others", hint: "chmod 0700 \(path)")
        }
    }

    /// Opens the directory of an enrolled spoke, and writes nothing there.
    /// - Throws: `not-enrolled`, `not-readable`, `open-to-others`.
    package init(enrolled path: String) throws(SpokeError) {
        guard access(path + "/identity.json", F_OK) == 0 else {
            throw SpokeError(
                "not-enrolled", "`\(path)` holds no enrolled spoke",
                hint: "ask for a token with `nave spoke invite ZONE/NAME`, then `nave-spoke enroll --data \(path)`")
        }
        self.path = path
        try check()
    }

    private static func make(_ path: String) throws(SpokeError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .system("not-writable", "cannot make the directory `\(path)`", errno)
        }
    }

    /// Takes the directory for this process until it ends, however it ends: two spokes would number one journal twice.
    /// - Throws: `in-use`, `not-writable`.
    package func lock() throws(SpokeError) {
        let file = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system("not-writable", "cannot open `\(path)/lock`", errno) }
        // The descriptor stays open on purpose: the kernel gives the lock back with the process.
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw SpokeError("in-use", "another spoke runs on `\(path)`", hint: "one process a data directory")
        }
    }

    /// The key that was made here, or a new one, stored before it is used: a retried enrolment shows the same key.
    package func keyMakingIfNone() throws -> PrivateKey { try Self.keyMakingIfNone(at: key) }

    /// The key that takes the place of a revoked one, kept apart until it is certified: until then the old pair counts.
    func nextKeyMakingIfNone() throws -> PrivateKey { try Self.keyMakingIfNone(at: nextKey) }

    private static func keyMakingIfNone(at path: String) throws -> PrivateKey {
        if let bytes = try DurableFile.read(path) { return try PrivateKey(pem: String(decoding: bytes, as: UTF8.self)) }
        let made = try PrivateKey.generateP256()
        try DurableFile.write(Array(made.pem.utf8), to: path)
        return made
    }

    /// Stores what enrolment answered; `identity.json` comes last, so that its presence means that all is there.
    package func store(_ enrolled: SpokeIdentity, key used: PrivateKey, chain pem: String, manifest envelope: JSON)
        throws
    {
        // If we die between the two, the next try is answered with the same certificate and ends what this one began.
        try DurableFile.write(Array(try used.pem.utf8), to: key)
        try DurableFile.write(Array(pem.utf8), to: chain)
        // What was renewed before belongs to the enrolment before. If we die here, the next try begins again.
        try DurableFile.remove(renewed)
        try DurableFile.write(envelope.canonicalBytes, to: manifest)
        try DurableFile.write(try JSONCoding.canonical(enrolled), to: identity)
        try DurableFile.remove(nextKey)
    }

    /// - Throws: `not-enrolled`, or what is wrong with a stored file.
    package func load() throws -> EnrolledSpoke {
        guard let identityBytes = try DurableFile.read(identity), let keyBytes = try DurableFile.read(key),
            let chainBytes = try DurableFile.read(chain), let manifestBytes = try DurableFile.read(manifest)
        else { throw SpokeError("not-enrolled", "`\(path)` lacks a part of what enrolment stores") }
        let identity = try JSONCoding.decode(SpokeIdentity.self, from: identityBytes)
        let manifest = try TrustManifest.verifyFirst(
            DSSEEnvelope(parsing: manifestBytes), pinnedRootSPKI: identity.root)
        var chain = HeldManifests(first: manifest)
        if let stored = try DurableFile.read(manifests) { try chain.restore(stored) }
        if let bytes = try DurableFile.read(renewed) {
            let pair = try JSONCoding.decode(RenewedPair.self, from: bytes)
            return EnrolledSpoke(
                identity: identity, key: try PrivateKey(pem: pair.key), chain: try Certificate.chain(pem: pair.chain),
                manifests: chain)
        }
        return EnrolledSpoke(
            identity: identity, key: try PrivateKey(pem: String(decoding: keyBytes, as: UTF8.self)),
            chain: try Certificate.chain(pem: String(decoding: chainBytes, as: UTF8.self)), manifests: chain)
    }

    /// Stores a renewed certificate and its key in one file, which from then on stands for the pair of the enrolment: after a
    /// crash there is the old pair or the new one, never a key with another's certificate.
    package func store(renewed identity: TLSIdentity) throws {
        let pair = RenewedPair(key: try identity.key.pem, chain: identity.chain.map(\.pem).joined())
        try DurableFile.write(try JSONCoding.canonical(pair), to: renewed)
    }
}

/// `renewed.json`: the key and the certificates of the last renewal.
struct RenewedPair: Hashable, Sendable, Codable {
    /// PKCS#8 PEM.
    var key: String
    /// Leaf and intermediate, PEM.
    var chain: String
}

/// `identity.json`: who this spoke is and where its hub is.
package struct SpokeIdentity: Hashable, Sendable, Codable {
    package var v: Int64
    package var identity: SPIFFEID
    /// `https://h1.hub.corp.example:8443`: the name that the hub's certificate must bear.
    package var hub: String
    /// Where to dial for it: `HOST:PORT`.
    package var address: String
    /// `sha256:…` of the root's key that the join token pinned.
    package var root: String
    /// Where to dial for the front listener, `HOST:PORT`; nil where the spoke enrolled before that was kept.
    package var front: String?

    package init(identity: SPIFFEID, hub: String, address: String, root: String, front: String? = nil) {
        v = 1
        self.identity = identity
        self.hub = hub
        self.address = address
        self.root = root
        self.front = front
    }
}

/// Everything that enrolment left in the data directory.
package struct EnrolledSpoke: Sendable {
    package var identity: SpokeIdentity
    package var key: PrivateKey
    package var chain: [Certificate]
    package var manifests: HeldManifests

    /// The newest version that this spoke has walked to.
    package var manifest: TrustManifest { manifests.newest }
}
