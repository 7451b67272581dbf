import MCP
import Model
import NIOConcurrencyHelpers

/// Finds out how a process of stateless callers speaks: it is asked, and where it does not know the question, hands are
/// shaken in the callers' place.
struct StdioStart: Sendable {
    /// Some servers answer nothing before a handshake.
    private static let patience = Duration.seconds(10)

    let process: StdioProcess

    func begin() {
        let hasMoved = NIOLockedValueBox(false)
        let isFirst: @Sendable () -> Bool = {
            hasMoved.withLockedValue { moved in
                defer { moved = true }
                return !moved
            }
        }
        let moveOn: @Sendable () -> Void = { if isFirst() { shakeHands() } }
        process.ask(.discover, version: .newest) { answer in
            guard case .result(_, let result)? = answer,
                result["supportedVersions"]?.array?.contains(.string(ProtocolVersion.newest.rawValue)) == true
            else { return moveOn() }
            if isFirst() { process.open(.passThrough) }
        }
        Task {
            try? await Task.sleep(for: Self.patience)
            moveOn()
        }
    }

    private func shakeHands() {
        process.ask(.initialize(process.capabilities), version: .newestHandshake) { answer in
            guard case .result(_, let result)? = answer, ProtocolVersion(negotiatedIn: result) != nil else {
                return process.stop()
            }
            process.tell(.initialized)
            process.open(.overHandshake(result))
        }
    }
}
