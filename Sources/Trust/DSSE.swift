import Model

/// A signed envelope (DSSE, secure-systems-lab/dsse, envelope.md): the payload as bytes, and signatures that cover it and
/// its type. As JSON: `{payloadType, payload, signatures: [{keyid, sig}]}`.
package struct DSSEEnvelope: Codable, Hashable, Sendable {
    package struct Signature: Codable, Hashable, Sendable {
        /// `PublicKey.spkiDigest` of the signer; only a hint which key to try.
        package var keyid: String
        /// Base 64 of Ed25519's 64 bytes, or of ECDSA's DER.
        package var sig: String

        package init(keyid: String, sig: String) {
            self.keyid = keyid
            self.sig = sig
        }
    }

    package var payloadType: String
    /// Base 64.
    package var payload: String
    package var signatures: [Signature]

    package init(payloadType: String, payload: String, signatures: [Signature]) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// Reads the JSON of an envelope, strictly.
    /// - Throws: `bad-envelope`.
    package init(parsing bytes: [UInt8]) throws(TrustError) {
        do throws(ModelError) {
            self = try JSONCoding.decode(DSSEEnvelope.self, from: bytes)
        } catch {
            throw TrustError("bad-envelope", "cannot read the signed envelope", because: error)
        }
    }

    /// The JSON of the envelope, canonical.
    /// - Throws: `bad-envelope`.
    package var encoded: [UInt8] {
        get throws(TrustError) {
            do throws(ModelError) {
                return try JSONCoding.canonical(self)
            } catch {
                throw TrustError("bad-envelope", "cannot write the signed envelope", because: error)
            }
        }
    }
}

/// Signs and verifies envelopes (DSSE v1, protocol.md): the hub's with Ed25519, a workload's with the P-256 key of its
/// certificate.
package enum DSSE {
    package static let maximumSignatures = 64

    /// The bytes that are signed: type and payload, each behind its length.
    package static func preAuthenticationEncoding(payloadType: String, payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }

    /// - Throws: `bad-envelope` without keys; `weak-key` for a key of another algorithm; `cannot-sign`.
    package static func sign(
        _ payload: [UInt8], payloadType: String, keys: [PrivateKey], algorithm: PublicKey.Algorithm = .ed25519
    ) throws(TrustError) -> DSSEEnvelope {
        guard (1...maximumSignatures).contains(keys.count) else {
            throw TrustError("bad-envelope", "an envelope has 1 to \(maximumSignatures) signatures, not \(keys.count)")
        }
        let covered = preAuthenticationEncoding(payloadType: payloadType, payload: payload)
        var signatures: [DSSEEnvelope.Signature] = []
        for key in keys {
            guard key.publicKey.algorithm == algorithm else {
                throw TrustError("weak-key", "this envelope is signed with \(algorithm.rawValue) keys only")
            }
            signatures.append(
                DSSEEnvelope.Signature(keyid: key.publicKey.spkiDigest, sig: Base64.encode(try key.sign(covered))))
        }
        return DSSEEnvelope(payloadType: payloadType, payload: Base64.encode(payload), signatures: signatures)
    }

    /// The payload, if at least `threshold` distinct ones of `keys` signed it. Signatures with an unknown key id are
    /// skipped; one that bears a known key id and does not verify refuses the envelope. Verify first, then decode.
    /// - Parameter keys: By key id. Keys count by what they are, so one key under two ids counts once.
    /// - Throws: `bad-threshold`, `wrong-payload-type`, `bad-envelope`, `bad-signature`, `below-threshold`.
    package static func verify(
        _ envelope: DSSEEnvelope, payloadType: String, keys: [String: PublicKey], threshold: Int,
        algorithm: PublicKey.Algorithm = .ed25519
    ) throws(TrustError) -> [UInt8] {
        guard threshold >= 1 else {
            throw TrustError("bad-threshold", "a threshold of \(threshold) would trust anybody")
        }
        guard sameBytes(envelope.payloadType, payloadType) else {
            throw TrustError(
                "wrong-payload-type",
                "the envelope holds \(backticked(envelope.payloadType)), not \(backticked(payloadType))")
        }
        guard let payload = Base64.decode(envelope.payload) else {
            throw TrustError("bad-envelope", "the payload of the envelope is not base64")
        }
        guard (1...maximumSignatures).contains(envelope.signatures.count) else {
            throw TrustError(
                "bad-envelope", "an envelope has 1 to \(maximumSignatures) signatures, not \(envelope.signatures.count)"
            )
        }
        let covered = preAuthenticationEncoding(payloadType: payloadType, payload: payload)
        var signers: Set<PublicKey> = []
        for signature in envelope.signatures {
            guard let key = keys[signature.keyid] else { continue }
            guard key.algorithm == algorithm, let bytes = Base64.decode(signature.sig),
                bytes.count == 64 || algorithm != .ed25519,
                key.verify(covered, signature: bytes)
            else {
                throw TrustError("bad-signature", "the signature of key \(backticked(signature.keyid)) does not hold")
            }
            signers.insert(key)
        }
        guard signers.count >= threshold else {
            throw TrustError(
                "below-threshold",
                "\(signers.count) known keys signed \(backticked(payloadType)), \(threshold) are needed")
        }
        return payload
    }
}
