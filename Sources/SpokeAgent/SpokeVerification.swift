import Model
import Trust

/// `nave-spoke verify`: reads what the data directory holds as the next start would, and changes nothing.
package enum SpokeVerification {
    package struct Outcome: Hashable, Sendable {
        /// What was found in order, a line each.
        package var lines: [String] = []
        /// What is wrong, a line each.
        package var problems: [String] = []
    }

    /// What is held against the journal besides its own files.
    package struct Ledger {
        /// What `nave ledger export` wrote.
        package var export: [UInt8]
        /// What `nave ledger journals -o json` showed.
        package var anchors: [UInt8]
        /// A signed trust manifest; nil for the one that the spoke holds.
        package var manifest: [UInt8]?

        package init(export: [UInt8], anchors: [UInt8], manifest: [UInt8]?) {
            self.export = export
            self.anchors = anchors
            self.manifest = manifest
        }
    }

    /// - Parameters:
    ///   - spill: the directory of `audit: { spill: … }`, where there is one.
    ///   - earlier: directories of journals that this spoke wrote before, kept elsewhere.
    package static func run(
        data: String, spill: String?, earlier: [String] = [], ledger: Ledger?, now: Instant
    ) throws -> Outcome {
        let directory = try SpokeDirectory(enrolled: data)
        var outcome = Outcome()
        let spoke = try directory.load()
        outcome.lines.append("identity  \(spoke.identity.identity)")
        if let leaf = spoke.chain.first {
            if leaf.publicKey != spoke.key.publicKey {
                outcome.problems.append("the certificate is not for the stored key")
            }
            if leaf.notAfter <= now { outcome.problems.append("the certificate ended at \(leaf.notAfter)") }
            outcome.lines.append("certificate until \(leaf.notAfter)")
        }
        delivery(directory, spoke, now, &outcome)
        do {
            let found = try journal([directory.journal] + earlier, spill, spoke, ledger)
            outcome.lines += found.lines
            outcome.problems += found.problems
        } catch let error as any NaveError { outcome.problems.append("journal: \(error.message)") }
        return outcome
    }

    /// Only the journal.
    /// - Parameter key: of the spoke's certificate.
    package static func journal(_ directory: String, spill: String?, key: PublicKey) throws -> Outcome {
        try JournalVerification.run(directory: directory, spill: spill, keys: [key.spkiDigest: key], anchored: nil)
    }

    private static func journal(
        _ directories: [String], _ spill: String?, _ spoke: EnrolledSpoke, _ ledger: Ledger?
    ) throws -> Outcome {
        var keys = [spoke.key.publicKey.spkiDigest: spoke.key.publicKey]
        let read = { (keys: [String: PublicKey], anchored: [LedgerEvidence.Anchored]?) throws -> Outcome in
            var all = Outcome()
            for directory in directories {
                let found = try JournalVerification.run(
                    directory: directory, spill: directory == directories.first ? spill : nil, keys: keys,
                    anchored: anchored)
                all.lines += found.lines
                all.problems += found.problems
            }
            return all
        }
        guard let ledger else { return try read(keys, nil) }
        let manifest = try ledger.manifest.map { try TrustManifest(selfSigned: $0) } ?? spoke.manifest
        let evidence = try LedgerEvidence(ledger.export, manifest: manifest, of: spoke.identity.identity)
        keys.merge(evidence.keys) { $1 }
        var anchored: [LedgerEvidence.Anchored] = []
        var problems: [String] = []
        for anchor in try JSONCoding.decode([JournalAnchor].self, from: ledger.anchors) {
            do throws(SpokeError) { anchored.append(try evidence.checked(anchor)) } catch {
                problems.append("anchor in entry \(anchor.entry): \(error.message)")
            }
        }
        var outcome = try read(keys, anchored)
        let names = Set(try directories.compactMap { try JournalVerification.name(in: $0) })
        outcome.problems += JournalVerification.uncovered(anchored, by: names) + problems
        return outcome
    }

    private static func delivery(
        _ directory: SpokeDirectory, _ spoke: EnrolledSpoke, _ now: Instant, _ outcome: inout Outcome
    ) {
        outcome.lines.append("manifest  version \(spoke.manifest.version) until \(spoke.manifest.expires)")
        if spoke.manifest.expires <= now { outcome.problems.append("the trust manifest ended") }
        do throws(SpokeError) {
            guard
                let held = try DeliveryStore(path: directory.delivery).load(
                    spoke.manifests, spoke: spoke.identity.identity, now: now)
            else {
                outcome.lines.append("delivery  none yet")
                return
            }
            outcome.lines.append(
                "delivery  revision \(held.bundle.revision), \(held.digest), lease of \(held.leaseIssued), ledger size \(held.checkpoint.size)"
            )
        } catch { outcome.problems.append("delivery: \(error)") }
    }
}
