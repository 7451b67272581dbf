import Model
import Trust

/// What an exported ledger says about the journals of one spoke: which keys were its own and when, and what was anchored.
struct LedgerEvidence {
    /// A journal checkpoint of which the ledger holds the proof.
    struct Anchored {
        var checkpoint: JournalCheckpoint
        /// Index of the ledger entry.
        var entry: Int64
    }

    private struct Issued {
        var index: Int64
        var serial: String
        var notBefore: Instant
        var key: PublicKey
    }

    private var spoke: SPIFFEID
    /// By key: who enrols again with the key that is there holds one more of it.
    private var issued: [String: [Issued]] = [:]
    private var revokedSerials: [String: Int64] = [:]
    private var revocations: [(before: Instant, index: Int64)] = []
    private var roots: [Int64: JournalsAnchored] = [:]

    /// Reads what `nave ledger export` wrote.
    /// - Throws: `bad-ledger` when it is not what the manifest's keys signed.
    init(_ export: [UInt8], manifest: TrustManifest, of spoke: SPIFFEID) throws(SpokeError) {
        self.spoke = spoke
        var found = self
        let outcome = LedgerFile.verify(export, manifest: manifest) { index, json in found.take(index, json) }
        if let problem = outcome.problem {
            throw SpokeError("bad-ledger", "the exported ledger is not what was signed: \(problem)")
        }
        self = found
    }

    private mutating func take(_ index: Int64, _ json: JSON) {
        let types = ["certificate.issued", "certificate.revoked", "identity.revoked", "journals.anchored"]
        guard let type = json["type"]?.string, types.contains(type),
            let entry = try? Entry(PersonalData.reveal(json) { _ in nil })
        else { return }
        switch entry.event {
        case .certificateIssued(let certificate) where certificate.identity == spoke:
            guard let der = Base64.decode(certificate.certificate), let read = try? Certificate(der: der),
                read.publicKey.spkiDigest == certificate.key
            else { return }
            issued[certificate.key, default: []].append(
                Issued(index: index, serial: certificate.serial, notBefore: certificate.notBefore, key: read.publicKey))
        case .certificateRevoked(let body): revokedSerials[body.serial] = index
        case .identityRevoked(let body) where body.identity == spoke: revocations.append((body.issuedBefore, index))
        case .journalsAnchored(let body): roots[index] = body
        default: break
        }
    }

    /// The spoke's keys, by key id.
    var keys: [String: PublicKey] { issued.compactMapValues(\.first?.key) }

    /// - Throws: `bad-anchor` for a checkpoint that no certificate of the spoke signed which was in force, or that the entry
    ///   does not hold.
    func checked(_ anchor: JournalAnchor) throws(SpokeError) -> Anchored {
        do {
            let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: anchor.checkpoint)
            let signer = JournalCheckpoint.signer(of: envelope)
            let certificates = (issued[signer] ?? []).filter { $0.index < anchor.entry }
            guard let key = certificates.first?.key else {
                throw SpokeError(
                    "bad-anchor", "the ledger has no certificate of `\(spoke)` with the key \(signer.prefix(80))")
            }
            // One in force is enough.
            let isInForce = certificates.contains { certificate in
                let revoked =
                    [revokedSerials[certificate.serial]].compactMap(\.self)
                    + revocations.filter { certificate.notBefore < $0.before }.map(\.index)
                return revoked.allSatisfy { $0 > anchor.entry }
            }
            guard isInForce else {
                throw SpokeError("bad-anchor", "the key that signed it was revoked before entry \(anchor.entry)")
            }
            let checkpoint = try JournalCheckpoint.verified(envelope, key: key)
            guard let anchored = roots[anchor.entry], isDigestText(anchored.root),
                let root = Hex.decode(String(anchored.root.dropFirst("sha256:".count)))
            else { throw SpokeError("bad-anchor", "entry \(anchor.entry) of the ledger anchors no journals") }
            try MerkleTree.verifyInclusion(
                leafHash: MerkleTree.leafHash(try checkpoint.leaf()), index: anchor.leaf, size: anchored.count,
                proof: try ProofText.decode(anchor.path), root: root)
            guard checkpoint.spoke == spoke else {
                throw SpokeError("bad-anchor", "it is of `\(checkpoint.spoke)`, not of `\(spoke)`")
            }
            return Anchored(checkpoint: checkpoint, entry: anchor.entry)
        } catch let error as any NaveError {
            throw SpokeError("bad-anchor", error.message)
        } catch {
            throw SpokeError("bad-anchor", "cannot read it: \(error)")
        }
    }
}
