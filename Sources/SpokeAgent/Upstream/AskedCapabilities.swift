import MCP
import Model

/// What a stateless caller can be asked in mid-call, by what its request declares and policy left of that: declared in the
/// caller's place where a server of the handshake era is shaken hands with. The features are a fixed few, so that no caller can
/// have a session or a process for every word that it makes up.
struct AskedCapabilities: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    /// By a form that the client draws.
    static let elicitationForm = AskedCapabilities(rawValue: 1)
    /// By a page that the client opens.
    static let elicitationURL = AskedCapabilities(rawValue: 2)
    static let sampling = AskedCapabilities(rawValue: 4)
    static let roots = AskedCapabilities(rawValue: 8)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// - Parameter message: as it goes upstream, without what policy does not allow.
    init(declaredIn message: MCPMessage?) {
        self = []
        guard let declared = message?.meta?[EraRules.capabilitiesKey] else { return }
        if let elicitation = declared["elicitation"]?.object {
            // Before there were modes, forms were all there was (2025-11-25, client/elicitation, "Capabilities").
            if elicitation["form"]?.object != nil || elicitation["url"] == nil { insert(.elicitationForm) }
            if elicitation["url"]?.object != nil { insert(.elicitationURL) }
        }
        if declared["sampling"]?.object != nil { insert(.sampling) }
        if declared["roots"]?.object != nil { insert(.roots) }
    }

    /// As `initialize` declares it.
    var json: JSON {
        var object = JSONObject()
        var modes = JSONObject()
        if contains(.elicitationForm) { modes["form"] = [:] }
        if contains(.elicitationURL) { modes["url"] = [:] }
        if !modes.isEmpty { object["elicitation"] = .object(modes) }
        if contains(.sampling) { object["sampling"] = [:] }
        if contains(.roots) { object["roots"] = [:] }
        return .object(object)
    }

    /// Whether a server may ask that of a client with these.
    func allow(_ kind: ServerRequestKind, _ params: JSONObject?) -> Bool {
        guard kind.problem(params) == nil else { return false }
        return switch kind {
        case .elicitation: contains(params?["url"] == nil ? .elicitationForm : .elicitationURL)
        case .sampling: contains(.sampling)
        case .roots: contains(.roots)
        }
    }
}
