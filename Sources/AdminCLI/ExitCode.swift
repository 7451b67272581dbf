import Model

/// How every program of Nave ends. Scripts and pipelines compare these numbers, so none ever gets another meaning: 3 and 6
/// are kept for a change that is partly done, and for one that somebody has to approve.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    case done = 0
    case failed = 1
    /// A plan with changes, a comparison with a mismatch.
    case differences = 2
    /// By policy or for want of permission.
    case refused = 4
    /// Not every spoke enforces what it should in the time given.
    case notConverged = 5
    /// Problems of a topology that keep it from being applied.
    case blocked = 7
    /// BSD `sysexits.h`: EX_USAGE.
    case usage = 64
}

extension ExitStatus {
    /// Codes of errors that end otherwise than their HTTP status, or no status at all, would have it.
    private static let ofCode: [String: ExitStatus] = [
        "needs-removals": .blocked,
        "spoke-too-old": .refused,
        "authority-in-use": .refused,
        "no-terminal": .usage,
        "plan-moved": .differences,
        "test-failed": .blocked,
    ]

    /// The one table from what went wrong to how the program ends: the stable code first, then the answer's HTTP
    /// status.
    /// - Parameter status: of the hub's answer, nil when there was none.
    package init(code: String, status: Int?) {
        if let known = Self.ofCode[code] {
            self = known
            return
        }
        switch status {
        case 401, 403: self = .refused
        case 422: self = .blocked
        default: self = .failed
        }
    }
}
