/// The end of approvals of tools on one server: of these tools no definition is approved from now on.
package struct ToolsWithdrawn: Hashable, Sendable, Codable {
    /// Full name.
    package var server: String
    package var tools: [String]

    package init(server: String, tools: [String]) {
        self.server = server
        self.tools = tools
    }
}
