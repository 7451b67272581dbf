import Model

/// The id of a JSON-RPC request: a string or an integer, unique per sender. Compared byte for byte.
package enum RequestID: Hashable, Sendable, CustomStringConvertible {
    case integer(Int64)
    case string(String)

    package var json: JSON {
        switch self {
        case .integer(let value): .number(JSONNumber(value))
        case .string(let value): .string(value)
        }
    }

    /// Nil for other kinds, for fractions, and for strings over 256 bytes.
    package init?(_ json: JSON) {
        switch json {
        case .number(let number):
            guard let value = number.integer else { return nil }
            self = .integer(value)
        case .string(let value) where value.utf8.count <= 256: self = .string(value)
        default: return nil
        }
    }

    package var description: String { json.description }

    package static func == (left: RequestID, right: RequestID) -> Bool { left.json == right.json }

    package func hash(into hasher: inout Hasher) { json.hash(into: &hasher) }
}

/// The `error` member of a response.
package struct JSONRPCError: Hashable, Sendable {
    package var code: Int64
    package var message: String
    package var data: JSON?

    package init(code: Int64, message: String, data: JSON? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    package static func == (left: JSONRPCError, right: JSONRPCError) -> Bool {
        left.code == right.code && sameBytes(left.message, right.message) && left.data == right.data
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(bytesOf: message)
        hasher.combine(data)
    }
}

/// One JSON-RPC 2.0 message of MCP. Written again from what was understood, never from the bytes that came.
package enum MCPMessage: Hashable, Sendable {
    case request(id: RequestID, method: String, params: JSONObject?)
    case notification(method: String, params: JSONObject?)
    case result(id: RequestID, JSON)
    /// The id is nil where the sender could not tell which request it answers.
    case failure(id: RequestID?, JSONRPCError)

    /// Reads one message. Callers' and upstreams' readers are unknown, so keys that differ only in case are refused too.
    ///
    /// Throws the codes of ``JSON/init(parsing:limits:)``, `batch` for an array, `invalid-request` for all else.
    package init(parsing bytes: [UInt8], maximumBytes: Int) throws(MCPError) {
        let json: JSON
        do { json = try JSON(parsing: bytes, limits: .untrusted(maximumBytes: maximumBytes)) } catch {
            throw MCPError(error)
        }
        try self.init(json)
    }

    package init(_ json: JSON) throws(MCPError) {
        if case .array = json { throw MCPError(.batch, "JSON-RPC batches are not served", hint: "send one message") }
        guard case .object(let object) = json else { throw Self.invalid("a message is an object") }
        guard case .string(let version)? = object["jsonrpc"], sameBytes(version, "2.0") else {
            throw Self.invalid("`jsonrpc` is not \"2.0\"")
        }
        for position in object.pairs.indices {
            let key = object.pairs[position].key
            guard Self.members.contains(where: { sameBytes($0, key) }) else {
                throw Self.invalid("the key \(quoted(key)) has no place in a message")
            }
        }
        if let method = object["method"] {
            self = try Self.call(object, method: method)
        } else {
            self = try Self.answer(object)
        }
    }

    private static let members = ["jsonrpc", "id", "method", "params", "result", "error"]

    private static func call(_ object: JSONObject, method: JSON) throws(MCPError) -> MCPMessage {
        guard object["result"] == nil, object["error"] == nil else {
            throw invalid("a message is either a call or an answer")
        }
        guard case .string(let method) = method, (1...128).contains(method.utf8.count),
            method.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw invalid("`method` is not 1 to 128 printable characters") }
        var params: JSONObject?
        if let given = object["params"] {
            guard case .object(let object) = given else { throw invalid("`params` is not an object") }
            params = object
        }
        guard let id = object["id"] else { return .notification(method: method, params: params) }
        guard let id = RequestID(id) else { throw invalid("`id` is neither a string nor an integer") }
        return .request(id: id, method: method, params: params)
    }

    private static func answer(_ object: JSONObject) throws(MCPError) -> MCPMessage {
        guard object["params"] == nil, let given = object["id"] else {
            throw invalid("a message lacks a method or an id")
        }
        switch (object["result"], object["error"]) {
        case (let result?, nil):
            guard let id = RequestID(given) else { throw invalid("`id` is neither a string nor an integer") }
            return .result(id: id, result)
        case (nil, let error?):
            guard let code = error["code"]?.integer, let message = error["message"]?.string else {
                throw invalid("`error` lacks its code or message")
            }
            let id = RequestID(given)
            guard id != nil || given.isNull else { throw invalid("`id` is neither a string nor an integer") }
            return .failure(id: id, JSONRPCError(code: code, message: message, data: error["data"]))
        default: throw invalid("an answer holds either a result or an error")
        }
    }

    private static func invalid(_ what: String) -> MCPError { MCPError(.invalidRequest, what) }

    /// Of a request or an answer.
    package var id: RequestID? {
        switch self {
        case .request(let id, _, _), .result(let id, _): id
        case .failure(let id, _): id
        case .notification: nil
        }
    }

    /// Of a request or a notification.
    package var method: String? {
        switch self {
        case .request(_, let method, _), .notification(let method, _): method
        case .result, .failure: nil
        }
    }

    package var params: JSONObject? {
        get {
            switch self {
            case .request(_, _, let params), .notification(_, let params): params
            case .result, .failure: nil
            }
        }
        set {
            switch self {
            case .request(let id, let method, _): self = .request(id: id, method: method, params: newValue)
            case .notification(let method, _): self = .notification(method: method, params: newValue)
            case .result, .failure: break
            }
        }
    }

    /// `params._meta`, where it is an object.
    package var meta: JSONObject? { params?["_meta"]?.object }

    package var isRequest: Bool { if case .request = self { true } else { false } }

    /// The same message under another id, for upstreams that several callers share. A notification has none.
    package func renumbered(_ id: RequestID) -> MCPMessage {
        switch self {
        case .request(_, let method, let params): .request(id: id, method: method, params: params)
        case .notification: self
        case .result(_, let result): .result(id: id, result)
        case .failure(_, let error): .failure(id: id, error)
        }
    }

    package var json: JSON {
        var object = JSONObject([("jsonrpc", "2.0")])
        switch self {
        case .request(let id, let method, let params):
            object["id"] = id.json
            object["method"] = .string(method)
            object["params"] = params.map(JSON.object)
        case .notification(let method, let params):
            object["method"] = .string(method)
            object["params"] = params.map(JSON.object)
        case .result(let id, let result):
            object["id"] = id.json
            object["result"] = result
        case .failure(let id, let error):
            object["id"] = id?.json ?? .null
            var member = JSONObject([("code", .number(JSONNumber(error.code))), ("message", .string(error.message))])
            member["data"] = error.data
            object["error"] = .object(member)
        }
        return .object(object)
    }

    package var bytes: [UInt8] { json.bytes }
}
