import Model

/// What a set of keys may sign.
package enum TrustRole: String, CaseIterable, Sendable {
    case manifest, bundle, lease, checkpoint
}

/// The root of trust in one document (the root role of TUF): the X.509 roots, and which keys sign what. A DSSE payload in
/// canonical JSON. Version N + 1 is signed by N's manifest keys and by its own.
package struct TrustManifest: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.nave.trust-manifest.v1+json"

    package struct Role: Codable, Hashable, Sendable {
        /// Key ids.
        package var keys: [String]
        /// How many distinct ones of them have to sign.
        package var threshold: Int

        package init(keys: [String], threshold: Int) {
            self.keys = keys
            self.threshold = threshold
        }
    }

    package struct Roles: Codable, Hashable, Sendable {
        package var manifest: Role
        package var bundle: Role
        package var lease: Role
        package var checkpoint: Role

        package init(manifest: Role, bundle: Role, lease: Role, checkpoint: Role) {
            self.manifest = manifest
            self.bundle = bundle
            self.lease = lease
            self.checkpoint = checkpoint
        }

        package subscript(role: TrustRole) -> Role {
            switch role {
            case .manifest: manifest
            case .bundle: bundle
            case .lease: lease
            case .checkpoint: checkpoint
            }
        }
    }

    package struct Key: Codable, Hashable, Sendable {
        /// `ed25519`.
        package var algorithm: String
        /// Base 64 of the 32 bytes.
        package var `public`: String

        package init(algorithm: String, public: String) {
            self.algorithm = algorithm
            self.public = `public`
        }
    }

    /// The version of this format: 1.
    package var v: Int
    /// Counts from 1.
    package var version: Int64
    package var expires: Instant
    /// The organization's domain.
    package var organization: String
    /// The origin of the ledger's checkpoints, `corp.example/nave/EPOCH`.
    package var origin: String
    /// Where the epoch of `origin` begins; nil in the first one. Every version of an epoch says the same.
    package var start: Start?
    /// The organization's root certificates, one PEM block each.
    package var roots: [String]
    package var roles: Roles
    /// By key id, which is the key's `spkiDigest`.
    package var keys: [String: Key]

    /// - Parameter roleKeys: Each role's keys and threshold; `keys` and the key ids come from them.
    /// - Throws: `bad-manifest`.
    package init(
        version: Int64, expires: Instant, organization: String, origin: String, start: Start? = nil,
        roots: [Certificate],
        roleKeys: (TrustRole) -> (keys: [PublicKey], threshold: Int)
    ) throws(TrustError) {
        var keys: [String: Key] = [:]
        func role(_ name: TrustRole) -> Role {
            let (roleKeys, threshold) = roleKeys(name)
            for key in roleKeys {
                keys[key.spkiDigest] = Key(algorithm: "ed25519", public: Base64.encode(key.ed25519Bytes ?? []))
            }
            return Role(keys: roleKeys.map(\.spkiDigest), threshold: threshold)
        }
        v = 1
        self.version = version
        self.expires = expires
        self.organization = organization
        self.origin = origin
        self.start = start
        self.roots = roots.map(\.pem)
        roles = Roles(
            manifest: role(.manifest), bundle: role(.bundle), lease: role(.lease), checkpoint: role(.checkpoint))
        self.keys = keys
        try check()
    }

    /// The keys of a role by their ids, and how many of them have to sign.
    package func keys(for role: TrustRole) -> (keys: [String: PublicKey], threshold: Int) {
        let role = roles[role]
        var found: [String: PublicKey] = [:]
        for id in role.keys {
            // `check` read every key before this manifest was handed out.
            guard let bytes = keys[id].flatMap({ Base64.decode($0.public) }), let key = try? PublicKey(ed25519: bytes)
            else { continue }
            found[id] = key
        }
        return (found, role.threshold)
    }

    /// The root certificates: where paths end, signed by themselves or by a corporate CA that this manifest does not name.
    /// - Throws: `bad-manifest`.
    package func rootCertificates() throws(TrustError) -> [Certificate] {
        var certificates: [Certificate] = []
        for pem in roots {
            let certificate = try Certificate(pem: pem)
            guard certificate.isAnchor, certificate.pem == pem else {
                throw TrustError(
                    "bad-manifest", "\(backticked(certificate.subject)) in the trust manifest is not a root CA")
            }
            certificates.append(certificate)
        }
        return certificates
    }

    /// The bundle's signer, for example: verifies an envelope with the keys of a role.
    /// - Throws: What `DSSE.verify` throws.
    package func verify(
        _ envelope: DSSEEnvelope, payloadType: String, role: TrustRole
    ) throws(TrustError) -> [UInt8] {
        let (keys, threshold) = keys(for: role)
        return try DSSE.verify(envelope, payloadType: payloadType, keys: keys, threshold: threshold)
    }

    /// The checkpoint of a note, signed by the checkpoint keys for this ledger.
    /// - Throws: What `Checkpoint.verified` throws.
    package func verifyCheckpoint(_ note: String) throws(TrustError) -> Checkpoint {
        let (keys, threshold) = keys(for: .checkpoint)
        return try Checkpoint.verified(note: note, origin: origin, keys: Array(keys.values), threshold: threshold)
    }

    /// Everything that a signature alone does not make true.
    private func check() throws(TrustError) {
        func demand(_ condition: Bool, _ message: @autoclosure () -> String) throws(TrustError) {
            guard condition else { throw TrustError("bad-manifest", message()) }
        }
        try demand(v == 1, "trust manifest format \(v) is not known")
        try demand(
            (1..<Int64.max).contains(version), "trust manifest version \(version) is not positive, or the last there is"
        )
        try demand(isDomainName(organization), "\(backticked(organization)) in the trust manifest is not a domain")
        try demand(isNoteKeyName(origin), "\(backticked(origin)) in the trust manifest is not a ledger origin")
        if let start {
            try demand(
                start.size > 0 && isDigestText(start.root),
                "an epoch begins at \(start.size) entries with the root \(backticked(start.root))")
        }
        try demand((1...32).contains(roots.count), "a trust manifest has 1 to 32 roots, not \(roots.count)")
        try demand((1...64).contains(keys.count), "a trust manifest has 1 to 64 keys, not \(keys.count)")
        _ = try rootCertificates()
        for (id, key) in keys {
            try demand(key.algorithm == "ed25519", "the algorithm \(backticked(key.algorithm)) of a key is not known")
            let publicKey = try PublicKey(ed25519: Base64.decode(key.public) ?? [])
            try demand(publicKey.spkiDigest == id, "\(backticked(id)) is not the id of its key")
        }
        for name in TrustRole.allCases {
            let role = roles[name]
            try demand(Set(role.keys).count == role.keys.count, "the role \(name.rawValue) names a key twice")
            try demand(role.keys.allSatisfy { keys[$0] != nil }, "the role \(name.rawValue) names an unknown key")
            try demand(
                (1...max(1, role.keys.count)).contains(role.threshold) && !role.keys.isEmpty,
                "the role \(name.rawValue) has threshold \(role.threshold) for \(role.keys.count) keys")
        }
    }
}

extension TrustManifest {
    /// Signs the manifest: with its own manifest keys and, from version 2 on, with those of the version before.
    /// - Throws: `bad-manifest`, `weak-key`, `cannot-sign`.
    package func signed(by keys: [PrivateKey]) throws(TrustError) -> DSSEEnvelope {
        let payload: [UInt8]
        do throws(ModelError) {
            payload = try JSONCoding.canonical(self)
        } catch {
            throw TrustError("bad-manifest", "cannot write the trust manifest", because: error)
        }
        return try DSSE.sign(payload, payloadType: Self.payloadType, keys: keys)
    }

    /// The version that a newcomer begins with, believed because one of its roots is the pinned one and it is signed by its
    /// own manifest keys. The pin is public, so the envelope has to come over a connection that ended at the pinned root.
    /// It is version 1 until a root follows another: then it is the one that named the new root first.
    /// - Parameter pinnedRootSPKI: `sha256:<hex>`.
    /// - Throws: `bad-manifest`, `not-first-manifest`, `unknown-root`, and what `DSSE.verify` throws.
    package static func verifyFirst(
        _ envelope: DSSEEnvelope, pinnedRootSPKI: String
    ) throws(TrustError) -> TrustManifest {
        // The keys are inside the payload: it is decoded once to find them, and believed only after the signatures hold.
        let manifest = try decode(unverifiedPayload(envelope))
        _ = try manifest.verify(envelope, payloadType: payloadType, role: .manifest)
        guard manifest.version > 1 || manifest.start == nil else {
            throw TrustError("not-first-manifest", "the first trust manifest goes on from another epoch")
        }
        guard try manifest.rootCertificates().contains(where: { $0.publicKey.spkiDigest == pinnedRootSPKI }) else {
            throw TrustError(
                "unknown-root", "no root of the trust manifest has the pinned key \(backticked(pinnedRootSPKI))")
        }
        return manifest
    }

    /// The next version, signed by a threshold of `current`'s and of its own manifest keys, and not expired.
    /// - Throws: `bad-manifest`, `not-next-manifest`, `other-organization`, `not-next-epoch`, `no-start`, `start-moved`,
    ///   `expired`, and what `DSSE.verify` throws.
    package static func verifySuccessor(
        _ envelope: DSSEEnvelope, of current: TrustManifest, now: Instant
    ) throws(TrustError) -> TrustManifest {
        let manifest = try step(envelope, from: current)
        try manifest.checkExpiry(now)
        return manifest
    }

    /// - Throws: `expired`.
    package func checkExpiry(_ now: Instant) throws(TrustError) {
        guard now < expires else {
            throw TrustError("expired", "version \(version) of the trust manifest ended at \(expires), it is \(now)")
        }
    }

    static func step(
        _ envelope: DSSEEnvelope, from current: TrustManifest
    ) throws(TrustError) -> TrustManifest {
        let manifest = try decode(current.verify(envelope, payloadType: payloadType, role: .manifest))
        _ = try manifest.verify(envelope, payloadType: payloadType, role: .manifest)
        guard manifest.version == current.version + 1 else {
            throw TrustError(
                "not-next-manifest",
                "the trust manifest has version \(manifest.version), the next one is \(current.version + 1)")
        }
        guard manifest.organization == current.organization else {
            throw TrustError(
                "other-organization",
                "the trust manifest is of \(backticked(manifest.organization)), not of \(backticked(current.organization))"
            )
        }
        try manifest.demandEpoch(after: current)
        return manifest
    }

    static func unverifiedPayload(_ envelope: DSSEEnvelope) throws(TrustError) -> [UInt8] {
        guard let payload = Base64.decode(envelope.payload) else {
            throw TrustError("bad-envelope", "the payload of the envelope is not base64")
        }
        return payload
    }

    static func decode(_ payload: [UInt8]) throws(TrustError) -> TrustManifest {
        let manifest: TrustManifest
        do throws(ModelError) {
            manifest = try JSONCoding.decodeCanonical(TrustManifest.self, from: payload)
        } catch {
            throw TrustError("bad-manifest", "cannot read the trust manifest", because: error)
        }
        try manifest.check()
        return manifest
    }
}
