import MCP
import Model

/// A request that a process has not answered yet.
enum StdioPending: Sendable {
    case call(StdioAnswer, bridge: EraBridge, token: JSON?)
    case own(@Sendable (MCPMessage?) -> Void)
    /// Nobody waits for it any more, and the process may work on it all the same.
    case unwanted(StdioAnswer)

    /// - Parameter size: of the line that bore the message, in bytes.
    func complete(_ message: MCPMessage, size: Int) {
        switch self {
        case .own(let done): done(message)
        case .unwanted(let answer): answer.call.place?.release()
        case .call(let answer, let bridge, _):
            guard size <= answer.call.responseLimit else {
                return answer.emit(.failed(SpokeError.answerTooLarge(answer.call.responseLimit)))
            }
            guard let (status, message) = bridge.inbound(message, to: answer.call) else {
                return answer.emit(.failed(SpokeError("bad-upstream", "the answer holds no result")))
            }
            answer.emit(.response(UpstreamResponse(status: status, message: message, session: answer.session)))
        }
    }

    /// No answer will come.
    func fail(_ error: SpokeError) {
        switch self {
        case .own(let done): done(nil)
        case .unwanted(let answer): answer.call.place?.release()
        case .call(let answer, _, _): answer.emit(.failed(error))
        }
    }
}
