import Foundation
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

    package static func run(data: String, now: Instant) throws -> Outcome {
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
        journal(directory, &outcome)
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

    /// Numbers rise by one from line to line and from segment to segment; a torn last line is what a crash leaves.
    private static func journal(_ directory: SpokeDirectory, _ outcome: inout Outcome) {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory.journal)) ?? [])
            .filter { $0.hasSuffix(".jsonl") }.sorted()
        var expected: Int64?
        var lines = 0
        for name in names {
            let path = directory.journal + "/" + name
            do throws(SpokeError) {
                var gap: String?
                let whole = try JournalFiles.forEachLine(path, from: 0) { line, _ in
                    lines += 1
                    guard case .decision(let record) = line else { return true }
                    if let expected, record.number != expected {
                        gap = "journal: \(name) goes on with \(record.number) where \(expected) was due"
                    }
                    expected = record.number + 1
                    return true
                }
                if let gap { outcome.problems.append(gap) }
                let size = (try? DurableFile.read(path, maximumBytes: 256 << 20))?.count ?? whole
                if size != whole {
                    let torn = "journal: \(size - whole) bytes of an unfinished line at the end of \(name)"
                    if name == names.last { outcome.lines.append(torn) } else { outcome.problems.append(torn) }
                }
            } catch { outcome.problems.append("journal: \(error)") }
        }
        outcome.lines.append("journal   \(lines) lines in \(names.count) segments, next number \(expected ?? 1)")
    }
}
