import MCP
import Model

/// The one way of an upstream's result to a caller, in either era.
package enum PassedResult {
    /// Checked to be one that the caller may be given, a list filtered to what the caller may use, and in the stateless era
    /// kept from shared caches. What it binds the caller to is for the one who passes it on to see to.
    ///
    /// - Throws: `bad-upstream` for a result that is none, that asks the caller for what policy does not allow, or that is no
    ///   such list.
    package static func of(
        _ result: JSON, of action: MCPAction, era: Era, through view: ListView, allowing: [ServerRequestKind] = []
    ) throws(MCPError) -> (kind: ServerResult.Kind, result: JSON) {
        let kind = try ServerResult.kind(result, of: action, era: era, allowing: allowing)
        if case .list(let list, _) = action { return (kind, try view.filtered(result, list, era)) }
        return (kind, ServerResult.confined(result, of: action, era: era, ttlCap: ListView.ttlCap))
    }
}
