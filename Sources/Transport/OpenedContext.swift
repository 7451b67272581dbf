import Model
import Trust

/// A context file's contents, read and checked: who we are, which hub we speak with, and whom we believe.
package struct OpenedContext: Sendable {
    package let context: HubContext
    package let identity: TLSIdentity
    package let manifest: TrustManifest
    package let roots: [Certificate]

    /// The manifest was verified when the file was written; here its own signatures are checked again, so that a damaged
    /// file is noticed.
    /// - Throws: `bad-pem`, `bad-key`, `wrong-key`, `bad-manifest`, `bad-signature`, …
    package init(_ context: HubContext) throws(TransportError) {
        self.context = context
        identity = try TLSIdentity(keyPEM: context.key, chainPEM: context.chain)
        do {
            manifest = try TrustManifest(selfSigned: JSONCoding.decode(DSSEEnvelope.self, from: context.manifest))
            roots = try manifest.rootCertificates()
        } catch let error as any NaveError {
            throw TransportError("cannot read the trust manifest of the context", because: error)
        } catch {
            throw TransportError("bad-manifest", "cannot read the trust manifest of the context")
        }
    }

    /// A client of the context's hub. To be shut down.
    /// - Parameter seen: What is known of the hub's ledger; nil to believe every answer's checkpoint unseen.
    package func hubClient(seen: SeenCheckpoint? = nil) throws(TransportError) -> HubClient {
        try HubClient(hub: context.hub, address: context.address, identity: identity, roots: roots, seen: seen)
    }

    /// Believes peers of the organization's own domain and of those zones.
    /// - Parameter zones: Names, `finance`.
    package func verifier(zones: [String]) throws(TransportError) -> PeerVerifier {
        let domains = [context.organization] + zones.map { "\($0).\(context.organization)" }
        do throws(TrustError) {
            return try PeerVerifier(anchors: Dictionary(domains.map { ($0, roots) }) { first, _ in first })
        } catch { throw TransportError("cannot use the roots of the context", because: error) }
    }
}
