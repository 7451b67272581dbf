import Model

/// What the hub decided to put into a leaf. Nothing of it comes from a certificate request but the key.
package struct CertificateTemplate: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// Shows itself to servers: clients, users, robots.
        case client
        /// Serves: the hub's listeners.
        case serving
        /// Does both: a spoke serves callers and calls the hub.
        case spoke

        package var purposes: [CertificatePurpose] {
            switch self {
            case .client: [.client]
            case .serving: [.server]
            case .spoke: [.client, .server]
            }
        }
    }

    package var kind: Kind
    package var id: SPIFFEID
    /// The one DNS name of a serving leaf, inside the domain of `id`.
    package var dns: String?
    package var publicKey: PublicKey
    /// From now; the leaf ends earlier where its issuer does.
    package var validity: Milliseconds
    /// 16 to 20 random bytes; the first six give way to the time of issue.
    package var serial: [UInt8]

    package init(
        kind: Kind, id: SPIFFEID, dns: String? = nil, publicKey: PublicKey, validity: Milliseconds, serial: [UInt8]
    ) {
        self.kind = kind
        self.id = id
        self.dns = dns
        self.publicKey = publicKey
        self.validity = validity
        self.serial = serial
    }
}
