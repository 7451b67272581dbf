/// Where a certification authority of the hub stands: the root, the organization's intermediate, or a zone's.
package enum AuthorityState: String, Codable, Hashable, Sendable, CaseIterable {
    /// A key that waits for a certificate of an offline root. In no ledger: only the hub's directory knows it.
    case requested
    /// Certified, and not used yet.
    case prepared
    /// What new certificates come from.
    case active
    /// Another one is active; what it signed is believed.
    case old
    /// As `old`, and whoever holds a leaf under it is told to renew now.
    case tainted
    /// Nothing under it is believed any more.
    case retired
}

/// The next authority of a name has its key and certificate. Every authority begins here, the first one of a name too.
package struct AuthorityPrepared: Hashable, Sendable, Codable {
    /// `root`, `organization`, or a zone's name.
    package var name: String
    /// Lower-case hex.
    package var serial: String
    /// Serial number of the root that signed it; its own for a root.
    package var issuer: String
    /// DER in Base64.
    package var certificate: String
    /// For a root that follows another: its key certified by the one before, DER in Base64, so that who knows only that
    /// one finds the way.
    package var cross: String?

    package init(name: String, serial: String, issuer: String, certificate: String, cross: String? = nil) {
        self.name = name
        self.serial = serial
        self.issuer = issuer
        self.certificate = certificate
        self.cross = cross
    }
}

/// One step in the life of an authority: `authority.activated`, `.tainted`, `.retired`.
package struct AuthorityStep: Hashable, Sendable, Codable {
    package var name: String
    package var serial: String
    /// Of `authority.retired`: `sha256:…` of its key. Nothing under any certificate of that key is believed, also under one
    /// that nobody here has seen.
    package var key: String?

    package init(name: String, serial: String, key: String? = nil) {
        self.name = name
        self.serial = serial
        self.key = key
    }
}
