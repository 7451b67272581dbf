import HubService
import Model
import Storage
import TestSupport
import Testing
import Trust

/// People of the tests: dana owns and writes the rules, erin reviews finance, ivo reads, olga is of another zone.
private enum Person {
    static let dana = standing("dana", organization: [.owner])
    static let erin = standing("erin", zones: ["finance": [.reviewer]])
    static let frank = standing("frank", zones: ["finance": [.owner]])
    static let ivo = standing("ivo", organization: [.auditor])
    static let olga = standing("olga", zones: ["analytics": [.owner]])

    private static func standing(
        _ name: String, organization: Set<Role> = [], zones: [String: Set<Role>] = [:]
    ) -> Standing? {
        guard let identity = try? SPIFFEID("spiffe://corp.example/user/\(name)") else { return nil }
        return Standing(identity: identity, address: "\(name)@corp.example", organization: organization, zones: zones)
    }
}

@Suite struct ReviewServiceTests {
    private let hub: ReviewHub
    private let dana: Standing
    private let erin: Standing
    private let frank: Standing
    private let ivo: Standing
    private let olga: Standing

    init() async throws {
        hub = try await ReviewHub.opened()
        dana = try #require(Person.dana)
        erin = try #require(Person.erin)
        frank = try #require(Person.frank)
        ivo = try #require(Person.ivo)
        olga = try #require(Person.olga)
        try await hub.apply(try Self.topology, by: dana)
    }

    /// Four grants in finance: of `ledger` 1 `reads` and 2 `writes` to client:bot and 3 `reads` to user:erin, 4 of `wiki` to
    /// anyone; and one of a rule that has ended.
    private static var topology: Topology {
        get throws {
            let bot = try Principal("client:analytics/bot")
            let erin = try Principal("user:erin@corp.example")
            return Topology(
                organization: Organization(domain: "corp.example"),
                zones: [
                    Zone(name: "analytics", classification: .internal, networks: []),
                    Zone(name: "finance", classification: .internal, networks: []),
                ],
                spokes: [Spoke(zone: "finance", name: "fin-1"), Spoke(zone: "finance", name: "fin-2")],
                clients: [Client(zone: "analytics", name: "bot")],
                servers: [
                    Server(zone: "finance", name: "ledger", spokes: ["fin-1"], classification: .internal),
                    Server(zone: "finance", name: "wiki", spokes: ["fin-1", "fin-2"], classification: .internal),
                ],
                rules: [
                    Rule(
                        id: "finance/over", effect: .allow, capabilities: [try CapabilityPattern("*")],
                        servers: ["ledger"], to: [bot], until: ReviewHub.start),
                    Rule(
                        id: "finance/reads", effect: .allow, capabilities: [try CapabilityPattern("tool:read_*")],
                        servers: ["ledger"], to: [bot, erin]),
                    Rule(
                        id: "finance/wiki", effect: .allow, capabilities: [try CapabilityPattern("*")],
                        servers: ["wiki"], to: [.anyone]),
                    Rule(
                        id: "finance/writes", effect: .allow, capabilities: [try CapabilityPattern("tool:write_*")],
                        servers: ["ledger"], to: [bot]),
                ])
        }
    }

    private func open(days: Int64 = 7) async throws -> ReviewDetail {
        let request = OpenReviewRequest(zone: "finance", due: ReviewHub.start + .days(days), why: "quarterly")
        return try await hub.service.open(request, by: dana)
    }

    private func decide(_ id: String, _ item: Int, _ verdict: Verdict, by person: Standing) async throws {
        _ = try await hub.service.decide(id, item: item, DecideItemRequest(verdict: verdict, why: "judged"), by: person)
    }

    private func failure(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "none"
        } catch let error as any NaveError { return error.code } catch { return "\(error)" }
    }

    private func number(_ rule: String, _ principal: String, in review: ReviewDetail) throws -> Int {
        let item = review.items.first { $0.grant.rule == rule && $0.grant.principal.description == principal }
        return try #require(item).number
    }

    @Test func openingFreezesGrantsWithTheEvidenceOfTheirUse() async throws {
        try await hub.report("finance/fin-1", uses: [("finance/reads", "client:analytics/bot", "tool:read_entry", 5)])
        let review = try await open()
        #expect(review.row.id == "ar-\(hub.ledger.snapshot.size - 2)")
        #expect(
            review.items.map { "\($0.grant.rule) \($0.grant.principal)" } == [
                "finance/reads client:analytics/bot", "finance/writes client:analytics/bot",
                "finance/reads user:erin@corp.example", "finance/wiki anyone",
            ])
        #expect(review.items.map(\.number) == [1, 2, 3, 4])
        let evidence = review.items.map(\.evidence)
        #expect(evidence.map(\.kind) == [.used, .unused, .unused, .unknown])
        #expect(evidence[0].count == 5)
        #expect(evidence[0].last == ReviewHub.start)
        #expect(evidence[1].observedFrom == ReviewHub.start - .days(3))
        #expect(evidence[1].observedTo == ReviewHub.start)
        #expect(evidence[3].silent == ["finance/fin-2"])
        // What was frozen stays, whatever is reported afterwards.
        try await hub.report("finance/fin-2", uses: [("finance/wiki", "anyone", "tool:look", 1)])
        #expect(try await hub.service.show(review.row.id, to: ivo).items.map(\.evidence) == evidence)
        let bytes = try await hub.ledger.read { try $0.artifact(review.evidence) }
        #expect(bytes.map { digestText(of: $0) } == review.evidence)
    }

    @Test func aSpokeThatFellSilentLeavesUseUnknown() async throws {
        try await hub.report("finance/fin-1")
        hub.advance(by: .minutes(59))
        try await hub.report("finance/fin-2")
        hub.advance(by: .minutes(2))
        let evidence = try await open().items.map(\.evidence)
        #expect(evidence.map(\.kind) == [.unknown, .unknown, .unknown, .unknown])
        #expect(evidence.allSatisfy { $0.silent == ["finance/fin-1"] })
    }

    @Test func openingPutsALapseAtTheDueDateOnEveryGrant() async throws {
        let review = try await open()
        let masks = hub.ledger.snapshot.state.masks
        #expect(masks.map(\.id) == (1...4).map { "\(review.row.id)/\($0)" })
        #expect(masks.allSatisfy { $0.at == ReviewHub.start + .days(7) && $0.cause == .lapsed })
        try await decide(review.row.id, 1, .keep, by: erin)
        #expect(hub.ledger.snapshot.state.masks.map(\.id) == (2...4).map { "\(review.row.id)/\($0)" })
    }

    @Test func whoMayOpenWhatAndWhen() async throws {
        func code(_ zone: String, _ due: Instant, _ person: Standing) async -> String {
            await failure { _ = try await hub.service.open(OpenReviewRequest(zone: zone, due: due), by: person) }
        }
        let later = ReviewHub.start + .days(1)
        #expect(await code("finance", later, erin) == "forbidden")
        #expect(await code("finance", later, ivo) == "forbidden")
        #expect(await code("finance", later, olga) == "forbidden")
        #expect(await code("finance", ReviewHub.start, dana) == "due-passed")
        #expect(await code("nowhere", later, dana) == "unknown-zone")
        #expect(await code("analytics", later, olga) == "nothing-to-review")
        #expect(await code("finance", later, frank) == "none")
        #expect(await code("finance", later, dana) == "review-open")
    }

    @Test func nobodyJudgesTheirOwn() async throws {
        let review = try await open()
        let id = review.row.id
        let erins = try number("finance/reads", "user:erin@corp.example", in: review)
        #expect(await failure { try await decide(id, 1, .keep, by: dana) } == "own-rule")
        #expect(await failure { try await decide(id, erins, .keep, by: erin) } == "own-grant")
        #expect(await failure { try await decide(id, erins, .revoke, by: erin) } == "own-grant")
        #expect(await failure { try await decide(id, 1, .keep, by: ivo) } == "forbidden")
        #expect(await failure { try await decide(id, 1, .keep, by: olga) } == "forbidden")
        #expect(try await hub.service.show(id, to: ivo).row.unanswered == 4)
        #expect(await failure { try await decide(id, erins, .keep, by: frank) } == "none")
    }

    @Test func aRevocationIsLiftedByAnotherPersonOnly() async throws {
        let id = try await open().row.id
        func lift(_ item: Int, by person: Standing, why: String = "goes on") async -> String {
            await failure {
                _ = try await hub.service.reinstate(id, item: item, ReinstateRequest(why: why), by: person)
            }
        }
        #expect(await lift(2, by: frank) == "not-revoked")
        try await decide(id, 2, .revoke, by: erin)
        #expect(hub.ledger.snapshot.state.masks.contains { $0.id == "rv-\(id)-2" })
        #expect(await lift(2, by: erin) == "own-revocation")
        #expect(await lift(2, by: dana) == "own-rule")
        #expect(await lift(2, by: ivo) == "forbidden")
        #expect(await lift(2, by: frank, why: " ") == "why-needed")
        #expect(await lift(9, by: frank) == "unknown-item")
        #expect(await lift(2, by: frank) == "none")
        #expect(!hub.ledger.snapshot.state.masks.contains { $0.id == "rv-\(id)-2" })
        #expect(await lift(2, by: frank) == "not-revoked")
    }

    @Test func aRevokeIsARevocationAndIsRecorded() async throws {
        let id = try await open().row.id
        let answer = try await hub.service.decide(
            id, item: 2, DecideItemRequest(verdict: .revoke, why: "project has ended"), by: erin)
        #expect(answer.spokes == ["finance/fin-1", "finance/fin-2"])
        #expect(answer.index == hub.ledger.snapshot.size - 2)
        let mask = try #require(hub.ledger.snapshot.state.masks.first { $0.cause == .revoked })
        #expect(mask.id == "rv-\(id)-2")
        #expect(mask.server == "finance/ledger")
        let item = try await hub.service.show(id, to: erin).items[1]
        #expect(item.verdict == .revoke)
        #expect(item.revocation == "rv-\(id)-2")
        #expect(item.why == "project has ended")
        #expect(item.decidedBy == erin.identity.description)
    }

    @Test func answersStand() async throws {
        let id = try await open().row.id
        try await decide(id, 1, .keep, by: erin)
        #expect(await failure { try await decide(id, 1, .keep, by: frank) } == "already-decided")
        #expect(await failure { try await decide(id, 1, .revoke, by: frank) } == "none")
        #expect(await failure { try await decide(id, 1, .revoke, by: erin) } == "already-decided")
        #expect(await failure { try await decide(id, 1, .keep, by: erin) } == "already-decided")
        #expect(await failure { try await decide(id, 9, .keep, by: erin) } == "unknown-item")
        #expect(await failure { try await decide("ar-99", 1, .keep, by: erin) } == "unknown-review")
        let silent = DecideItemRequest(verdict: .keep, why: " \t")
        #expect(await failure { _ = try await hub.service.decide(id, item: 2, silent, by: erin) } == "why-needed")
        let row = try await hub.service.show(id, to: ivo).row
        #expect((row.kept, row.revoked, row.unanswered) == (0, 1, 3))
    }

    @Test func unansweredGrantsLapseForGood() async throws {
        let id = try await open(days: 1).row.id
        try await decide(id, 1, .keep, by: erin)
        let early = CloseReviewRequest(lapseUnanswered: false)
        #expect(await failure { _ = try await hub.service.close(id, early, by: erin) } == "unanswered")
        #expect(await failure { _ = try await hub.service.close(id, early, by: ivo) } == "forbidden")
        hub.advance(by: .days(2))
        // The grant is gone at every spoke; a late keep cannot quietly bring it back, a late revoke may.
        #expect(await failure { try await decide(id, 2, .keep, by: erin) } == "due-passed")
        #expect(await failure { try await decide(id, 2, .revoke, by: erin) } == "none")
        _ = try await hub.service.close(id, early, by: erin)
        let masks = hub.ledger.snapshot.state.masks.sorted { $0.id < $1.id }
        #expect(masks.map(\.id) == ["rv-\(id)-2", "rv-\(id)-3", "rv-\(id)-4"])
        #expect(masks.map(\.cause) == [.revoked, .lapsed, .lapsed])
        let detail = try await hub.service.show(id, to: ivo)
        #expect(detail.row.state == .closed)
        #expect(detail.row.unanswered == 2)
        #expect(detail.items.map(\.revocation) == [nil, "rv-\(id)-2", "rv-\(id)-3", "rv-\(id)-4"])
        #expect(detail.closedIndex == hub.ledger.snapshot.size - 2)
        #expect(await failure { _ = try await hub.service.close(id, early, by: erin) } == "review-closed")
        #expect(await failure { try await decide(id, 1, .revoke, by: erin) } == "review-closed")
        // The next review has only what is left to judge.
        #expect(try await open(days: 9).items.map(\.grant.rule) == ["finance/reads"])
    }

    @Test func closingEarlyLapsesOnlyWhenThatIsSaid() async throws {
        let id = try await open().row.id
        _ = try await hub.service.close(id, CloseReviewRequest(lapseUnanswered: true, why: "cancelled"), by: frank)
        #expect(hub.ledger.snapshot.state.masks.count { $0.cause == .lapsed } == 4)
        #expect(hub.ledger.snapshot.state.masks.allSatisfy { $0.at <= hub.now })
    }

    @Test func theReportTellsWhichSpokesHaveIt() async throws {
        let id = try await open().row.id
        _ = try await hub.service.close(id, CloseReviewRequest(lapseUnanswered: true), by: frank)
        let closing = try #require(try await hub.service.show(id, to: ivo).closedIndex)
        try await hub.report("finance/fin-1", applied: closing)
        try await hub.report("finance/fin-2", applied: closing - 1)
        let rollout = try #require(try await hub.service.report(id, to: ivo).rollout)
        #expect(rollout.rows.map(\.spoke) == ["finance/fin-1", "finance/fin-2"])
        #expect(rollout.rows.map(\.state) == [.current, .behind])
        #expect(rollout.rows.allSatisfy { $0.wanted == closing })
    }

    @Test func reviewsAreSeenByThoseWhoMayReadTheZone() async throws {
        let id = try await open().row.id
        #expect(try hub.service.list(Query(), ivo).map(\.id) == [id])
        #expect(try hub.service.list(Query(["zone": "analytics"]), ivo) == [])
        #expect(try hub.service.list(Query(), olga) == [])
        #expect(await failure { _ = try await hub.service.show(id, to: olga) } == "forbidden")
        #expect(await failure { _ = try await hub.service.show("ar-0", to: ivo) } == "unknown-review")
    }
}
