import MCP
import Model

/// What becomes of an action that was understood, before anybody decides on it.
enum Disposition {
    case serve
    /// Accepted and dropped: nothing upstream waits for it.
    case swallow
    case refuse

    /// - Parameter serverRequests: what the server may ask of clients.
    init(_ action: MCPAction, serverRequests: [ServerRequestKind]) {
        switch action {
        case .initialize, .discover, .initialized, .ping, .list, .callTool, .readResource, .getPrompt, .complete,
            .setLevel, .cancelled, .subscribe, .unsubscribe, .listen, .task, .listTasks, .response:
            self = .serve
        // Progress of what a server asked for tells it nothing that the answer will not.
        case .progress: self = .swallow
        case .rootsListChanged: self = serverRequests.contains(.roots) ? .serve : .swallow
        case .unknown: self = .refuse
        }
    }
}

extension MCPAction {
    var isInitialize: Bool { if case .initialize = self { true } else { false } }

    /// What is decided on besides reaching the server; nil for the upkeep of a conversation.
    var aim: Aim? {
        switch self {
        case .callTool(let name, _, _): .use(Capability(.tool, name))
        case .getPrompt(let name, _): .use(Capability(.prompt, name))
        case .readResource(let uri), .subscribe(let uri), .unsubscribe(let uri): .use(Capability(.resource, uri))
        case .complete(let capability):
            capability.kind == .resource ? .completion(capability.name) : .use(capability)
        default: nil
        }
    }

    var decidedArguments: Facts.Arguments {
        switch self {
        case .callTool(_, let arguments, _), .getPrompt(_, let arguments): .given(.object(arguments))
        default: .none
        }
    }
}

extension Aim {
    var capability: Capability? {
        switch self {
        case .use, .subscription, .task: subject
        case .template(let template), .completion(let template): Capability(.resource, template)
        case .reach: nil
        }
    }
}
