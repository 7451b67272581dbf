import Foundation
import Model
import TestSupport
import YAMLFile

/// The files of a large organization: 40 zones, 2,000 servers, 10,000 rules, read and judged as `nave topology check` does,
/// and compared as the hub plans a change of one rule.
enum TopologyFigures {
    private static let zones = 40
    private static let serversOfZone = 50
    private static let rulesOfZone = 250
    private static let rounds = 3

    static func measure(_ tell: (String) -> Void) throws -> [Figure] {
        tell("a topology of \(zones) zones, \(zones * serversOfZone) servers and \(zones * rulesOfZone) rules")
        let before = files(widened: false)
        let current = try read(before)
        let after = files(widened: true)
        var checked: [Double] = []
        var planned: [Double] = []
        var lines = 0
        for round in 0..<rounds {
            tell("check and plan, round \(round + 1) of \(rounds)")
            let start = processorSeconds()
            _ = try read(before)
            checked.append(processorSeconds() - start)
            let second = processorSeconds()
            let plan = try planTopology(from: current, to: try read(after), masks: [], now: PolicyWorld.now)
            planned.append(processorSeconds() - second)
            lines = plan.changes.count + plan.access.count + plan.findings.count
        }
        return [
            Figure(
                name: "topology-check", value: median(checked), unit: "s", clock: .processor, target: .valueAtMost(2)),
            Figure(
                name: "topology-plan-of-one-rule", value: median(planned), unit: "s", clock: .processor,
                target: .valueAtMost(3)),
            Figure(
                name: "topology-plan-rows", value: Double(lines), unit: "rows", clock: .processor,
                target: .valueAtMost(10)),
        ]
    }

    /// Reads, resolves and judges the files, and runs their tests.
    private static func read(_ files: [(name: String, bytes: [UInt8])]) throws -> Topology {
        let problems = Problems()
        let nodes = files.map { (file: $0.name, node: YAMLFile.parse($0.bytes, file: $0.name, problems: problems)) }
        let reading = TopologyReader.read(nodes, of: .only, problems: problems, now: PolicyWorld.now)
        let failed = reading.topology.run(reading.tests, now: PolicyWorld.now)
        guard reading.errors.isEmpty, failed.isEmpty, reading.topology.rules.count == zones * rulesOfZone else {
            throw TimedOut(description: "the topology is not read: \(reading.errors.first?.message ?? "")")
        }
        return reading.topology
    }

    /// - Parameter widened: whether one rule allows one tool more.
    private static func files(widened: Bool) -> [(name: String, bytes: [UInt8])] {
        let organization = """
            organization: corp.example
            environment: production
            roles: { owner: [user:dana@corp.example], auditor: [group:it-audit] }
            """
        return [("organization.yaml", Array(organization.utf8))]
            + (0..<zones).map { ("zones/zone-\($0).yaml", Array(zone($0, widened: widened && $0 == 17).utf8)) }
    }

    private static func zone(_ zone: Int, widened: Bool) -> String {
        var text = """
            zone: zone-\(zone)
            description: The zone number \(zone)
            region: eu-west-1
            classification: confidential
            networks: [10.\(zone).0.0/16, 127.0.0.0/8]
            roles: { owner: [group:zone-\(zone)-platform], reviewer: [user:erin@corp.example] }
            spokes: { s-1: {}, s-2: {} }
            clients:

            """
        for client in 0..<10 {
            text += "  bot-\(client): { owner: group:zone-\(zone)-platform, purpose: nightly work }\n"
        }
        text += "servers:\n"
        for server in 0..<serversOfZone {
            text += "  server-\(server): { description: \"Holds part \(server)\", owner: group:zone-\(zone)-platform, "
            text += "spokes: [s-\(server % 2 + 1)], classification: internal }\n"
        }
        text += "rules:\n"
        for rule in 0..<rulesOfZone {
            let more = widened && rule == 42 ? ", tool:export_all" : ""
            text += """
                  - id: rule-\(rule)
                    \(rule % 20 == 7 ? "deny" : "allow"): ["tool:read_\(rule)_*", "tool:get_\(rule)"\(more)]
                    servers: [server-\(rule % serversOfZone)]
                    to: [client:zone-\((zone + rule) % zones)/bot-\(rule % 10), group:team-\(rule % 100)]
                    reason: CHANGE-\(zone * rulesOfZone + rule)

                """
            if rule % 5 == 3 { text += "    when: { networks: [10.0.0.0/8], arguments: { amount: \"<= 1000\" } }\n" }
        }
        text += "tests:\n"
        text += "  - { by: client:zone-\((zone + 1) % zones)/bot-1, call: server-1 tool:get_1, expect: allow }\n"
        return text
    }
}
