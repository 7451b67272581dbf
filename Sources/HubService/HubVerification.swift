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
    package static func verify(data: String) throws -> Outcome {
        let directory = HubDirectory(data)
        _ = try directory.settings()
        let chain = try ManifestChain(try HubDatabase.manifests(directory: directory.path))
        return Outcome(
            report: try LedgerVerification.verify(directory: directory.path, keys: chain.checkpointKeys))
    }
}
