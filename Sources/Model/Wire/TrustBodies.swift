/// `GET /v1/trust?manifest=N` and event `manifest` of a spoke's stream: the versions of the trust manifest after version N,
/// in order, none left out.
package struct ManifestLinks: Hashable, Sendable, Codable {
    /// DSSE envelopes.
    package var manifests: [JSON]

    package init(manifests: [JSON]) { self.manifests = manifests }
}

/// `POST /v1/trust/rotate`: prepare the next version of the trust manifest. The hub makes new keys for the online roles that
/// are named; the keys of the role `manifest` are made elsewhere and come with the request.
package struct RotateRequest: Hashable, Sendable, Codable {
    /// Of `bundle`, `lease`, `checkpoint`, `manifest`; none only extends the time of the manifest.
    package var roles: [String]
    /// The public halves of all manifest keys from then on, Base64 of 32 bytes each; with the role `manifest` only.
    package var manifestKeys: [String]?
    /// How many of them have to sign.
    package var threshold: Int?
    /// How long the version is good; nil for three years.
    package var validFor: Milliseconds?

    package init(
        roles: [String], manifestKeys: [String]? = nil, threshold: Int? = nil, validFor: Milliseconds? = nil
    ) {
        self.roles = roles
        self.manifestKeys = manifestKeys
        self.threshold = threshold
        self.validFor = validFor
    }
}

package struct RotateAnswer: Hashable, Sendable, Codable {
    /// A DSSE envelope without signatures.
    package var manifest: JSON

    package init(manifest: JSON) { self.manifest = manifest }
}

/// `POST /v1/trust/publish`
package struct PublishManifestRequest: Hashable, Sendable, Codable {
    /// The signed envelope.
    package var manifest: JSON
    package var why: String?

    package init(manifest: JSON, why: String? = nil) {
        self.manifest = manifest
        self.why = why
    }
}

package struct PublishManifestAnswer: Hashable, Sendable, Codable {
    package var version: Int64
    /// Ledger index of its entry.
    package var index: Int64

    package init(version: Int64, index: Int64) {
        self.version = version
        self.index = index
    }
}
