import Model
import Storage
import Trust

/// `nave-hub verify`: replays the ledger and compares every row, without changing anything; also while the hub serves.
package enum HubVerification {
    package struct Outcome: Hashable, Sendable {
        package var report: VerificationReport

        package var isClean: Bool { report.isClean }

        /// For people.
        package var text: String {
            let head = "\(report.size) entries, root \(report.root)"
            guard !report.isClean else { return "\(head): the registry is what the ledger folds to" }
            let lines = report.problems.map { "\($0.table) \($0.row): \($0.message)" }
            return ([head] + lines).joined(separator: "\n")
        }

        /// For programs.
        package var json: [UInt8] {
            let problems = report.problems.map { problem in
                JSON.object(
                    JSONObject([
                        ("table", .string(problem.table)), ("row", .string(problem.row)),
                        ("message", .string(problem.message)),
                    ]))
            }
            return JSON.object(
                JSONObject([
                    ("size", .number(JSONNumber(report.size))), ("root", .string(report.root)),
                    ("problems", .array(problems)),
                ])
            ).canonicalBytes
        }
    }

    /// - Throws: `not-a-hub`, and what opening the database throws.
    package static func verify(data: String, passphrase: [UInt8]? = nil) throws -> Outcome {
        try verify(databases: data, keys: HubDirectory(data, passphrase: passphrase))
    }

    /// Verifies a copy of the databases with the keys of another directory.
    static func verify(databases: String, keys directory: HubDirectory) throws -> Outcome {
        _ = try directory.settings()
        // Of the databases themselves: their ledger holds the digest of every version of the manifest.
        let chain = try ManifestChain(try HubDatabase.manifests(directory: databases))
        var epochs = chain.epochs
        if try !Self.knows(chain, directory) {
            // Keys that are not this ledger's prove nothing about it, so it is held against them and found wanting.
            let own = try directory.checkpointKey()
            for index in epochs.indices { epochs[index].keys = [own] }
        }
        var report = try LedgerVerification.verify(directory: databases, epochs: epochs)
        // What cannot be replayed cannot be compiled.
        if report.isClean, let problem = try publicationProblem(databases) { report.problems.append(problem) }
        return Outcome(report: report)
    }

    /// Whether the directory of the keys vouches for the versions of the manifest that a ledger holds.
    private static func knows(_ chain: ManifestChain, _ directory: HubDirectory) throws -> Bool {
        if let kept = try directory.keptChain() { return kept.agrees(with: chain) }
        let own = try directory.checkpointKey()
        return chain.epochs.contains { $0.keys.contains(own) }
    }

    /// The newest publication has to be that of the bundles that the registry makes, unless something changed since.
    private static func publicationProblem(_ databases: String) throws -> VerificationReport.Problem? {
        let (state, newest) = try HubDatabase.published(directory: databases)
        // One of an older program is of another form; the next start of the hub publishes again.
        guard let newest, state.changes.values.max() == newest.body.revision, SlotTree.isCount(newest.body.count) else {
            return nil
        }
        let body = try Publication(of: state, reusing: nil).body
        guard body != newest.body else { return nil }
        return VerificationReport.Problem(
            table: "publications", row: "\(newest.index)",
            message: "the root is not that of the bundles that the registry makes: `\(body.root)`")
    }
}
