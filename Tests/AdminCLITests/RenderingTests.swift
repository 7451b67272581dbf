import AdminCLI
import Model
import Testing

@Suite struct RenderingTests {
    private let now = Instant("2026-11-21T12:00:00Z") ?? Instant(milliseconds: 0)

    private func grant(_ principal: String, _ capabilities: String...) throws -> Grant {
        Grant(
            principal: try Principal(principal), server: "finance/ledger",
            capabilities: try capabilities.map { try CapabilityPattern($0) }, rule: "finance/analysts-read")
    }

    @Test func planShowsObjectsAccessAndWhatToKnow() throws {
        let plan = Plan(
            changes: [
                Plan.Change(action: .add, object: ObjectName(kind: .server, name: "finance/ledger")),
                Plan.Change(
                    action: .change, object: ObjectName(kind: .rule, name: "finance/analysts-read"),
                    fields: ["capabilities", "until"], was: ["from 10.0.0.0/8"],
                    now: ["from 10.1.0.0/16", "until 2027-03-31T00:00:00.000Z"]),
                Plan.Change(action: .remove, object: ObjectName(kind: .client, name: "analytics/old-bot")),
                Plan.Change(action: .move, object: ObjectName(kind: .zone, name: "finance")),
            ],
            access: [
                Plan.AccessChange(
                    direction: .gains, grant: try grant("client:analytics/bot", "tool:read_*", "tool:list"),
                    conditions: ["read-only tools", "from 10.0.0.0/8"]),
                Plan.AccessChange(direction: .loses, grant: try grant("group:finance-analysts", "*"), conditions: []),
            ],
            denies: [Plan.Change(action: .add, object: ObjectName(kind: .rule, name: "no-deletes"))],
            findings: [
                Plan.Finding(
                    code: "revoked-grant", message: "a review revoked it",
                    place: Place(file: "a.yaml", line: 3, column: 5))
            ],
            removals: ["removes 1 of 2 clients"], ceilings: ["finance/fin-1"], untold: ["finance/fin-2"])
        #expect(
            planText(plan, .off) == """
                objects
                  + server finance/ledger
                  ~ rule finance/analysts-read (capabilities, until)
                      was from 10.0.0.0/8 → now from 10.1.0.0/16; until 2027-03-31T00:00:00.000Z
                  - client analytics/old-bot

                1 only moved within the files

                access
                  + client:analytics/bot gains tool:read_* tool:list on finance/ledger (finance/analysts-read; read-only tools; from 10.0.0.0/8)
                  - group:finance-analysts loses * on finance/ledger (finance/analysts-read)

                hosts
                  access is what the hosts of finance/fin-1 leave of it, by their ceilings
                  what the hosts of finance/fin-2 take away is not known

                findings
                  a.yaml:3:5: warning: a review revoked it

                needs --allow-removals
                  removes 1 of 2 clients

                1 to add, 1 to change, 1 to remove; 1 grant gained, 1 lost

                """)
        #expect(plan.end(allowRemovals: false) == .blocked)
        // What a review revoked stays in the way; without it there are changes only.
        #expect(plan.end(allowRemovals: true) == .blocked)
        var clean = plan
        clean.findings = []
        #expect(clean.end(allowRemovals: true) == .differences)
    }

    @Test func aChangeOfOneRuleIsTenLinesAtMost() throws {
        let rule = ObjectName(kind: .rule, name: "no-deletes")
        let access = try (0..<2000).flatMap { server in
            try (0..<7).map { number in
                Plan.AccessChange(
                    direction: .loses,
                    grant: Grant(
                        principal: try Principal("group:g\(number)"), server: "finance/s\(server)",
                        capabilities: [try CapabilityPattern("tool:delete_*")], rule: "finance/r\(number)"),
                    conditions: [], otherwise: ["tool:*"], example: "tool:delete_x from 10.0.0.0 number \(server)")
            }
        }
        let change = Plan.Change(action: .change, object: rule, fields: ["capabilities"])
        let plan = Plan(changes: [change], access: access, denies: [change], findings: [], removals: [])
        let lines = planText(plan, .off).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count == 10, "\(lines)")
        #expect(lines[1] == "  ~ rule no-deletes (capabilities), a denial")
        #expect(lines[4].contains("group:g0 loses tool:delete_* on finance/s0, finance/s1 and 1998 more servers"))
        #expect(lines[4].hasSuffix("; keeps tool:*; as tool:delete_x from 10.0.0.0 number 0)"))
        #expect(lines[7] == "  … and 4 more such lines; `-o json` shows all")
    }

    @Test func accessSaysWhoThroughWhatAndWhatIsTakenAway() throws {
        let row = AccessRow(
            principal: try Principal("client:analytics/bot"), server: "finance/ledger",
            capabilities: [try CapabilityPattern("tool:read_*")], rule: "finance/read",
            through: try Principal("zone:analytics"), conditions: ["from 10.0.0.0/8"],
            exceptions: ["not tool:delete_* (no-deletes)"])
        let answer = AccessAnswer(rows: [row, row], at: Instant(milliseconds: 0), size: 3)
        #expect(
            accessText(answer, of: .who, .off) == """
                client:analytics/bot
                  tool:read_*  (finance/read, as zone:analytics)
                      from 10.0.0.0/8
                      not tool:delete_* (no-deletes)
                  tool:read_*  (finance/read, as zone:analytics)
                      from 10.0.0.0/8
                      not tool:delete_* (no-deletes)

                """)
        #expect(accessText(answer, of: .what, .off).hasPrefix("finance/ledger\n"))
    }

    @Test func emptyPlanIsNoChange() {
        let plan = Plan(changes: [], access: [], denies: [], findings: [], removals: [])
        #expect(planText(plan, .on) == "no change\n")
        #expect(plan.end(allowRemovals: false) == nil)
    }

    @Test func explanationNamesTheRuleThatDecidedAndItsPlace() {
        let steps = [
            Explanation.Step(
                rule: "no-deletes", effect: .deny, outcome: "is for other capabilities",
                place: Place(file: "organization.yaml", line: 20, column: 5), reason: "change process"),
            Explanation.Step(
                rule: "finance/analysts-read", effect: .allow, outcome: "matches through `client:analytics/bot`",
                place: Place(file: "zones/finance.yaml", line: 21, column: 5), reason: "FIN-1234"),
        ]
        let explanation = Explanation(
            verdict: .allow, reason: nil, rule: "finance/analysts-read", detail: nil,
            caller: "spiffe://analytics.corp.example/client/bot", server: "finance/ledger", aim: "tool:read_entry",
            revision: 17, steps: steps, recorded: nil)
        #expect(
            explainText(explanation, .off) == """
                allowed  spiffe://analytics.corp.example/client/bot → finance/ledger tool:read_entry
                  because   rule `finance/analysts-read` allows it
                  at        zones/finance.yaml:21:5
                  reason    FIN-1234
                  revision  17

                rules, in the order they were looked at
                  deny   no-deletes  is for other capabilities  organization.yaml:20:5
                → allow  finance/analysts-read  matches through `client:analytics/bot`  zones/finance.yaml:21:5

                """)
    }

    @Test func explanationOfADenialThatIsDecidedOtherwiseNow() {
        let record = DecisionRecord(
            number: 3, at: now, caller: "spiffe://a.corp.example/client/b", address: nil, server: "finance/ledger",
            aim: "tool:x", verdict: .allow, rule: "finance/r")
        let explanation = Explanation(
            verdict: .deny, reason: "revoked", rule: "finance/r", detail: "rv-1", caller: record.caller,
            server: "finance/ledger", aim: "tool:x", revision: 18, steps: [],
            recorded: DecisionRow(id: "j-1:3", spoke: "finance/fin-1", record: record))
        #expect(
            explainText(explanation, .off) == """
                denied  spiffe://a.corp.example/client/b → finance/ledger tool:x
                  because   no rule allows it; `finance/r` came nearest (revoked): rv-1
                  revision  18
                  recorded  allowed at 2026-11-21T12:00:00.000Z by finance/fin-1, which is not what is decided now
                no rule is for this server

                """)
    }

    private func review(state: Review.State) throws -> ReviewDetail {
        ReviewDetail(
            row: ReviewRow(
                id: "ar-1", zone: "finance", state: state, due: now + .days(24), items: 3, kept: 1, revoked: 1,
                unanswered: 1),
            openedAt: now, openedBy: "spiffe://corp.example/user/u1", evidence: "sha256:ab",
            items: [
                ReviewDetail.Item(
                    number: 1, grant: try grant("client:analytics/bot", "tool:read_*"),
                    evidence: Evidence(kind: .used, count: 12, last: now - .days(1)), verdict: .keep, decidedBy: "u2",
                    decidedAt: now, why: "still needed", revocation: nil),
                ReviewDetail.Item(
                    number: 2, grant: try grant("group:old", "*"),
                    evidence: Evidence(kind: .unused, observedFrom: now - .days(31), observedTo: now), verdict: .revoke,
                    decidedBy: "u2", decidedAt: now, why: "gone", revocation: "rv-1"),
                ReviewDetail.Item(
                    number: 3, grant: try grant("zone:analytics", "prompt:x"),
                    evidence: Evidence(kind: .unknown, silent: ["finance/fin-2"]), verdict: nil, decidedBy: nil,
                    decidedAt: nil, why: nil, revocation: nil),
            ],
            closedAt: state == .closed ? now : nil, closedIndex: state == .closed ? 42 : nil,
            rollout: state == .closed ? Rollout(rows: []) : nil)
    }

    @Test func reviewShowsEvidenceAndVerdicts() throws {
        #expect(
            reviewText(try review(state: .open), now: now, .off) == """
                ar-1  zone finance, open, due 2026-12-15 12:00Z
                  opened    2026-11-21T12:00:00.000Z by spiffe://corp.example/user/u1
                  evidence  sha256:ab
                  items     3: 1 kept, 1 revoked, 1 unanswered

                ITEM  PRINCIPAL             SERVER          CAPABILITIES  RULE                   EVIDENCE                         VERDICT
                1     client:analytics/bot  finance/ledger  tool:read_*   finance/analysts-read  used 12, last 2026-11-20         keep
                2     group:old             finance/ledger  *             finance/analysts-read  unused 2026-10-21 to 2026-11-21  revoke
                3     zone:analytics        finance/ledger  prompt:x      finance/analysts-read  unknown (silent: finance/fin-2)  -

                """)
    }

    @Test func aShortObservationIsSeenToBeShort() {
        let evidence = Evidence(kind: .unused, observedFrom: now - .minutes(5), observedTo: now)
        #expect(evidenceText(evidence) == "unused 2026-11-21 11:55Z to 2026-11-21 12:00Z")
    }

    @Test func reportSaysWhoDecidedAndWhatLapsed() throws {
        let text = reviewReportText(try review(state: .closed), now: now, .off)
        #expect(
            text.hasSuffix(
                """

                verdicts
                  1  keep by u2 at 2026-11-21T12:00:00.000Z: still needed
                  2  revoke by u2 at 2026-11-21T12:00:00.000Z: gone (rv-1)
                  3  lapsed, nobody answered

                every spoke enforces it
                SPOKE  STATE  WANTED  APPLIED  CONNECTED  LAST SEEN  DETAIL

                """))
        #expect(text.contains("closed    2026-11-21T12:00:00.000Z, ledger entry 42\n"))
    }

    @Test func serversStateInOneWordOrCounted() {
        let rows = [
            ServerRow(
                name: "finance/git", classification: .internal, owner: nil, labels: [:], endpoints: [],
                spokes: ["fin-1": .up, "fin-2": .notConfigured], tools: []),
            ServerRow(
                name: "finance/ledger", classification: .confidential, owner: "group:f",
                labels: ["tier": "gold", "a": "b"],
                endpoints: ["https://x/ledger/mcp"], spokes: ["fin-1": .up], tools: ["read", "delete"]),
        ]
        #expect(
            serverTable(rows).text(.off) == """
                SERVER          CLASSIFICATION  STATE                   TOOLS  OWNER    LABELS
                finance/git     internal        1 not configured, 1 up  0      -        -
                finance/ledger  confidential    up                      2      group:f  a=b,tier=gold

                """)
        #expect(
            serverText(rows[1], now: now, .off) == """
                finance/ledger
                  classification  confidential
                  owner           group:f
                  labels          a=b
                                  tier=gold
                  endpoints       https://x/ledger/mcp
                  spokes          fin-1: up
                  tools           delete
                                  read

                """)
    }

    @Test func anObservedServerSaysUntilWhenAndWhy() {
        var row = ServerRow(
            name: "finance/ledger", classification: .internal, owner: nil, labels: [:], endpoints: [], spokes: [:],
            tools: [])
        row.enforcement = Enforcement(mode: .observe, until: now + .hours(1), reason: "FIN-1")
        #expect(
            serverText(row, now: now, .off).contains(
                "  enforcement     observe until 2026-11-21T13:00:00.000Z: FIN-1\n"))
        #expect(
            serverText(row, now: now + .hours(1), .off).contains(
                "  enforcement     enforce, since observing ended on 2026-11-21T13:00:00.000Z: FIN-1\n"))
    }

    @Test func oneZoneSpokeOrClientIsALineAFact() throws {
        let zone = ZoneRow(
            name: "finance", classification: .confidential, region: nil, spokes: 1, servers: 2, clients: 3, rules: 4)
        #expect(
            zoneText(zone, .off) == """
                finance
                  classification  confidential
                  spokes          1
                  servers         2
                  clients         3
                  rules           4

                """)
        let identity = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        let row = MemberRow(
            name: "finance/fin-1", identity: identity, enrolment: .enrolled, certificateUntil: now + .days(1),
            connected: true, lastSeen: now - .seconds(5), revision: 7)
        let rollout = Rollout.Row(
            spoke: "finance/fin-1", state: .behind, wanted: 9, applied: 7, detail: nil, connected: true, lastSeen: nil)
        #expect(
            spokeText(row, rollout, ["finance/ledger": .up, "finance/git": .notConfigured], now: now, .off) == """
                finance/fin-1
                  identity           spiffe://finance.corp.example/spoke/fin-1
                  enrolment          enrolled
                  certificate until  2026-11-22 12:00Z
                  last seen          5s ago
                  connected          yes
                  enforces           revision 7, should be 9
                  servers            finance/git: not configured
                                     finance/ledger: up

                """)
        let bot = MemberRow(
            name: "analytics/bot", identity: identity, enrolment: .none, certificateUntil: nil, connected: false,
            lastSeen: nil, revision: nil)
        #expect(
            clientText(bot, now: now, .off) == """
                analytics/bot
                  identity   spiffe://finance.corp.example/spoke/fin-1
                  enrolment  none
                  last seen  never

                """)
    }

    @Test func peopleWithoutAnAddressAreTold() throws {
        func row(_ name: String, _ address: String?, isErased: Bool = false, _ roles: [UserRow.HeldRole] = []) throws
            -> UserRow
        {
            UserRow(
                identity: try SPIFFEID("spiffe://corp.example/user/\(name)"), address: address, isErased: isErased,
                roles: roles, enrolment: isErased ? .revoked : .enrolled, certificateUntil: isErased ? nil : now)
        }
        let rows = [
            try row(
                "u-1", "erin@corp.example", [.init(role: .auditor, zone: nil), .init(role: .reviewer, zone: "finance")]),
            try row("u-2", nil, isErased: true), try row("u-3", nil, [.init(role: .owner, zone: nil)]),
        ]
        #expect(
            userTable(rows, now: now).text(.off) == """
                USER               ROLES                         ENROLMENT  CERTIFICATE UNTIL  IDENTITY
                erin@corp.example  auditor, reviewer of finance  enrolled   2026-11-21 12:00Z  spiffe://corp.example/user/u-1
                (erased)           -                             revoked    -                  spiffe://corp.example/user/u-2
                (no address)       owner                         enrolled   2026-11-21 12:00Z  spiffe://corp.example/user/u-3

                """)
    }

    @Test func rolloutNamesWhoIsBehind() {
        let rollout = Rollout(rows: [
            Rollout.Row(
                spoke: "finance/fin-1", state: .current, wanted: 9, applied: 9, detail: nil, connected: true,
                lastSeen: now - .seconds(5)),
            Rollout.Row(
                spoke: "finance/fin-2", state: .refused, wanted: 9, applied: 7, detail: "lease-older", connected: false,
                lastSeen: nil),
        ])
        #expect(
            rolloutTable(rollout, now: now).text(.off) == """
                SPOKE          STATE    WANTED  APPLIED  CONNECTED  LAST SEEN  DETAIL
                finance/fin-1  current  9       9        yes        5s ago
                finance/fin-2  refused  9       7        no         never      lease-older

                """)
    }

    @Test func statusIsAFewLines() throws {
        let status = HubStatus(
            organization: "corp.example", version: "0.1.0", since: now, ledgerSize: 12, checkpoint: "x", zones: 2,
            servers: 3,
            clients: 1, rules: 4,
            rollout: Rollout(rows: [
                Rollout.Row(
                    spoke: "finance/fin-1", state: .behind, wanted: 9, applied: 8, detail: nil, connected: true,
                    lastSeen: now)
            ]),
            openReviews: ["ar-1"], denials: 7,
            expiring: [
                ExpiringCertificate(
                    identity: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"), notAfter: now + .days(1))
            ],
            observed: [ObservedServer(name: "finance/ledger", until: now + .days(2), reason: "FIN-1")])
        #expect(
            statusText(status, identity: try SPIFFEID("spiffe://corp.example/user/u1"), now: now, .off) == """
                corp.example  nave-hub 0.1.0, up since 2026-11-21 12:00Z
                  you are  spiffe://corp.example/user/u1
                  ledger   12 entries
                  holds    2 zones, 3 servers, 1 client, 4 rules
                  spokes   0 of 1 enforce what they should, not: finance/fin-1 (behind)
                  denials  7 in the last 24 hours
                  ends     1 certificate within three days: spiffe://finance.corp.example/spoke/fin-1 (2026-11-22 12:00Z)
                  observed finance/ledger (until 2026-11-23 12:00Z, FIN-1)
                  reviews  open: ar-1

                """)
    }

    /// What others chose to be called must not move the cursor of whoever looks.
    @Test func textOfOthersCannotActOnATerminal() {
        let record = DecisionRecord(
            number: 1, at: now, caller: "spiffe://a.b/client/c", address: nil, server: "f/l",
            aim: "tool:\u{1B}[2J\u{202E}x\n",
            verdict: .deny, reason: "no-rule", count: 3)
        let row = DecisionRow(id: "j:1", spoke: "f/s", record: record)
        for text in [decisionTable([row]).text(.off), decisionText(row, .off)] {
            #expect(!text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{202E}"))
            #expect(text.contains("tool:?[2J?x?"))
        }
    }

    @Test func colourIsOnlyWhereItIsAskedFor() {
        let error = ModelError(
            "x", "cannot do `that`", hint: "do this", place: Place(file: "f.yaml", line: 1, column: 2))
        #expect(errorLines(error, .off) == ["f.yaml:1:2: error: cannot do `that`", "hint: do this"])
        #expect(errorLines(error, .on).allSatisfy { $0.contains("\u{1B}[") })
    }

    @Test(arguments: [("y", true), (" YES \n", true), ("", false), ("n", false), ("yes please", false)])
    func onlyAClearYesIsOne(answer: String, expected: Bool) {
        #expect(isYes(answer) == expected)
        #expect(!isYes(nil))
    }

    @Test(arguments: [(0, "0s ago"), (59_999, "59s ago"), (60_000, "1m ago"), (7_200_000, "2h ago"), (-5000, "0s ago")])
    func agesInWholeUnits(age: Int64, expected: String) {
        #expect(ago(now - Milliseconds(age), now: now) == expected)
    }
}
