/// In a report: a tool, and every definition under which a server lists it to this spoke and its callers now.
package struct ToolSighting: Hashable, Sendable, Codable {
    /// More of one server's tools are not told, and cannot be approved.
    package static let maximumTools = 1000
    /// Of one tool at one time.
    package static let maximumDefinitions = 8

    /// Full name.
    package var server: String
    package var tool: String
    package var definitions: [SeenDefinition]

    package init(server: String, tool: String, definitions: [SeenDefinition]) {
        self.server = server
        self.tool = tool
        self.definitions = definitions
    }

    /// A name that can be called, and digests that are some; whoever takes a report in leaves out what is not.
    package var isWellFormed: Bool {
        (1...128).contains(tool.utf8.count) && tool.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            && definitions.allSatisfy { seen in
                seen.digest.utf8.count == 71 && seen.digest.hasPrefix("sha256:")
                    && seen.versions.allSatisfy { $0.utf8.count <= 20 && !$0.contains(where: \.isWhitespace) }
            }
    }
}

package struct SeenDefinition: Hashable, Sendable, Codable {
    /// A longer one, in bytes of RFC 8785, is told by its digest alone.
    package static let maximumBytes = 32 << 10

    /// `sha256:…` over RFC 8785.
    package var digest: String
    /// As the spoke reads it; the hub believes the definition alone.
    package var readOnly: Bool?
    /// Versions of MCP in which it was listed, sorted.
    package var versions: [String]
    package var definition: JSON?

    package init(digest: String, readOnly: Bool?, versions: [String], definition: JSON?) {
        self.digest = digest
        self.readOnly = readOnly
        self.versions = versions
        self.definition = definition
    }
}

/// `GET /v1/tools`: a tool that was approved or is listed.
package struct ToolRow: Hashable, Sendable, Codable {
    package enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// Every definition that is listed was approved.
        case approved
        /// One is listed that was not approved, though others were.
        case changed
        /// No definition of a tool of that name is approved.
        case unapproved
        /// It was approved, and no spoke lists it now.
        case missing
    }

    package struct Definition: Hashable, Sendable, Codable {
        package var digest: String
        package var readOnly: Bool?
        package var isApproved: Bool
        /// Short names of the spokes that list it now.
        package var spokes: [String]
        package var versions: [String]
        /// When a report told of it first, by the hub's clock; nil when none that is still kept did.
        package var firstSeen: Instant?

        package init(
            digest: String, readOnly: Bool?, isApproved: Bool, spokes: [String] = [], versions: [String] = [],
            firstSeen: Instant? = nil
        ) {
            self.digest = digest
            self.readOnly = readOnly
            self.isApproved = isApproved
            self.spokes = spokes
            self.versions = versions
            self.firstSeen = firstSeen
        }
    }

    /// Full name.
    package var server: String
    package var tool: String
    package var state: State
    /// What the server's policy does about what is not approved.
    package var pin: PinMode
    /// The approved ones and those that are listed now.
    package var definitions: [Definition]

    package init(server: String, tool: String, pin: PinMode, definitions: [Definition]) {
        self.server = server
        self.tool = tool
        self.pin = pin
        self.definitions = definitions
        let listed = definitions.filter { !$0.spokes.isEmpty }
        let isKnown = definitions.contains(where: \.isApproved)
        state =
            if listed.isEmpty { .missing } else if !isKnown { .unapproved } else if listed.allSatisfy(\.isApproved) {
                .approved
            } else { .changed }
    }
}

/// `GET /v1/tools/ZONE/SERVER?tool=NAME`
package struct ToolDetail: Hashable, Sendable, Codable {
    package struct Content: Hashable, Sendable, Codable {
        package var digest: String
        package var definition: JSON

        package init(digest: String, definition: JSON) {
            self.digest = digest
            self.definition = definition
        }
    }

    package var row: ToolRow
    /// Of those that are known in full.
    package var contents: [Content]

    package init(row: ToolRow, contents: [Content]) {
        self.row = row
        self.contents = contents
    }
}

/// `POST /v1/tools/approve`: the definitions that somebody looked at, or in bulk those that were seen first.
package struct ApproveToolsRequest: Hashable, Sendable, Codable {
    package struct Pick: Hashable, Sendable, Codable {
        package var tool: String
        /// From now on these and no others of that tool.
        package var digests: [String]

        package init(tool: String, digests: [String]) {
            self.tool = tool
            self.digests = digests
        }
    }

    /// In bulk: of each tool of the zone that nobody approved yet, what was seen first.
    package struct FirstSeen: Hashable, Sendable, Codable {
        package var zone: String
        /// Only what was seen earlier.
        package var before: Instant

        package init(zone: String, before: Instant) {
            self.zone = zone
            self.before = before
        }
    }

    /// Full name; with `tools`.
    package var server: String?
    package var tools: [Pick]?
    package var firstSeen: FirstSeen?
    /// Only tells what would be approved.
    package var dryRun: Bool?
    package var why: String?

    package init(server: String, tools: [Pick], why: String? = nil) {
        self.server = server
        self.tools = tools
        self.why = why
    }

    package init(firstSeen: FirstSeen, dryRun: Bool? = nil, why: String? = nil) {
        self.firstSeen = firstSeen
        self.dryRun = dryRun
        self.why = why
    }
}

package struct ApproveToolsAnswer: Hashable, Sendable, Codable {
    package var change: ChangeAnswer
    package var approved: [ToolsApproved]

    package init(change: ChangeAnswer, approved: [ToolsApproved]) {
        self.change = change
        self.approved = approved
    }
}

/// `POST /v1/tools/withdraw`: tools of which no definition is approved from now on.
package struct WithdrawToolsRequest: Hashable, Sendable, Codable {
    /// Full name.
    package var server: String
    package var tools: [String]
    package var why: String?

    package init(server: String, tools: [String], why: String? = nil) {
        self.server = server
        self.tools = tools
        self.why = why
    }
}
