/// What a person's or a client's program needs to speak with a hub and its spokes: one file, mode 0600, JSON. Written by
/// `nave-hub init --admin-context`, `nave login` and `nave client enroll`; read by every command of `nave`.
package struct HubContext: Hashable, Sendable, Codable {
    package var v: Int64
    package var organization: String
    /// The hub's environment, once it is known: files of another are refused.
    package var environment: String?
    package var identity: SPIFFEID
    /// `https://h1.hub.corp.example:8443`: the name that the hub's certificate must bear.
    package var hub: String
    /// Where to dial for it: `HOST:PORT`.
    package var address: String
    /// Where to dial for the front listener, `HOST:PORT`; nil for a person's, which nobody renews late.
    package var front: String?
    /// PKCS#8 PEM.
    package var key: String
    /// Leaf and intermediate, PEM.
    package var chain: String
    /// The trust manifest's DSSE envelope.
    package var manifest: JSON

    package init(
        organization: String, environment: String? = nil, identity: SPIFFEID, hub: String, address: String,
        front: String? = nil, key: String,
        chain: String, manifest: JSON
    ) {
        v = 1
        self.organization = organization
        self.environment = environment
        self.identity = identity
        self.hub = hub
        self.address = address
        self.front = front
        self.key = key
        self.chain = chain
        self.manifest = manifest
    }
}
