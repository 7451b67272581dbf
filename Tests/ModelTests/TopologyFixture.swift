import Foundation
import Model
import YAMLFile

/// Reads topologies from texts, as the programs read them from files.
enum TopologyFixture {
    static let now = Instant(milliseconds: 1_795_248_000_000)  // 2026-11-21

    static func read(_ files: [String: String]) -> TopologyReading {
        let problems = Problems()
        let nodes = files.map { file, text in
            (file: file, node: YAMLFile.parse(Array(text.utf8), file: file, problems: problems))
        }
        return TopologyReader.read(nodes, problems: problems, now: now)
    }

    /// Two zones that are right, for tables that break one thing each.
    static let organization = "organization: corp.example\n"
    static let finance = """
        zone: finance
        classification: confidential
        networks: [10.20.0.0/16]
        spokes: { fin-1: {}, fin-2: {} }
        clients: { housekeeping: {} }
        servers:
          ledger: { spokes: [fin-1], labels: { tier: gold } }
          git: { spokes: [fin-1, fin-2], classification: internal }

        """
    static let analytics = """
        zone: analytics
        classification: internal
        networks: [10.30.0.0/16]
        clients: { reporting-bot: {} }

        """

    /// The two zones and the organization, with more lines for each.
    static func base(organization: String = "", finance: String = "", analytics: String = "") -> [String: String] {
        [
            "organization.yaml": Self.organization + organization, "finance.yaml": Self.finance + finance,
            "analytics.yaml": Self.analytics + analytics,
        ]
    }

    /// `code file:line:column`, the file without its ending.
    static func located(_ errors: [ModelError]) -> [String] {
        errors.map { error in
            "\(error.code) \(error.place?.description.replacingOccurrences(of: ".yaml", with: "") ?? "-")"
        }
    }
}
