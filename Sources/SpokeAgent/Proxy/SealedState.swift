import MCP
import Model
import Trust

/// What a client carries for the spoke between two requests, sealed for one caller and one purpose: nobody else's request,
/// and none for anything else, can use it.
package struct SealedState: Sendable {
    private let key: SealingKey

    package init(_ key: SealingKey) { self.key = key }

    /// How long a client may take to answer what a server asks.
    package static let lifetime = Milliseconds.minutes(15)

    // MARK: the state of a call that the server wants repeated

    /// What the server asked, and its own state.
    package struct Retry: Hashable, Sendable {
        package var asked: [String: ServerRequestKind]
        package var upstream: String?
        /// Where the call waits at this spoke, for a server that could not have it repeated.
        package var held: String?
    }

    /// `requestState` for a client, bound to the caller, the server, the call and its arguments.
    /// - Parameter held: where the call waits, if it does.
    /// - Throws: what `SealingKey` throws.
    package func requestState(
        _ input: InputRequired, held: String? = nil, of call: MCPAction, caller: String, server: String, now: Instant
    ) throws(TrustError) -> String {
        var plain = JSONObject([
            ("e", .number(JSONNumber((now + Self.lifetime).milliseconds))),
            (
                "k",
                .object(
                    JSONObject(
                        input.kinds.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value.rawValue)) }))
            ),
        ])
        plain["s"] = input.state.map(JSON.string)
        plain["h"] = held.map(JSON.string)
        let context = Self.context("state", caller, server, Self.words(call))
        return "n1." + Base64.encodeURL(try key.seal(JSON.object(plain).bytes, context: context))
    }

    /// - Returns: nil for a state of another caller, server or call, and one that is too old.
    package func retry(
        _ requestState: String, of call: MCPAction, caller: String, server: String, now: Instant
    ) -> Retry? {
        guard requestState.hasPrefix("n1."), let sealed = Base64.decodeURL(requestState.dropFirst(3)),
            let plain = key.open(sealed, context: Self.context("state", caller, server, Self.words(call))),
            let json = try? JSON(parsing: plain), let expiry = json["e"]?.integer, now.milliseconds < expiry
        else { return nil }
        var asked: [String: ServerRequestKind] = [:]
        for (key, kind) in json["k"]?.object?.pairs ?? [] {
            guard let kind = kind.string.flatMap(ServerRequestKind.init(rawValue:)) else { return nil }
            asked[key] = kind
        }
        return Retry(asked: asked, upstream: json["s"]?.string, held: json["h"]?.string)
    }

    /// What a call is, the arguments as their digest.
    private static func words(_ call: MCPAction) -> [String] {
        switch call {
        case .callTool(let name, let arguments, _): ["tools/call", name, digest(arguments)]
        case .getPrompt(let name, let arguments): ["prompts/get", name, digest(arguments)]
        case .readResource(let uri): ["resources/read", uri, ""]
        default: ["", "", ""]
        }
    }

    private static func digest(_ arguments: JSONObject) -> String {
        digestText(of: JSON.object(arguments).canonicalBytes)
    }

    // MARK: ids of events

    /// The id of an event, bound to the caller's session; it says too which request the stream answers.
    package func eventID(_ upstream: String, of request: RequestID?, _ action: MCPAction?, in session: Session)
        -> String?
    {
        var plain = JSONObject([("i", .string(upstream))])
        if let request {
            // What cannot be judged again is not resumed.
            guard let action, let (method, name) = Self.target(action) else { return nil }
            plain["r"] = request.json
            plain["m"] = .string(method)
            plain["n"] = .string(name)
        }
        return (try? key.seal(JSON.object(plain).bytes, context: Self.context(session))).map(Base64.encodeURL)
    }

    /// - Returns: nil for an id that was not given to this session.
    package func resumption(_ eventID: String, in session: Session) -> Resumption? {
        guard eventID.utf8.count <= 8192, let sealed = Base64.decodeURL(eventID),
            let plain = key.open(sealed, context: Self.context(session)), let json = try? JSON(parsing: plain),
            let event = json["i"]?.string
        else { return nil }
        guard let request = json["r"].flatMap(RequestID.init), let method = json["m"]?.string,
            let name = json["n"]?.string
        else { return Resumption(event: event, request: nil, action: nil) }
        return Resumption(event: event, request: request, action: Self.action(method, name))
    }

    private static func context(_ session: Session) -> [UInt8] {
        context("event", session.caller, session.server, [session.id])
    }

    private static func context(_ purpose: String, _ caller: String, _ server: String, _ more: [String]) -> [UInt8] {
        JSON.array(([purpose, caller, server] + more).map(JSON.string)).bytes
    }

    /// As much of an action as judging its answer takes.
    private static func target(_ action: MCPAction) -> (method: String, name: String)? {
        switch action {
        case .list(let kind, _): (kind.method, "")
        case .callTool(let name, _, let asTask): (asTask ? "task" : "tools/call", name)
        case .getPrompt(let name, _): ("prompts/get", name)
        case .readResource(let uri): ("resources/read", uri)
        default: nil
        }
    }

    private static func action(_ method: String, _ name: String) -> MCPAction? {
        if let kind = ListKind(rawValue: method) { return .list(kind, cursor: nil) }
        switch method {
        case "tools/call", "task": return .callTool(name: name, arguments: JSONObject(), asTask: method == "task")
        case "prompts/get": return .getPrompt(name: name, arguments: JSONObject())
        case "resources/read": return .readResource(uri: name)
        default: return nil
        }
    }
}

/// Where a stream is to be taken up again.
package struct Resumption: Hashable, Sendable {
    /// The upstream's id of the last event that the client has.
    package var event: String
    /// The request whose answer the stream bears; nil for the session's own stream.
    package var request: RequestID?
    package var action: MCPAction?
}
