import Foundation
import Model

/// Small worlds to hold `decide` against: every combination of a few rules, callers and facts that pull on each other.
enum SmallWorlds {
    static let organization = "corp.example"
    static let server = "finance/ledger"
    static let morning = Instant(milliseconds: 1_800_000_000_000)
    static let evening = morning + .hours(12)

    static func rules() throws -> [Rule] {
        var rules: [Rule] = []
        let capabilities = try [["tool:read_*"], ["tool:*", "resource:ledger://r/*"], ["*"]].map {
            try $0.map { try CapabilityPattern($0) }
        }
        let principals = try [
            ["client:analytics/bot"], ["zone:analytics", "user:ana@corp.example"], ["group:analysts"], ["anyone"],
            ["spiffe://partner.example/client/*"],
        ].map { try $0.map { try Principal($0) } }
        let conditions: [Conditions?] = [
            nil, Conditions(readOnly: true), Conditions(networks: [try Network("10.0.0.0/9")]),
            Conditions(arguments: ["account": try ArgumentTest("4*"), "amount": try ArgumentTest("<= 1000")]),
        ]
        for effect in [Rule.Effect.allow, .deny] {
            for (c, capability) in capabilities.enumerated() {
                for (p, principal) in principals.enumerated() {
                    for (w, when) in conditions.enumerated() {
                        let number = ((c * 5) + p) * 4 + w
                        rules.append(
                            Rule(
                                id: "finance/\(effect.rawValue)-\(number)", effect: effect, capabilities: capability,
                                servers: [server], to: principal,
                                except: number % 7 == 0 ? [try Principal("client:finance/housekeeping")] : nil,
                                when: when,
                                from: number % 11 == 0 ? evening : nil, until: number % 5 == 0 ? evening : nil))
                    }
                }
            }
        }
        return rules
    }

    static func masks() throws -> [[Mask]] {
        let lapse = Mask(
            id: "ar-1/1", principal: try Principal("client:analytics/bot"), server: server,
            capabilities: [try CapabilityPattern("tool:read_*")], at: evening, cause: .lapsed)
        let revocation = Mask(
            id: "rv-1", principal: try Principal("anyone"), server: server, capabilities: [try CapabilityPattern("*")],
            at: morning, cause: .revoked)
        return [[], [lapse], [revocation]]
    }

    static func requests() throws -> [Request] {
        let bot = try SPIFFEID("spiffe://analytics.corp.example/client/bot")
        let housekeeping = try SPIFFEID("spiffe://finance.corp.example/client/housekeeping")
        let partner = try SPIFFEID("spiffe://partner.example/client/billing")
        let ana = Caller.User(
            issuer: "https://idp", subject: "1", address: "ana@corp.example", groups: ["analysts"])
        let unknown = Caller.User(issuer: "https://idp", subject: "2")
        let callers = [
            Caller(workload: bot), Caller(workload: housekeeping), Caller(workload: partner), Caller(user: ana),
            Caller(user: unknown), Caller(workload: bot, user: ana),
        ]
        let aims: [Capability] = [
            Capability(.tool, "read_entry"), Capability(.tool, "write_entry"), Capability(.resource, "ledger://r/a"),
            Capability(.resource, "ledger://r/a/b"),
        ]
        let arguments: [JSON] = [
            ["account": "41", "amount": 10], ["account": "51", "amount": 10], ["account": "41"],
            ["account": "41", "amount": "10"],
        ]
        var requests: [Request] = []
        for caller in callers {
            for (index, aim) in aims.enumerated() {
                for now in [morning, evening] {
                    for address in ["10.1.2.3", "10.200.2.3"] {
                        for values in aim.kind == .tool ? arguments.map({ Facts.Arguments.given($0) }) : [.none] {
                            requests.append(
                                Request(
                                    caller: caller, aim: .use(aim),
                                    facts: Facts(
                                        now: now, address: IPAddress(address),
                                        readOnly: aim.kind == .tool ? [true, nil][index % 2] : nil, arguments: values)))
                        }
                    }
                }
            }
        }
        return requests
    }

    static func ruleset(_ rules: [Rule], _ masks: [Mask]) throws -> Ruleset {
        Ruleset(
            organization: organization, server: server, networks: [try Network("10.0.0.0/8")], rules: rules,
            masks: masks, revision: 7)
    }
}

/// A small deterministic generator (SplitMix64), so that every run sees the same worlds.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Whether the checks that take minutes are wanted.
let isLong = ProcessInfo.processInfo.environment["NAVE_LONG"] == "1"
