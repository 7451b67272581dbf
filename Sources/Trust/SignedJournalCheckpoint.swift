import Model

extension JournalCheckpoint {
    /// The envelope of this checkpoint.
    /// - Parameter key: of the spoke's certificate.
    /// - Throws: `weak-key`, `cannot-sign`, `bad-envelope`.
    package func signed(by key: PrivateKey) throws(TrustError) -> DSSEEnvelope {
        try DSSE.sign(try leaf(), payloadType: Self.payloadType, keys: [key], algorithm: .p256)
    }

    /// Its canonical bytes: what is signed, and the leaf that an entry of the ledger covers.
    /// - Throws: `bad-envelope`.
    package func leaf() throws(TrustError) -> [UInt8] {
        do throws(ModelError) { return try JSONCoding.canonical(self) } catch {
            throw TrustError("bad-envelope", "cannot write a journal checkpoint", because: error)
        }
    }

    /// The key that an envelope says it is signed with: `sha256:…` of the SubjectPublicKeyInfo.
    package static func signer(of envelope: DSSEEnvelope) -> String { envelope.signatures.first?.keyid ?? "" }

    /// What an envelope says, whoever signed it: to show it, and where the signature was verified before.
    /// - Throws: What decoding throws.
    package init(claimedBy envelope: DSSEEnvelope) throws(ModelError) {
        self = try JSONCoding.decode(JournalCheckpoint.self, from: Base64.decode(envelope.payload) ?? [])
    }

    /// What an envelope holds, if that key signed it, and nobody else: what else it held would be kept unverified.
    /// - Throws: what `DSSE.verify` throws; `bad-journal-checkpoint`.
    package static func verified(_ envelope: DSSEEnvelope, key: PublicKey) throws(TrustError) -> JournalCheckpoint {
        guard envelope.signatures.count == 1 else {
            throw TrustError(
                "bad-journal-checkpoint",
                "a journal checkpoint has one signature, not \(envelope.signatures.count)")
        }
        let payload = try DSSE.verify(
            envelope, payloadType: payloadType, keys: [key.spkiDigest: key], threshold: 1, algorithm: .p256)
        do throws(ModelError) {
            let checkpoint = try JSONCoding.decodeCanonical(JournalCheckpoint.self, from: payload)
            guard checkpoint.v == 1, checkpoint.line >= checkpoint.segment, checkpoint.segment >= 1,
                checkpoint.number >= 0, isDigestText(checkpoint.head), (1...64).contains(checkpoint.journal.utf8.count)
            else { throw ModelError("bad-value", "its numbers are those of no journal") }
            return checkpoint
        } catch {
            throw TrustError("bad-journal-checkpoint", "cannot read a journal checkpoint", because: error)
        }
    }
}
