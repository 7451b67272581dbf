/// Approval of tools' definitions on one server. Of each tool that is named these definitions hold from now on, no others.
package struct ToolsApproved: Hashable, Sendable, Codable {
    /// Full name.
    package var server: String
    package var definitions: [ToolDefinition]
    /// Set where they were approved in bulk, as what was seen first: only what was seen before this moment.
    package var firstSeenBefore: Instant?

    package init(server: String, definitions: [ToolDefinition], firstSeenBefore: Instant? = nil) {
        self.server = server
        self.definitions = definitions
        self.firstSeenBefore = firstSeenBefore
    }
}
