import Foundation
import Model
import Transport
import Trust

extension OpenedContext {
    /// - Throws: `bad-context`, and what `ContextStore.load` throws.
    init(path: String) throws {
        let context = try ContextStore.load(path)
        do throws(TransportError) {
            try self.init(context)
        } catch {
            throw AdminError(
                "bad-context", "cannot use the context \(backticked(path)) (\(error.code))",
                hint: "enrol again with a new join token")
        }
    }

    /// - Throws: `expired`, with a hint that the hub's refusal could not give.
    func checkExpiry(_ now: Instant) throws(AdminError) {
        guard now < identity.notAfter else {
            throw AdminError(
                "expired",
                "the certificate of \(backticked(context.identity.description)) ended at \(identity.notAfter)",
                hint: "ask for a new invitation and enrol again")
        }
    }
}

extension OpenedContext {
    /// Speaks with the hub, after following its trust manifest and renewing the certificate where that is due, and closes the
    /// connections afterwards. Each answer has to extend the ledger that was seen before.
    /// - Parameters:
    ///   - path: Of the context's file.
    ///   - time: Nil where something else renews.
    /// - Returns: What `body` returns, and the context as it is now.
    func hub<Answer: Sendable>(
        at path: String, _ time: RenewalTime?, _ terminal: Terminal, _ body: (HubClient) async throws -> Answer
    ) async throws -> (answer: Answer, followed: OpenedContext) {
        var current = self
        // One that has ended opens no connection to ask anything on.
        if let time, Instant.now >= identity.notAfter {
            current = await ContextRenewal.renewedIfDue(self, at: path, time, terminal, now: .now)
            try current.checkExpiry(.now)
        }
        var client = try current.hubClient(seen: KeptCheckpoint.seen(of: current))
        do {
            // Where the hub's root was followed by another, the certificate of now leads to the new one.
            if let next = try await current.caughtUp(at: path, through: client, time, terminal) {
                await client.shutdown()
                current = next
                client = try next.hubClient(seen: KeptCheckpoint.seen(of: next))
            }
            let answer = try await body(client)
            await client.shutdown()
            return (answer, current)
        } catch {
            await client.shutdown()
            throw error
        }
    }
}

extension Instant {
    static var now: Instant { Instant(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }
}

extension HubOptions {
    /// - Throws: What `path` and `OpenedContext.init(path:)` throw.
    func opened() throws -> OpenedContext { try OpenedContext(path: path()) }

    /// The file of the context that is meant.
    /// - Throws: What `ContextStore.resolve` throws.
    func path() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let asked = [context, environment["NAVE_CONTEXT"]].compactMap(\.self).first { !$0.isEmpty }
        // A file that is named needs no home directory.
        if let asked, asked.contains("/") || asked.hasSuffix(".json") { return asked }
        return try ContextStore(environment: environment).resolve(option: context, environment: environment)
    }

    /// Binds the context that is meant to the environment whose files the hub took, for good.
    func bind(to environment: String?) throws {
        guard let environment, try opened().context.environment == nil else { return }
        _ = try ContextStore.change(try path()) { $0.environment = $0.environment ?? environment }
    }

    /// Speaks with the hub of the context that is meant, and closes the connections afterwards.
    func hub<Answer: Sendable>(_ body: (HubClient) async throws -> Answer) async throws -> Answer {
        let path = try path()
        let stored = try OpenedContext(path: path)
        let time = try ContextRenewal.time(environment: ProcessInfo.processInfo.environment)
        return try await stored.hub(at: path, time, .current, body).answer
    }
}

/// The pairs of a query that were given.
func query(_ pairs: (String, String?)...) -> [(String, String)] {
    pairs.compactMap { name, value in value.map { (name, $0) } }
}
