import Model

extension TrustManifest {
    /// A version that nothing here vouches for but its own manifest keys, which signed it: the first of a chain, one that was
    /// verified when it was written down, or one that whoever verifies something offline brought along.
    /// - Throws: `bad-envelope`, `bad-manifest`, and what verifying throws.
    package init(selfSigned envelope: DSSEEnvelope) throws(TrustError) {
        let claimed = try Self.claimed(by: envelope)
        _ = try claimed.verify(envelope, payloadType: Self.payloadType, role: .manifest)
        self = claimed
    }

    /// - Parameter bytes: JSON of the envelope.
    /// - Throws: The same.
    package init(selfSigned bytes: [UInt8]) throws { try self.init(selfSigned: DSSEEnvelope(parsing: bytes)) }

    /// Walks over several versions and judges only that each follows from the one before: who was away longer than a version
    /// lived still finds the way (TUF specification, section 5.3). Whether the last is in force is for `checkExpiry`; to read
    /// back what was kept, and to reach a version that names what to do about it, it need not be.
    /// - Parameter envelopes: In order, the first is the successor of `current`.
    /// - Returns: As many manifests as envelopes.
    /// - Throws: As `verifySuccessor` but for `expired`.
    package static func verifyLinks(
        _ envelopes: [DSSEEnvelope], from current: TrustManifest
    ) throws(TrustError) -> [TrustManifest] {
        var manifests: [TrustManifest] = []
        for envelope in envelopes { manifests.append(try step(envelope, from: manifests.last ?? current)) }
        return manifests
    }

    /// What an envelope says it holds, before anybody has signed it or any signature is checked: to show, to sign.
    /// - Throws: `bad-envelope`, `bad-manifest`.
    package static func claimed(by envelope: DSSEEnvelope) throws(TrustError) -> TrustManifest {
        guard sameBytes(envelope.payloadType, payloadType) else {
            throw TrustError(
                "bad-envelope", "the envelope holds \(backticked(envelope.payloadType)), no trust manifest")
        }
        return try decode(unverifiedPayload(envelope))
    }

    /// The next version, with other keys for some roles and everything else as it is.
    /// - Parameters:
    ///   - replacing: New keys and threshold by role.
    ///   - start: Begins the next epoch there; nil to stay in this one.
    ///   - roots: Nil for the same.
    /// - Throws: `bad-manifest`; `not-next-epoch` for an origin that counts no epochs.
    package func successor(
        expires: Instant, replacing: [TrustRole: (keys: [PublicKey], threshold: Int)], opening start: Start? = nil,
        roots: [Certificate]? = nil
    ) throws(TrustError) -> TrustManifest {
        let held = try rootCertificates()
        return try TrustManifest(
            version: version + 1, expires: expires, organization: organization,
            origin: start == nil ? origin : nextOrigin(), start: start ?? self.start, roots: roots ?? held
        ) { role in
            if let keys = replacing[role] { return keys }
            let held = keys(for: role)
            return (roles[role].keys.compactMap { held.keys[$0] }, held.threshold)
        }
    }

    /// An envelope that waits for its signatures.
    /// - Throws: `bad-manifest`.
    package var unsigned: DSSEEnvelope {
        get throws(TrustError) {
            do throws(ModelError) {
                let payload = try JSONCoding.canonical(self)
                return DSSEEnvelope(
                    payloadType: Self.payloadType, payload: Base64.encode(payload), signatures: [])
            } catch {
                throw TrustError("bad-manifest", "cannot write the trust manifest", because: error)
            }
        }
    }
}

extension DSSEEnvelope {
    /// The same envelope with one more signature; one of the same key is replaced.
    /// - Throws: `bad-envelope`, `weak-key`, `cannot-sign`.
    package func adding(signatureBy key: PrivateKey) throws(TrustError) -> DSSEEnvelope {
        guard let payload = Base64.decode(payload) else {
            throw TrustError("bad-envelope", "the payload of the envelope is not base64")
        }
        let signed = try DSSE.sign(payload, payloadType: payloadType, keys: [key])
        let id = key.publicKey.spkiDigest
        return DSSEEnvelope(
            payloadType: payloadType, payload: self.payload,
            signatures: signatures.filter { $0.keyid != id } + signed.signatures)
    }
}
