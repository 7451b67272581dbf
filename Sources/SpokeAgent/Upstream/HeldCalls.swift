import Model
import NIOConcurrencyHelpers
import Trust

/// The calls that wait for what their callers were asked, by the random word that the caller's next request brings back,
/// sealed. To anybody but the caller, and at any other server, a call does not exist.
final class HeldCalls: Sendable {
    /// Of one spoke.
    private static let maximum = 2048

    private let limits: ListenerLimits
    private let calls = NIOLockedValueBox<[String: HeldCall]>([:])

    init(_ limits: ListenerLimits) { self.limits = limits }

    var count: Int { calls.withLockedValue(\.count) }
    /// How long one waits.
    var patience: Milliseconds { limits.heldFor }

    /// - Returns: what the call is found by; nil when its caller has as many waiting as it may.
    func add(_ call: HeldCall) -> String? {
        guard let key = try? Hex.encode(randomBytes(16)) else { return nil }
        return calls.withLockedValue { calls in
            let own = calls.values.count { $0.account == call.account }
            guard calls.count < Self.maximum, own < limits.heldCallsPerCaller else { return nil }
            calls[key] = call
            return key
        }
    }

    /// Takes the call out, so that of two answers one goes on.
    /// - Returns: nil for a word that is unknown, not known any more, or of another caller's call or another server's.
    func take(_ key: String, caller: String, server: String) -> HeldCall? {
        calls.withLockedValue { calls in
            guard let call = calls[key], call.caller == caller, call.server == server else { return nil }
            calls[key] = nil
            return call
        }
    }

    /// - Returns: false when somebody took it meanwhile.
    func remove(_ key: String) -> Bool { calls.withLockedValue { $0.removeValue(forKey: key) } != nil }

    /// Gives up a call whose caller could not be asked.
    func abandon(_ key: String) { calls.withLockedValue { $0.removeValue(forKey: key) }?.abandon() }

    /// Gives up the calls of callers who may not connect any more.
    func end(callers: Set<String>) {
        let gone = calls.withLockedValue { calls in
            let gone = calls.filter { callers.contains($0.value.caller) }
            for key in gone.keys { calls[key] = nil }
            return gone.values
        }
        for call in gone { call.abandon() }
    }
}
