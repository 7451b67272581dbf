import MCP
import Model
import NIOConcurrencyHelpers
import Testing

@testable import SpokeAgent

@Suite("sessions in the place of stateless callers")
struct BridgedSessionsTests {
    private static let key = BridgedSessions.Key(caller: "bot", capabilities: [])
    private let sessions = BridgedSessions(now: { SpokeFixture.now })
    private let told = NIOLockedValueBox<[String?]>([])

    private func established(_ session: String) -> BridgedSessions.Established {
        BridgedSessions.Established(
            session: session, version: .v20251125, caller: nil, bridge: .overHandshake(.object(JSONObject())))
    }

    /// - Returns: what to call with the outcome of shaking hands; nil where none were.
    private func ask() -> BridgedSessions.Waiter? {
        var begun: BridgedSessions.Waiter?
        sessions.session(of: Self.key) { [told] result in
            told.withLockedValue { told in
                switch result {
                case .success(let established): told.append(established.session)
                case .failure(let error): told.append(error.code)
                }
            }
        } begin: {
            begun = $0
        }
        return begun
    }

    @Test("calls that come while hands are shaken share the session, which ends with its caller")
    func shared() throws {
        let begun = try #require(ask())
        #expect(ask() == nil)
        begun(.success(established("s1")))
        #expect(ask() == nil)
        #expect(told.withLockedValue(\.self) == ["s1", "s1", "s1"])
        #expect(sessions.sweep(callers: ["other"]).isEmpty)
        #expect(sessions.sweep(callers: ["bot"]).map(\.session) == ["s1"])
        #expect(ask() != nil)
    }

    @Test("a caller who is cut off while hands are shaken leaves no session behind")
    func cutOff() throws {
        let begun = try #require(ask())
        #expect(sessions.sweep(callers: ["bot"]).isEmpty)
        begun(.success(established("s1")))
        #expect(told.withLockedValue(\.self) == ["upstream-closed"])
        #expect(sessions.sweep().map(\.session) == ["s1"])
        #expect(sessions.sweep().isEmpty)
        // Who may come back begins another one.
        let again = try #require(ask())
        again(.success(established("s2")))
        #expect(told.withLockedValue(\.self) == ["upstream-closed", "s2"])
        #expect(sessions.sweep().isEmpty)
    }

    @Test("nothing is kept of hands that were not shaken", arguments: [true, false])
    func failed(isCutOff: Bool) throws {
        let begun = try #require(ask())
        if isCutOff { #expect(sessions.sweep(callers: ["bot"]).isEmpty) }
        begun(.failure(SpokeError("bad-upstream", "no")))
        #expect(told.withLockedValue(\.self) == ["bad-upstream"])
        #expect(sessions.sweep(callers: ["bot"]).isEmpty)
        #expect(ask() != nil)
    }
}
