import Model
import NIOConcurrencyHelpers

/// The keys of one issuer as they were fetched last. They are fetched again when they are old, and when a token names one that
/// is not among them, but never more often than once in a while: what callers send cannot make us ask the issuer more.
package final class IssuerKeys: Sendable {
    /// After which they are not believed any more, if the issuer does not answer.
    package static let keep = Milliseconds.hours(24)
    /// Between two attempts, where `refresh` is not shorter.
    package static let pause = Milliseconds.seconds(30)

    private struct State: Sendable {
        var keys: KeySet?
        /// Changes with the keys.
        var generation = 0
        var fetched = Instant(milliseconds: 0)
        var attempted: Instant?
        /// Whether the last attempt came to nothing.
        var isAway = false
        var running: Task<Void, Never>?
    }

    private let state = NIOLockedValueBox(State())
    private let algorithms: [TokenAlgorithm]
    private let refresh: Milliseconds
    private let pause: Milliseconds
    private let fetch: @Sendable () async throws -> [UInt8]
    private let now: @Sendable () -> Instant
    private let failed: @Sendable (any Error) -> Void

    /// - Parameters:
    ///   - fetch: the document at the issuer's address, bounded in size and time.
    ///   - failed: called when the keys could not be fetched.
    package init(
        of issuer: TokenIssuer, now: @escaping @Sendable () -> Instant,
        fetch: @escaping @Sendable () async throws -> [UInt8], failed: @escaping @Sendable (any Error) -> Void
    ) {
        algorithms = issuer.algorithms
        refresh = issuer.refresh
        pause = min(Self.pause, issuer.refresh)
        self.now = now
        self.fetch = fetch
        self.failed = failed
    }

    package enum Found: Sendable {
        case key(KeySet.Key, generation: Int)
        /// Whether it is one is known only once the keys are fetched anew.
        case unknown(Task<Void, Never>)
        /// There is no such key, and no time to ask again.
        case none
        /// The issuer does not answer, and what it said last is too old.
        case unavailable
    }

    package func find(_ id: String?, _ algorithm: TokenAlgorithm) -> Found {
        let moment = now()
        return state.withLockedValue { state in
            let age = moment - state.fetched
            let isGood = state.keys != nil && age < Self.keep
            if let key = state.keys?.find(id, algorithm), isGood {
                let task = age >= refresh ? begin(&state, moment) : nil
                // What nobody looked at for long may have been withdrawn long ago: then the issuer is heard first, if it
                // answers. Else whoever finds the keys old need not wait.
                if let task, age.count >= 2 * refresh.count, !state.isAway { return .unknown(task) }
                return .key(key, generation: state.generation)
            }
            if let task = begin(&state, moment) { return .unknown(task) }
            return isGood ? .none : .unavailable
        }
    }

    /// One fetch at a time, and none shortly after another.
    private func begin(_ state: inout State, _ moment: Instant) -> Task<Void, Never>? {
        if let running = state.running { return running }
        if let attempted = state.attempted, moment - attempted < pause, moment >= attempted { return nil }
        state.attempted = moment
        let task = Task { await self.renew() }
        state.running = task
        return task
    }

    private func renew() async {
        let renewed: Result<KeySet, any Error>
        do { renewed = .success(try await KeySet(try await fetch(), algorithms: algorithms)) } catch {
            renewed = .failure(error)
            failed(error)
        }
        let moment = now()
        state.withLockedValue { state in
            state.running = nil
            // The pause lies between the end of one attempt and the next.
            state.attempted = moment
            guard case .success(let keys) = renewed else {
                state.isAway = true
                return
            }
            state.isAway = false
            state.keys = keys
            state.generation += 1
            state.fetched = moment
        }
    }
}
