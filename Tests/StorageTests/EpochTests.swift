import GRDB
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct EpochTests {
    private static let next = "corp.example/nave/2"
    private let fresh: PrivateKey

    init() throws { fresh = try PrivateKey(ed25519Seed: [UInt8](repeating: 8, count: 32)) }

    private func hub() async throws -> TestHub {
        let hub = try await TestHub.opened()
        let invitations = ["spent", "out"].map { name in
            Event.invitationCreated(
                Invitation(
                    id: "in-\(name)", kind: .client, zone: "finance", name: name,
                    secretHash: digestText(of: Array(name.utf8)), expires: TestHub.start + .days(1)))
        }
        _ = try await hub.ledger.append(by: .hub) { _ in invitations }
        _ = try await hub.ledger.append(by: .hub) { _ in
            [
                .certificateIssued(
                    CertificateIssued(
                        identity: try SPIFFEID("spiffe://finance.corp.example/client/spent"), serial: "0a",
                        notBefore: TestHub.start, notAfter: TestHub.start + .days(7), key: digestText(of: [2]),
                        certificate: "MAA=", invitation: "in-spent"))
            ]
        }
        return hub
    }

    private func opened(
        _ hub: TestHub, epoch: Int64 = 2, size: Int64? = nil, root: String? = nil
    ) throws -> TrustManifest.Start {
        let extent = try DatabaseCopy.extent(of: hub.directory.path)
        let start = TrustManifest.Start(size: size ?? extent.size, root: root ?? digestText(extent.root))
        let event = Event.epochOpened(
            EpochOpened(epoch: epoch, origin: Self.next, size: start.size, root: start.root))
        let range = try hub.database.openEpoch(
            by: .hub, why: "lost", now: TestHub.start, random: { try randomBytes($0) }
        ) { _ in [event] }
        #expect(range.lowerBound == extent.size)
        return start
    }

    private func continued(_ hub: TestHub, origin: String = next) throws -> Ledger {
        try Ledger(
            database: hub.database, signer: fresh, origin: origin, now: { TestHub.start },
            random: { try randomBytes($0) })
    }

    private func verify(_ hub: TestHub, _ start: TrustManifest.Start) throws -> [VerificationReport.Problem] {
        try hub.verify(
            keys: [hub.key.publicKey],
            later: [LedgerEpoch(origin: Self.next, start: start, keys: [fresh.publicKey])]
        ).problems
    }

    @Test func theLedgerGoesOnUnderTheNextOriginAndTheNextKey() async throws {
        let hub = try await hub()
        let start = try opened(hub)
        let ledger = try continued(hub)
        let note = ledger.snapshot.checkpoint
        let head = try Checkpoint.verified(note: note, origin: Self.next, keys: [fresh.publicKey])
        #expect(head.size == start.size + 1)
        #expect(ledger.snapshot.state.origin == Self.next)
        // The origin stands in every bundle, so each is a new one.
        #expect(ledger.snapshot.state.changes["organization"] == start.size)
        // What is out may have been spent in what was lost.
        #expect(ledger.snapshot.invitations.isEmpty)
        _ = try await ledger.append(by: .hub) { _ in [.certificateRevoked(CertificateRevoked(serial: "0b"))] }
        #expect(try verify(hub, start) == [])
        // Neither name of before, nor key.
        #expect(await failureCode { _ = try continued(hub, origin: TestHub.origin) } == "other-origin")
        #expect(try hub.verify().problems.contains { $0.table == "ledger" })
        let swapped = try hub.verify(
            keys: [fresh.publicKey],
            later: [LedgerEpoch(origin: Self.next, start: start, keys: [hub.key.publicKey])])
        #expect(swapped.problems.filter { $0.table == "checkpoints" }.count >= 2, "\(swapped.problems)")
    }

    @Test func anotherEpochOrSizeIsNotAppended() async throws {
        let hub = try await hub()
        let size = hub.ledger.snapshot.size
        #expect(await failureCode { _ = try opened(hub, epoch: 3) } == "conflict")
        #expect(await failureCode { _ = try opened(hub, epoch: 1) } == "conflict")
        #expect(await failureCode { _ = try opened(hub, size: size - 1) } == "conflict")
        #expect(try DatabaseCopy.extent(of: hub.directory.path).size == size)
        #expect(try hub.verify().problems == [])
        _ = try opened(hub)
        #expect(await failureCode { _ = try opened(hub) } == "conflict")
    }

    @Test func anEpochThatGoesOnFromAnotherTreeIsNamed() async throws {
        let hub = try await hub()
        let start = try opened(hub, root: digestText(of: [1]))
        _ = try continued(hub)
        #expect(try verify(hub, start).contains { $0.table == "ledger" && $0.row == "\(start.size)" })
    }

    @Test func whatTheManifestSaysIsHeldAgainstTheLedger() async throws {
        let hub = try await hub()
        let extent = try DatabaseCopy.extent(of: hub.directory.path)
        let start = TrustManifest.Start(size: extent.size, root: digestText(extent.root))
        // Not begun.
        #expect(try verify(hub, start).contains { $0.table == "epochs" && $0.row == Self.next })
        _ = try opened(hub)
        _ = try continued(hub)
        // Begun elsewhere.
        #expect(
            try verify(hub, TrustManifest.Start(size: start.size - 1, root: start.root)).contains {
                $0.table == "ledger"
            })
        try hub.sql("UPDATE epochs SET origin = 'corp.example/nave/9'")
        #expect(try verify(hub, start).contains { $0.table == "epochs" && $0.row == "2" })
    }

    @Test(arguments: FailingDisk.Way.allCases)
    func whicheverWriteFailsItIsOpenOrNot(way: FailingDisk.Way) async throws {
        try #require(FailingDisk.install())
        var failures = 0
        for number in 1...200 {
            let hub = try await hub()
            let extent = try DatabaseCopy.extent(of: hub.directory.path)
            let start = TrustManifest.Start(size: extent.size, root: digestText(extent.root))
            let disk = FailingDisk(hub.directory.path, write: number, way)
            let answer = await failureCode { _ = try opened(hub) }
            let hasFailed = disk.heal()
            let isOpen = try DatabaseCopy.extent(of: hub.directory.path).size == start.size + 1
            #expect(isOpen || answer != "none", "write \(number): answered and lost")
            if !isOpen {
                #expect(try hub.verify().problems == [], "write \(number)")
                _ = try opened(hub)
            }
            // The note is made by whoever opens the ledger next.
            #expect(try verify(hub, start) == [], "write \(number)")
            #expect(try continued(hub).snapshot.size == start.size + 1)
            #expect(try verify(hub, start) == [], "write \(number)")
            guard hasFailed else { break }
            failures += 1
        }
        #expect((3..<200).contains(failures), "\(failures)")
    }
}
