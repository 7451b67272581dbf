import Model
import Trust

/// A request after the table: its row, who makes it, and its parts as bytes and texts. It knows no HTTP.
package struct Call: Sendable {
    package var route: Route
    package var parameters: [String: String]
    package var query: Query
    package var body: [UInt8]
    /// Nil on the front listener.
    package var identity: SPIFFEID?
    /// The certificate behind `identity`.
    package var peer: VerifiedPeer?
    /// The socket's, for logs.
    package var address: String
    /// The newest checkpoint that the caller says it has seen; a signed note, not believed yet.
    package var checkpoint: String?

    package init(
        route: Route, parameters: [String: String] = [:], query: Query = Query(), body: [UInt8] = [],
        identity: SPIFFEID? = nil, peer: VerifiedPeer? = nil, address: String
    ) {
        self.route = route
        self.parameters = parameters
        self.query = query
        self.body = body
        self.identity = identity
        self.peer = peer
        self.address = address
    }

    /// What rates are counted by: who calls, and of newcomers the host that they call from.
    package var account: String { identity?.description ?? IPAddress(address)?.host ?? address }

    /// The body, strictly.
    /// - Throws: `unknown-key`, `wrong-type`, `missing-key`, and what the JSON parser throws.
    func decoded<Body: Decodable>(_ type: Body.Type) throws(ModelError) -> Body {
        try JSONCoding.decode(type, from: body)
    }

    /// - Throws: `internal` on a listener that asks for no certificate.
    func demandPeer() throws(HubError) -> VerifiedPeer {
        guard let peer else { throw HubError(.broken, "internal", "the connection has no certificate") }
        return peer
    }

    func parameter(_ name: String) throws(HubError) -> String {
        guard let value = parameters[name] else { throw HubError(.broken, "internal", "the route has no `\(name)`") }
        return value
    }
}

/// What a handler gives back.
package enum Reply: Sendable {
    /// Canonical JSON.
    case json([UInt8])
    /// Something else than JSON, and its media type.
    case bytes([UInt8], type: String)
    /// The stream of a spoke, the version of the trust manifest that it holds, and the newest checkpoint that it says it holds.
    case stream(Member, manifest: Int64?, checkpoint: String?)

    static func coded(_ value: some Encodable) throws(ModelError) -> Reply { .json(try JSONCoding.canonical(value)) }
}

/// Who makes a call, after the row's demand was met.
package enum Requester: Sendable {
    case anybody
    case spoke(Member)
    /// A client of the topology, or a person.
    case client(SPIFFEID)
    /// A spoke or a client of the topology, or a person.
    case member(SPIFFEID)
    case user(Standing)
}
