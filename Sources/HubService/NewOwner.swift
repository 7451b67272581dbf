import Model
import Transport
import Trust

/// An owner under a new identity, whose key the hub makes: the first one, and one that recovers a hub.
struct NewOwner: Sendable {
    let identity: SPIFFEID
    private let key: PrivateKey
    private let leaf: Authority.Leaf

    /// - Throws: What issuing throws.
    init(under authority: Authority, now: Instant) throws {
        identity = try SPIFFEID(
            trustDomain: authority.organization, path: ["user", "u-\(Hex.encode(try randomBytes(8)))"])
        key = try PrivateKey.generateP256()
        leaf = try authority.issue(.client, to: identity, key: key.publicKey, now: now)
    }

    /// What the ledger has to say for the context to be worth anything.
    var events: [Event] {
        [
            .roleGranted(RoleGranted(identity: identity, role: .owner)),
            .certificateIssued(CertificateIssued(leaf.certificate, identity: identity, invitation: nil)),
        ]
    }

    /// Bytes of the context's file.
    /// - Parameter manifest: Envelope of the version in force.
    func context(_ settings: HubSettings, manifest: JSON) throws -> [UInt8] {
        try JSONCoding.canonical(
            HubContext(
                organization: settings.organization, identity: identity, hub: settings.url,
                address: settings.address.description, key: try key.pem, chain: leaf.chainPEM, manifest: manifest))
    }
}
