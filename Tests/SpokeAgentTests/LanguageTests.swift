import MCP
import Model
import SpokeAgent
import TestSupport
import Testing
import Trust

/// What a spoke does with rules' limits, observed servers, callers' zones, ceilings and pins.
@Suite("the policy language at the spoke")
struct LanguageTests {
    private let fixture: SpokeFixture
    private let tables: Tables
    private let now = SpokeFixture.now

    init() throws {
        fixture = try SpokeFixture()
        tables = try SpokeFixture.tables()
    }

    private func step(_ tool: String, _ bundle: PolicyBundle, ceiling: Ceiling? = nil) throws -> Step {
        // As a hub compiles it.
        var bundle = bundle
        bundle.v = bundle.neededWireVersion
        let snapshot = try Snapshot(
            try fixture.verified(try fixture.parts(bundle)), manifest: fixture.manifest, ceiling: ceiling)
        return judge(try SpokeFixture.call(tool), under: snapshot, tables, now: now)
    }

    private func reason(_ step: Step) -> String? { step.answer?.denied?.reason }

    @Test("a rule's rate and concurrency are counted besides the server's, and end with the call")
    func limits() throws {
        var rule = try SpokeFixture.rule("read", ["tool:*"], to: ["anyone"])
        rule.limits = Limits(rate: Limits.Rate(requests: 2, per: .seconds(60)), concurrency: 1)
        let bundle = try fixture.bundle(rules: [rule])
        let first = try #require(try step("read_entry", bundle).forwarding)
        #expect(reason(try step("read_entry", bundle)) == DenyReason.concurrency.rawValue)
        // Another tool has a count of its own.
        let other = try #require(try step("write_entry", bundle).forwarding)
        first.ticket.release()
        other.ticket.release()
        #expect(reason(try step("read_entry", bundle)) == DenyReason.rate.rawValue)
        let again = try #require(try step("write_entry", bundle).forwarding)
        again.ticket.release()
    }

    @Test("a rule's sizes and times bound what its calls carry")
    func sizes() throws {
        var rule = try SpokeFixture.rule("read", ["tool:*"], to: ["anyone"])
        rule.limits = Limits(responseBody: ByteCount(99), timeouts: .init(request: .seconds(1)))
        let forwarding = try #require(try step("read_entry", try fixture.bundle(rules: [rule])).forwarding)
        #expect(forwarding.policy.responseBody == ByteCount(99) && forwarding.policy.requestTimeout == .seconds(1))
        rule.limits = Limits(requestBody: ByteCount(10))
        #expect(try step("read_entry", try fixture.bundle(rules: [rule])).answer?.status == 413)
    }

    @Test("an observed server passes what its rules deny, with a line that says so, and counts it as no use")
    func observed() throws {
        let never = Rule(
            id: "never", effect: .deny, capabilities: [try CapabilityPattern("tool:delete_*")], to: [.anyone])
        var bundle = try fixture.bundle(
            rules: [never, try SpokeFixture.rule("no-writes", ["tool:write_*"], to: ["anyone"], effect: .deny)])
        for index in bundle.servers.indices {
            bundle.servers[index].enforcement = Enforcement(mode: .observe, until: now + .days(1))
        }
        let write = try #require(try step("write_entry", bundle).forwarding)
        #expect(write.record.verdict == .wouldDeny && write.record.reason == DenyReason.deniedByRule.rawValue)
        #expect(write.record.rule == "finance/no-writes" && write.record.principal == nil)
        let read = try #require(try step("read_entry", bundle).forwarding)
        #expect(read.record.verdict == .wouldDeny && read.record.reason == DenyReason.noRule.rawValue)
        var book = UsageBook()
        var record = read.record
        record.number = 1
        book.fold(record)
        #expect(book.changed(after: 0, upTo: 9).isEmpty)
        #expect(reason(try step("delete_entry", bundle)) == DenyReason.deniedByRule.rawValue)
        for index in bundle.servers.indices {
            bundle.servers[index].enforcement = Enforcement(mode: .observe, until: now)
        }
        #expect(reason(try step("write_entry", bundle)) == DenyReason.noRule.rawValue)
    }

    @Test("while a server is observed, identity, networks, sizes and rates hold")
    func observedStillHolds() throws {
        func observed(_ bundle: PolicyBundle) -> PolicyBundle {
            var bundle = bundle
            for index in bundle.servers.indices {
                bundle.servers[index].enforcement = Enforcement(mode: .observe, until: now + .days(1))
            }
            return bundle
        }
        let elsewhere = try fixture.bundle(rules: [], networks: ["10.9.0.0/16"])
        #expect(reason(try step("read_entry", observed(elsewhere))) == DenyReason.network.rawValue)
        let revoked = try fixture.bundle(
            rules: [],
            revokedIdentities: [
                IdentityRevocation(identity: try SPIFFEID(SpokeFixture.bot), issuedBefore: now + .days(1))
            ])
        #expect(reason(try step("read_entry", observed(revoked))) == DenyReason.identityRevoked.rawValue)
        let small = try fixture.bundle(rules: [], policy: Policy(limits: Limits(requestBody: ByteCount(10))))
        #expect(try step("read_entry", observed(small)).answer?.status == 413)
        let slow = try fixture.bundle(
            rules: [], policy: Policy(limits: Limits(rate: Limits.Rate(requests: 1, per: .seconds(60), burst: 1))))
        let first = try #require(try step("read_entry", observed(slow)).forwarding)
        first.ticket.release()
        #expect(reason(try step("read_entry", observed(slow))) == DenyReason.rate.rawValue)
    }

    @Test("who is of no admitted zone finds nothing here")
    func callers() throws {
        var bundle = try fixture.bundle()
        bundle.servers[0].callers = ["finance.corp.example"]
        let denied = try step("read_entry", bundle)
        #expect(denied.answer?.status == 404 && reason(denied) == DenyReason.callerZone.rawValue)
        bundle.servers[0].callers = ["analytics.corp.example", "finance.corp.example"]
        #expect(try step("read_entry", bundle).forwarding != nil)
    }

    @Test("the host's ceiling takes away what the hub gives")
    func ceiling() throws {
        let bundle = try fixture.bundle(rules: [try SpokeFixture.rule("all", ["*"], to: ["anyone"])])
        let configuration = try SpokeConfiguration.read(
            Array(
                """
                listen: 127.0.0.1:0
                servers: { ledger: { url: "http://127.0.0.1:8000/mcp" } }
                ceiling:
                  rules: [{ id: reading, allow: ["tool:read_*"], servers: [ledger] }]
                  limits: { responseBody: 1KiB }
                """.utf8), file: "spoke.yaml")
        let ceiling = try #require(configuration.ceiling)
        #expect(try step("write_entry", bundle).forwarding != nil)
        #expect(reason(try step("write_entry", bundle, ceiling: ceiling)) == DenyReason.ceiling.rawValue)
        let read = try #require(try step("read_entry", bundle, ceiling: ceiling).forwarding)
        #expect(read.policy.responseBody == ByteCount(1024) && read.record.rule == "finance/all")
        #expect(!read.filter.shows("write_entry", .tools))
    }

    @Test(
        "a ceiling that cannot be read keeps the spoke from starting",
        arguments: [
            "ceiling: none", "ceiling: { rules: [{ id: a, allow: [tool:x], servers: [ledgr] }] }",
            "ceiling: { rulez: [] }", "ceiling: { limits: { rate: 5 } }", "ceiling:",
        ])
    func badCeiling(lines: String) {
        let text = "listen: 127.0.0.1:0\nservers: { ledger: { url: \"http://127.0.0.1:8000/mcp\" } }\n\(lines)\n"
        #expect {
            try SpokeConfiguration.read(Array(text.utf8), file: "spoke.yaml")
        } throws: { ($0 as? SpokeError)?.code == "bad-configuration" }
    }

    @Test("a pinned tool runs only as it was approved, and is shown so")
    func pins() throws {
        var bundle = try fixture.bundle(
            rules: [try SpokeFixture.rule("all", ["tool:*"], to: ["anyone"], when: Conditions(readOnly: true))])
        bundle.servers[0].policy.pin = .enforce
        let definition = try #require(try SpokeFixture.view().catalog?.tool("read_entry")?.definition)
        let digest = digestText(of: definition.interchangeBytes)
        bundle.servers[0].pins = [ToolDefinition(name: "read_entry", digest: digest, readOnly: true)]
        let read = try #require(try step("read_entry", bundle).forwarding)
        #expect(read.filter.shows("read_entry", .tools) && !read.filter.shows("write_entry", .tools))
        #expect(reason(try step("write_entry", bundle)) == DenyReason.unapprovedTool.rawValue)
        bundle.servers[0].pins = [ToolDefinition(name: "read_entry", digest: "sha256:00", readOnly: true)]
        #expect(reason(try step("read_entry", bundle)) == DenyReason.changedTool.rawValue)
    }
}
