import Model

/// What this host lets callers have of it, whatever policy says: `limits:`, `hosts:` and `origins:` of `spoke.yaml`.
package struct ListenerLimits: Hashable, Sendable {
    /// New connections of one address; a handshake costs more than whatever follows.
    package var handshakes = Limits.Rate(requests: 100, per: .seconds(10), burst: 200)
    /// Of one caller, open at once.
    package var connectionsPerCaller = 256
    /// Event streams of one caller, open at once.
    package var streamsPerCaller = 16
    /// After which a stream is closed; clients open another.
    package var streamLife = Milliseconds.hours(1)
    /// From the connection to the first request's first byte, and from one byte of a request to the next.
    package var firstByte = Milliseconds.seconds(10)
    package var nextByte = Milliseconds.seconds(10)
    /// From a request's first byte to its last.
    package var request = Milliseconds.seconds(30)
    /// For a client to read an answer that is ready.
    package var drain = Milliseconds.seconds(60)
    /// Calls of one caller that wait for what the caller was asked, and how long each of them does.
    package var heldCallsPerCaller = 8
    package var heldFor = Milliseconds.minutes(5)
    /// Names that `Host` may have, with or without a port; empty for any, as a certificate names the caller.
    package var hosts: [String] = []
    /// What `Origin` may be; empty for no request of a web page at all.
    package var origins: [String] = []

    package init() {}

    /// - Parameter host: `uri-host [":" port]`.
    package func serves(host: String) -> Bool {
        guard !hosts.isEmpty else { return true }
        let host = host.lowercased()
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }
        return hosts.contains { $0 == host || $0 == name }
    }

    package func serves(origin: String?) -> Bool {
        guard let origin else { return true }
        return origins.contains(origin)
    }

    static func read(_ value: NodeReader) -> ListenerLimits? {
        value.mapping("limits") { limits in
            var read = ListenerLimits()
            read.handshakes = limits.optional("handshakes") { $0.rate() } ?? read.handshakes
            let count = { (key: String, standard: Int) in
                limits.optional(key) { $0.integer(in: 1...100_000).map { Int($0) } } ?? standard
            }
            let time = { (key: String, standard: Milliseconds) in limits.optional(key) { $0.duration() } ?? standard }
            read.connectionsPerCaller = count("connectionsPerCaller", read.connectionsPerCaller)
            read.streamsPerCaller = count("streamsPerCaller", read.streamsPerCaller)
            read.streamLife = time("streamLife", read.streamLife)
            read.firstByte = time("firstByte", read.firstByte)
            read.nextByte = time("nextByte", read.nextByte)
            read.request = time("request", read.request)
            read.drain = time("drain", read.drain)
            read.heldCallsPerCaller = count("heldCallsPerCaller", read.heldCallsPerCaller)
            read.heldFor = time("heldFor", read.heldFor)
            if read.heldFor > SealedState.lifetime {
                limits.problems.add(
                    "bad-value", "`heldFor` is more than \(SealedState.lifetime)", at: limits.place(of: "heldFor"))
            }
            return read
        }
    }
}
