import Model
import Trust

/// The file that `nave topology plan --out` writes.
package enum SavedPlanFile {
    /// A hub takes 16 MiB of topology; what would change is named besides.
    package static let maximumBytes = 32 << 20

    /// In one line: written out for people it could grow past what is read again.
    /// - Throws: `cannot-save`.
    package static func write(_ plan: Plan, of topology: Topology, to path: String) throws {
        guard let bound = PlanBinding(plan) else {
            throw AdminError(
                "cannot-save", "this hub does not say which revisions it planned on", hint: "upgrade the hub")
        }
        let saved = SavedPlan(
            files: digestText(of: try JSONCoding.canonical(topology)), topology: topology, bound: bound)
        let bytes = try JSONCoding.canonical(saved) + [UInt8(ascii: "\n")]
        guard bytes.count <= maximumBytes else {
            throw AdminError("cannot-save", "the plan has more than \(maximumBytes) bytes", hint: "apply in parts")
        }
        try PrivateFile.replace(path, with: bytes)
    }

    /// - Throws: `bad-plan` for what is no plan of this version, or was changed since.
    package static func read(_ path: String) throws -> SavedPlan {
        let saved: SavedPlan
        do {
            var limits = JSON.Limits.standard
            limits.maximumBytes = maximumBytes
            saved = try JSONCoding.decode(
                SavedPlan.self, from: try PrivateFile.readOpenly(path, maximum: maximumBytes), limits: limits)
        } catch let error as ModelError {
            throw AdminError(
                "bad-plan", "\(backticked(path)) is no plan: \(error.message)",
                hint: "`nave topology plan DIR --out FILE`")
        }
        guard saved.v == SavedPlan.version, saved.files == digestText(of: try JSONCoding.canonical(saved.topology))
        else {
            throw AdminError(
                "bad-plan", "\(backticked(path)) was changed since it was written",
                hint: "plan again: `nave topology plan DIR --out FILE`")
        }
        return saved
    }
}
