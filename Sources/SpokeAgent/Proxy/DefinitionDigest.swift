import MCP
import Model
import Trust

extension Catalog.Tool {
    /// `sha256:…` of the definition as canonical JSON; nil where nothing is pinned, so that nobody pays for what nobody asks.
    func digest(under ruleset: Ruleset) -> String? {
        ruleset.pinning.map { _ in digestText(of: definition.canonicalBytes) }
    }
}
