import MCP
import Model

/// The one way of an upstream's result to a caller, in either era.
package enum PassedResult {
    /// Checked to be whole, a list filtered to what the caller may use, and in the stateless era kept from shared caches.
    ///
    /// - Throws: `bad-upstream` for a result that is none, that asks the caller for something, or that is no such list.
    package static func of(
        _ result: JSON, of action: MCPAction, era: Era, through view: ListView
    ) throws(MCPError) -> JSON {
        try ServerResult.check(result)
        if case .list(let kind, _) = action { return try view.filtered(result, kind, era) }
        return ServerResult.confined(result, of: action, era: era, ttlCap: ListView.ttlCap)
    }
}
