import Model
import Transport
import Trust

/// Makes this host a spoke: a key that never leaves, and a certificate for it in exchange for a join token.
package enum Enrolment {
    /// What is told when it is done.
    package struct Done: Sendable {
        package var identity: SPIFFEID
        package var notAfter: Instant
        package var data: String
    }

    /// May be repeated with the same token when the answer was lost: the key is stored before it is first shown, and the hub
    /// answers the same key with the same certificate.
    /// - Throws: `already-enrolled`, `bad-join-token`, `wrong-token`, what `FrontClient` throws, and what is wrong with the
    ///   answer.
    package static func run(
        data: String, token text: String, now: @escaping @Sendable () -> Instant
    ) async throws -> Done {
        let token = try JoinToken(parsing: text)
        guard token.kind == .spoke, let zone = token.zone else {
            throw SpokeError(
                "wrong-token", "this is a token for a \(token.kind.rawValue)",
                hint: "`nave spoke invite ZONE/NAME` makes one for a spoke")
        }
        let directory = try SpokeDirectory(creating: data)
        if let bytes = try DurableFile.read(directory.identity) {
            let identity = try JSONCoding.decode(SpokeIdentity.self, from: bytes).identity
            guard identity.path == ["spoke", token.name], identity.trustDomain.hasPrefix("\(zone).") else {
                throw SpokeError(
                    "already-enrolled", "`\(data)` belongs to `\(identity)`",
                    hint: "take another directory for another spoke")
            }
        }
        var key = try directory.keyMakingIfNone()
        var answer: EnrolAnswer
        do {
            answer = try await FrontClient.enrol(token, csr: try CertificateRequest.make(key: key), now: now)
        } catch let error as TransportError where error.code == "key-revoked" {
            // The token is not spent. A retry meets the same refusal, and then the same new key.
            key = try directory.nextKeyMakingIfNone()
            answer = try await FrontClient.enrol(token, csr: try CertificateRequest.make(key: key), now: now)
        }
        let chain = try Certificate.chain(pem: answer.chain)
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: answer.manifest)
        let manifest = try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: token.root)
        try check(answer, chain, key, token, zone, manifest, now: now())
        try directory.store(
            SpokeIdentity(
                identity: answer.identity, hub: answer.hub, address: answer.address, root: token.root,
                front: token.address),
            key: key, chain: answer.chain, manifest: answer.manifest)
        return Done(identity: answer.identity, notAfter: answer.notAfter, data: data)
    }

    /// What the hub answered has to be what the token promised, for our key.
    private static func check(
        _ answer: EnrolAnswer, _ chain: [Certificate], _ key: PrivateKey, _ token: JoinToken, _ zone: String,
        _ manifest: TrustManifest, now: Instant
    ) throws {
        guard let leaf = chain.first, leaf.publicKey == key.publicKey, leaf.spiffeID == answer.identity,
            answer.identity.path == ["spoke", token.name],
            answer.identity.trustDomain == "\(zone).\(manifest.organization)"
        else { throw SpokeError("bad-answer", "the hub's certificate is not for this key and `\(zone)/\(token.name)`") }
        let verifier = try PeerVerifier(anchors: [answer.identity.trustDomain: try manifest.rootCertificates()])
        _ = try verifier.verify(chainDER: chain.map(\.der), purpose: .server, now: now)
    }
}
