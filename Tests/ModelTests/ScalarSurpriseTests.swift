import Foundation
import Model
import TestSupport
import Testing
import YAMLFile

/// YAML 1.1 and 1.2 read some plain texts differently. In no place of a file may that change what is meant.
@Suite("what other readers of YAML take for something else")
struct ScalarSurpriseTests {
    private static let surprises = [
        "no", "on", "Off", "y", "~", "null", "0o7", "010", "0x1F", "1:30", "22:22:22", "2026-01-01", "1_000", "1e3",
        ".inf",
        "+7", "=", "<<",
    ]
    private static let files = [
        "organization.yaml": """
        organization: corp.example
        environment: production
        policy: { limits: { concurrency: 4, timeouts: { request: 5s } }, tools: { pin: report } }
        sets: { principals: { bots: [client:finance/bot] } }
        rules:
          - { id: never, deny: ["tool:drop"], to: [anyone], reason: because }
        """,
        "finance.yaml": """
        zone: finance
        description: Ledgers
        region: europe
        classification: internal
        networks: [10.20.0.0/16]
        spokes: { fin-1: {} }
        clients: { bot: { purpose: reports, until: 2027-01-31 } }
        servers:
          ledger: { spokes: [fin-1], labels: { tier: gold }, description: books }
        rules:
          - id: reading
            allow: [ "tool:read" ]
            servers: [ledger]
            to: [client:finance/bot]
            when: { readOnly: true, environment: [production], arguments: { account: [EUR], memo: small } }
            until: 2027-01-31
            reason: FIN
        """,
    ]

    private func read(_ files: [String: String]) -> TopologyReading {
        let problems = Problems()
        let nodes = files.map { file, text in
            (file: file, node: YAMLFile.parse(Array(text.utf8), file: file, problems: problems))
        }
        return TopologyReader.read(nodes, problems: problems, now: TopologyFixture.now)
    }

    @Test("in every place it is refused with its line and a hint, or means what it means in quotes")
    func everywhere() throws {
        #expect(read(Self.files).errors == [])
        let words = try Regex("[A-Za-z0-9][A-Za-z0-9_./:-]*")
        var refused = 0
        var taken = 0
        for (file, text) in Self.files {
            for range in text.ranges(of: words) {
                // Keys of our own are no values; a name that ends in a colon is a key too.
                let word = text[range]
                guard !word.hasSuffix(":"), text[range.upperBound...].first != ":" else { continue }
                guard text[..<range.lowerBound].last != "\"" else { continue }
                for surprise in Self.surprises {
                    var (plain, quoted) = (Self.files, Self.files)
                    plain[file] = text.replacingCharacters(in: range, with: surprise)
                    quoted[file] = text.replacingCharacters(in: range, with: "\"\(surprise)\"")
                    let (one, other) = (read(plain), read(quoted))
                    if one.errors.isEmpty {
                        taken += 1
                        // A number or a day where one belongs is no text; everything else is the same either way.
                        let isSame = try JSONCoding.encode(one.topology) == JSONCoding.encode(other.topology)
                        #expect(isSame || !other.errors.isEmpty, "\(file): \(word) as \(surprise)")
                    } else {
                        refused += 1
                        #expect(one.errors.allSatisfy { $0.place != nil }, "\(file): \(word) as \(surprise)")
                        #expect(
                            one.errors.contains { $0.hint != nil || $0.message.contains("found") },
                            "\(file): \(word) as \(surprise): \(one.errors)")
                    }
                }
            }
        }
        #expect(refused > 300 && taken > 0, "\(refused) \(taken)")
    }
}
