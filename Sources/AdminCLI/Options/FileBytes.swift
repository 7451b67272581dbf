import Foundation
import Model

/// Reads files that are named on the command line.
enum FileBytes {
    /// - Throws: `cannot-read`.
    static func read(_ path: String) throws(AdminError) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw AdminError("cannot-read", "cannot read \(backticked(path))", hint: "is it there?")
        }
    }
}
