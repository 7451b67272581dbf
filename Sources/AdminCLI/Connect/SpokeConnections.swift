import MCP
import Model
import NIOCore
import NIOPosix
import Transport

/// The connections of `nave connect` to the spokes that front one server.
actor SpokeConnections {
    private static let maximumIdle = 8
    /// Handshakes at once; who comes then waits for one of them or for a connection that comes back.
    private static let maximumDialling = 8
    /// A spoke closes idle connections later; one that is older is not worth the risk of a lost message.
    private static let idleLimit = Milliseconds.seconds(30)

    private let resolver: Resolver
    private var generation: TLSGeneration
    private var opened: OpenedContext
    /// Of `show`; a connection of an earlier one is not used again.
    private var turn = 0
    private var idle: [(connection: SpokeConnection, since: Instant)] = []
    private var dialling = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(resolver: Resolver, opened: OpenedContext) throws(TransportError) {
        self.resolver = resolver
        generation = try MutualTLS.clientGeneration(opened.identity)
        self.opened = opened
    }

    /// New connections show another certificate and meet other roots; one that is in use goes when its answer has ended, so
    /// that nothing is left of a certificate that will not be believed much longer.
    func show(_ renewed: OpenedContext) throws(TransportError) {
        generation = try MutualTLS.clientGeneration(renewed.identity)
        opened = renewed
        turn += 1
        close()
    }

    /// Sends one request and hands over its answer. A connection is used again when the answer ended cleanly. Nothing
    /// is ever sent twice: a call that broke may have been made.
    func perform(
        method: String, headers: HTTPHeaders, body: [UInt8]?,
        _ receive: @escaping @Sendable (HTTPResponseParser.Event) async throws -> Void
    ) async throws {
        let turn = turn
        let connection = try await connection()
        var headers = headers
        headers.add("Host", connection.host)
        headers.add("Accept-Encoding", "identity")
        let request = try HTTPWriter.request(method: method, target: connection.target, headers: headers, body: body)
        do {
            try await connection.perform(request, receive)
        } catch {
            connection.close()
            throw error
        }
        if connection.isUsable, turn == self.turn, idle.count < Self.maximumIdle {
            idle.append((connection, .now))
            wakeOne()
        } else {
            connection.close()
        }
    }

    private func wakeOne() {
        if !waiting.isEmpty { waiting.removeFirst().resume() }
    }

    func close() {
        for (connection, _) in idle { connection.close() }
        idle = []
    }

    private func connection() async throws -> SpokeConnection {
        while true {
            while let (connection, since) = idle.popLast() {
                if connection.isUsable, Instant.now - since < Self.idleLimit { return connection }
                connection.close()
            }
            if dialling < Self.maximumDialling { break }
            await withCheckedContinuation { waiting.append($0) }
        }
        dialling += 1
        defer {
            dialling -= 1
            wakeOne()
        }
        let first = try await resolver.resolution()
        do {
            return try await dial(first)
        } catch {
            // The spoke may have moved since the answer was kept. While the hub is away the first error says more.
            guard let second = try? await resolver.refreshed(), second.endpoints != first.endpoints else { throw error }
            return try await dial(second)
        }
    }

    /// The first endpoint that answers as who it must be; they are tried in a random order, so that they share the
    /// load.
    private func dial(_ resolution: Resolution) async throws -> SpokeConnection {
        var failure: any Error = AdminError(
            "no-endpoint", "there is no endpoint of \(backticked(resolution.server))")
        for endpoint in resolution.endpoints.shuffled() {
            do {
                return try await dial(endpoint)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func dial(_ endpoint: Resolution.Endpoint) async throws -> SpokeConnection {
        try opened.checkExpiry(.now)
        let place = try EndpointPlace(endpoint)
        let domain = endpoint.identity.trustDomain
        guard domain.hasSuffix(".\(opened.context.organization)") else {
            throw AdminError(
                "foreign-spoke",
                "the spoke \(backticked(endpoint.identity.description)) is not of \(opened.context.organization)")
        }
        let zone = String(domain.dropLast(opened.context.organization.count + 1))
        let verifier = try opened.verifier(zones: [zone])
        let (channel, _) = try await MutualTLS.dial(
            place.address, generation, expecting: .identity(endpoint.identity), verifier: { verifier },
            now: { Instant.now })
        // The spoke says nothing before it is asked, so no byte is missed here.
        let wrapped = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandlers(
                IdleStateHandler(readTimeout: SilenceHandler.limit), SilenceHandler())
            return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }.get()
        return SpokeConnection(wrapped, target: place.path, host: place.authority)
    }
}
