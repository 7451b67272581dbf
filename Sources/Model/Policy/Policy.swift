/// Headers, limits and staleness as one layer (organization, zone or server) states them; what it leaves out is nil.
///
/// Layers are not compared, they all apply: see `EffectivePolicy`.
package struct Policy: Hashable, Sendable, Codable {
    package var headers: Headers?
    package var limits: Limits?
    package var stale: Staleness?
    package var tools: ToolPolicy?
    /// What servers may ask of clients; a layer that states it narrows the ones above.
    package var serverRequests: [ServerRequestKind]?
    package var egress: [Egress]?
    package var checks: [ArgumentCheck]?

    package init(
        headers: Headers? = nil, limits: Limits? = nil, stale: Staleness? = nil, tools: ToolPolicy? = nil,
        serverRequests: [ServerRequestKind]? = nil, egress: [Egress]? = nil, checks: [ArgumentCheck]? = nil
    ) {
        self.headers = headers
        self.limits = limits
        self.stale = stale
        self.tools = tools
        self.serverRequests = serverRequests
        self.egress = egress
        self.checks = checks
    }

    package struct ToolPolicy: Hashable, Sendable, Codable {
        /// The strictest layer's holds.
        package var pin: PinMode?

        package init(pin: PinMode? = nil) { self.pin = pin }
    }

    package struct Headers: Hashable, Sendable, Codable {
        /// Set on every answer; a header set above cannot be set below.
        package var response: [String: String]?
        package var request: RequestHeaders?

        package init(response: [String: String]? = nil, request: RequestHeaders? = nil) {
            self.response = response
            self.request = request
        }
    }

    package struct RequestHeaders: Hashable, Sendable, Codable {
        /// Names taken off before a request goes upstream, besides what the spoke always takes off.
        package var remove: [String]?

        package init(remove: [String]? = nil) { self.remove = remove }
    }
}

/// Bounds on what one caller may do at one server.
package struct Limits: Hashable, Sendable, Codable {
    package var rate: Rate?
    /// Calls of one caller under way at one server at once.
    package var concurrency: Int?
    /// Sessions of one caller with one server at once; one more ends the longest unused. For a server that is a program, each
    /// is a process.
    package var sessions: Int?
    package var requestBody: ByteCount?
    package var responseBody: ByteCount?
    package var timeouts: Timeouts?

    package init(
        rate: Rate? = nil, concurrency: Int? = nil, sessions: Int? = nil, requestBody: ByteCount? = nil,
        responseBody: ByteCount? = nil, timeouts: Timeouts? = nil
    ) {
        self.rate = rate
        self.concurrency = concurrency
        self.sessions = sessions
        self.requestBody = requestBody
        self.responseBody = responseBody
        self.timeouts = timeouts
    }

    /// A token bucket per caller and server, for the whole spoke: `requests` come back evenly over `per`, up to `burst`.
    package struct Rate: Hashable, Sendable, Codable {
        package var requests: Int
        package var per: Milliseconds
        package var burst: Int?

        package init(requests: Int, per: Milliseconds, burst: Int? = nil) {
            self.requests = requests
            self.per = per
            self.burst = burst
        }

        /// How many may come at once.
        package var capacity: Int { burst ?? requests }
    }

    package struct Timeouts: Hashable, Sendable, Codable {
        package var connect: Milliseconds?
        /// From the request's last byte to the answer's last byte.
        package var request: Milliseconds?
        /// Without a byte, on a stream or a kept connection.
        package var idle: Milliseconds?

        package init(connect: Milliseconds? = nil, request: Milliseconds? = nil, idle: Milliseconds? = nil) {
            self.connect = connect
            self.request = request
            self.idle = idle
        }
    }
}

/// What all layers together demand of one server: every rate bucket counts, sizes and times take the minimum, headers the
/// union, and where no layer speaks the defaults of this type hold. Nothing is ever unlimited.
package struct EffectivePolicy: Hashable, Sendable, Codable {
    package var responseHeaders: [String: String]
    package var removedRequestHeaders: [String]
    /// One bucket a layer that states a rate, outermost first.
    package var rates: [Limits.Rate]
    package var concurrency: Int
    /// Nil where no layer states it: then only the spoke's own bound for all servers together holds.
    package var sessions: Int?
    package var requestBody: ByteCount
    package var responseBody: ByteCount
    package var connectTimeout: Milliseconds
    package var requestTimeout: Milliseconds
    package var idleTimeout: Milliseconds
    package var stale: Staleness
    /// Nil where nothing is pinned.
    package var pin: PinMode?
    /// What the server may ask of clients, sorted; nil is nothing. This and the two below are absent where no layer speaks.
    package var serverRequests: [ServerRequestKind]?
    package var egress: [Egress]?
    package var checks: [ArgumentCheck]?

    /// - Parameter layers: organization, zone, server, in this order.
    package init(layers: [Policy?]) {
        responseHeaders = [:]
        removedRequestHeaders = []
        rates = []
        concurrency = 32
        requestBody = ByteCount(1 << 20)
        responseBody = ByteCount(16 << 20)
        connectTimeout = .seconds(10)
        requestTimeout = .seconds(30)
        idleTimeout = .seconds(300)
        let stated = layers.compactMap(\.self)
        stale = stated.compactMap(\.stale).reduce(nil) { $0?.tightened(by: $1) ?? $1 } ?? .standard
        pin = stated.compactMap(\.tools?.pin).max().flatMap { $0 == .off ? nil : $0 }
        // A stated value replaces the default; several stated values take the minimum.
        let limits = stated.compactMap(\.limits)
        concurrency = limits.compactMap(\.concurrency).min() ?? concurrency
        sessions = limits.compactMap(\.sessions).min()
        requestBody = limits.compactMap(\.requestBody).min() ?? requestBody
        responseBody = limits.compactMap(\.responseBody).min() ?? responseBody
        connectTimeout = limits.compactMap(\.timeouts?.connect).min() ?? connectTimeout
        requestTimeout = limits.compactMap(\.timeouts?.request).min() ?? requestTimeout
        idleTimeout = limits.compactMap(\.timeouts?.idle).min() ?? idleTimeout
        rates = limits.compactMap(\.rate)
        let asked = stated.compactMap(\.serverRequests).map(Set.init)
        serverRequests = asked.dropFirst().reduce(asked.first) { $0?.intersection($1) }.flatMap { allowed in
            allowed.isEmpty ? nil : allowed.sorted()
        }
        let egress = stated.flatMap { $0.egress ?? [] }
        self.egress = egress.isEmpty ? nil : egress
        let checks = stated.flatMap { $0.checks ?? [] }
        self.checks = checks.isEmpty ? nil : checks
        for headers in stated.compactMap(\.headers) {
            // The outermost layer that sets a header wins; the topology check refuses a second one anyway.
            for (name, value) in headers.response ?? [:]
            where !responseHeaders.keys.contains(where: { $0.lowercased() == name.lowercased() }) {
                responseHeaders[name] = value
            }
            removedRequestHeaders += headers.request?.remove ?? []
        }
        removedRequestHeaders = Array(Set(removedRequestHeaders.map { $0.lowercased() })).sorted()
    }
}
