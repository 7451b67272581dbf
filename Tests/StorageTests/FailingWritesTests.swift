import Foundation
import GRDB
import Model
@testable import Storage
import Synchronization
import TestSupport
import Testing
import Trust

/// Something durable, done on a hub that stands. Doing it again when it was done changes nothing.
struct FailingStep: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var prepare: @Sendable (TestHub) async throws -> Void
    var act: @Sendable (TestHub) async throws -> Void
    /// How many entries it appends, all or none.
    var entries: Int64

    init(
        _ name: String, entries: Int64, prepare: @escaping @Sendable (TestHub) async throws -> Void = { _ in },
        act: @escaping @Sendable (TestHub) async throws -> Void
    ) {
        testDescription = name
        self.entries = entries
        self.prepare = prepare
        self.act = act
    }
}

@Suite struct FailingWritesTests {
    private static let user = "spiffe://corp.example/user/u-1"
    private static let address = "ana@corp.example"

    private static func topology() throws -> Topology {
        let networks = [try Network("10.0.0.0/8")]
        return Topology(
            organization: Organization(domain: "corp.example"),
            zones: [Zone(name: "finance", description: "Money", classification: .internal, networks: networks)],
            spokes: (1...6).map { Spoke(zone: "finance", name: "fin-\($0)") },
            servers: (1...6).map {
                Server(zone: "finance", name: "s-\($0)", spokes: ["fin-1"], classification: .internal)
            })
    }

    private static func invitation() -> Invitation {
        Invitation(
            id: "in-1", kind: .user, zone: nil, name: "u-1", secretHash: digestText(of: [1]), expires: TestHub.start,
            address: address)
    }

    private static func invite(_ hub: TestHub) async throws {
        _ = try await hub.ledger.append(by: .hub, why: "asked by \(address)") { registry in
            try registry.invitation(secretHash: invitation().secretHash) == nil
                ? [.invitationCreated(invitation())] : []
        }
    }

    private static func enrol(_ hub: TestHub) async throws {
        _ = try await hub.ledger.append(by: .hub) { registry in
            guard try registry.openInvitations().map(\.id) == ["in-1"] else { return [] }
            return [
                .certificateIssued(
                    CertificateIssued(
                        identity: try SPIFFEID(user), serial: "01", notBefore: TestHub.start, notAfter: TestHub.start,
                        key: digestText(of: [9]), certificate: "MAA=", invitation: "in-1"))
            ]
        }
    }

    private static func apply(_ hub: TestHub) async throws {
        let desired = try topology()
        _ = try await hub.ledger.append(by: .hub, why: "import") { registry in
            try topologyEvents(from: try registry.topology(), to: desired, digest: digestText(of: []))
        }
    }

    private static func erase(_ hub: TestHub) async throws {
        let person = try PersonalAddress(address)
        _ = try await hub.ledger.append(by: .hub) { registry in
            try registry.erase(person, pseudonym: "erased.1").map { [.personErased($0)] } ?? []
        }
        try await hub.ledger.compact()
    }

    static let steps = [
        FailingStep("append", entries: 2) { hub in
            _ = try await hub.ledger.append(by: .hub, why: "because") { registry in
                let ana = try SPIFFEID(user)
                guard try registry.grantedRoles()[ana] == nil else { return [] }
                return [
                    .roleGranted(RoleGranted(identity: ana, role: .owner)),
                    .roleGranted(RoleGranted(identity: ana, role: .auditor)),
                ]
            }
        },
        FailingStep("apply", entries: 15) { try await apply($0) },
        FailingStep("enrol", entries: 1, prepare: { try await invite($0) }) { try await enrol($0) },
        FailingStep(
            "erase and compact", entries: 1,
            prepare: {
                try await apply($0)
                try await invite($0)
            }, act: { try await erase($0) }),
    ]

    @Test(arguments: steps, FailingDisk.Way.allCases)
    func everyWriteFailsInTurn(step: FailingStep, way: FailingDisk.Way) async throws {
        try #require(FailingDisk.install())
        let template = try TemporaryDirectory()
        try await prepare(step, in: template)
        var failures = 0
        for number in 1...500 {
            let hub = try Self.copy(template)
            let before = hub.ledger.snapshot.size
            let disk = FailingDisk(hub.directory.path, write: number, way)
            let answer = await failureCode { try await step.act(hub) }
            let hasFailed = disk.heal()
            let whole = [before, before + step.entries]

            // As a kill -9 at this moment leaves it: database and log, no shared index, nobody was answered.
            let crashed = try Self.copy(hub.directory)
            #expect(whole.contains(try Self.size(crashed)), "write \(number)")
            #expect(try crashed.verify().problems == [], "write \(number)")
            if answer == "none" {
                #expect(try Self.size(crashed) == before + step.entries, "write \(number): answered and lost")
            }
            // The same process goes on: what it shows is whole, and the next attempt succeeds.
            #expect(whole.contains(hub.ledger.snapshot.size), "write \(number)")
            try await step.act(hub)
            #expect(hub.ledger.snapshot.size == before + step.entries, "write \(number)")
            #expect(try hub.verify().problems == [], "write \(number)")
            // And so does another in its place.
            let reopened = try hub.reopened()
            #expect(try reopened.ledger.snapshot.facts == hub.ledger.snapshot.facts)
            try await step.act(crashed)
            #expect(try Self.size(crashed) == before + step.entries, "write \(number)")

            guard hasFailed else {
                #expect(answer == "none")
                break
            }
            failures += 1
        }
        #expect(failures >= 3, "the harness made only \(failures) writes fail")
        #expect(failures < 500)
    }

    /// A hub as the step finds it. It is closed when this returns, so one file holds it.
    private func prepare(_ step: FailingStep, in directory: TemporaryDirectory) async throws {
        let hub = try TestHub(directory: directory)
        _ = try await hub.ledger.append(by: .hub) { _ in [TestHub.opening] }
        try await step.prepare(hub)
    }

    @Test(arguments: FailingDisk.Way.allCases)
    func aHubIsMadeWhicheverWriteFails(way: FailingDisk.Way) async throws {
        try #require(FailingDisk.install())
        var failures = 0
        for number in 1...500 {
            let directory = try TemporaryDirectory()
            let disk = FailingDisk(directory.path, write: number, way)
            let make = { @Sendable () async throws in
                let hub = try TestHub(directory: directory)
                _ = try await hub.ledger.append(by: .hub) { registry in
                    try registry.size() == 0 ? [TestHub.opening] : []
                }
            }
            let answer = await failureCode { try await make() }
            let hasFailed = disk.heal()
            try await make()
            let hub = try TestHub(directory: directory)
            #expect(hub.ledger.snapshot.size == 1, "write \(number)")
            #expect(try hub.verify().problems == [], "write \(number)")
            guard hasFailed else {
                #expect(answer == "none")
                break
            }
            failures += 1
        }
        #expect(failures >= 3 && failures < 500)
    }

    @Test(arguments: FailingDisk.Way.allCases)
    func aReportIsTakenWholeOrNotAtAll(way: FailingDisk.Way) async throws {
        let report = Report(
            journal: "j1", sequence: 7, applied: nil, refused: nil, servers: [],
            usage: [
                UsageCounter(
                    day: "2026-09-21", rule: "finance/r", principal: "zone:analytics", caller: "c",
                    server: "finance/ledger", capability: "tool:read", count: 3, last: TestHub.start)
            ],
            decisions: (1...6).map {
                DecisionRecord(
                    number: $0, at: TestHub.start, caller: "c", address: nil, server: "finance/ledger",
                    aim: "tool:read", verdict: .allow)
            }, checkpoint: nil, listener: nil, since: TestHub.start, at: TestHub.start)
        try #require(FailingDisk.install())
        var failures = 0
        for number in 1...500 {
            let directory = try TemporaryDirectory()
            let store = try UsageStore(directory: directory.path)
            let disk = FailingDisk(directory.path, write: number, way)
            let merge = { @Sendable () async throws in
                #expect(try await store.merge(report, spoke: "finance/fin-1", now: TestHub.start) == 7)
            }
            let answer = await failureCode { try await merge() }
            let hasFailed = disk.heal()
            let held = try await store.decisions(DecisionFilter(), limit: 100).count
            #expect([0, 6].contains(held), "write \(number)")
            if answer == "none" { #expect(held == 6) }
            try await merge()
            let again = try UsageStore(directory: directory.path)
            #expect(try await again.decisions(DecisionFilter(), limit: 100).count == 6, "write \(number)")
            guard hasFailed else {
                #expect(answer == "none")
                break
            }
            failures += 1
        }
        #expect(failures >= 3 && failures < 500)
    }

    @Test func aFullDiskIsCalledByItsName() async throws {
        try #require(FailingDisk.install())
        let hub = try await TestHub.opened()
        let disk = FailingDisk(hub.directory.path, write: 1, .full)
        #expect(await failureCode { try await Self.apply(hub) } == "disk-full")
        // Reading goes on.
        #expect(try await hub.ledger.read { try $0.size() } == 1)
        #expect(disk.heal())
        try await Self.apply(hub)
        #expect(hub.ledger.snapshot.size == 16)
    }

    private static func size(_ hub: TestHub) throws -> Int64 { hub.ledger.snapshot.size }

    /// Database and log as they lie on the disk now, opened as after a crash.
    private static func copy(_ directory: TemporaryDirectory) throws -> TestHub {
        let target = try TemporaryDirectory()
        for name in [HubDatabase.fileName, "\(HubDatabase.fileName)-wal"]
        where FileManager.default.fileExists(atPath: directory.file(name)) {
            try FileManager.default.copyItem(atPath: directory.file(name), toPath: target.file(name))
        }
        return try TestHub(directory: target)
    }
}
