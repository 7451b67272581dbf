import Foundation
import GRDB
import Model
import Storage
import TestSupport
import Trust

/// What the ledger costs above SQLite, and an issued certificate with it.
enum LedgerFigures {
    private static let rounds = 5
    /// As the ledger groups them at most.
    private static let group = 1024

    static func measure(_ tell: (String) -> Void) async throws -> [Figure] {
        let hub = try await BenchLedger.opened()
        let pki = try TestPKI()
        guard let authority = pki.intermediates["finance.corp.example"] else { return [] }
        let key = try PrivateKey.generateP256().publicKey
        let sample = try pki.spoke("finance", "fin-1").leaf

        var issued = Rounds()
        var appended = Rounds()
        for round in 0..<rounds {
            tell("issued and committed, round \(round + 1) of \(rounds)")
            let count = 10_000
            let start = round * count
            let spent = try await Figure.Clock.processor.time {
                try await hub.append(start..<start + count, callers: 2048) { number in
                    let id = try BenchLedger.identity(number)
                    let template = CertificateTemplate(
                        kind: .spoke, id: id, dns: "\(id.name).\(id.trustDomain)", publicKey: key, validity: .days(7),
                        serial: try randomBytes(16))
                    let leaf = try authority.issueLeaf(template, now: BenchLedger.time(of: number))
                    return .certificateIssued(
                        CertificateIssued(
                            identity: id, serial: leaf.serial, notBefore: leaf.notBefore, notAfter: leaf.notAfter,
                            key: leaf.publicKey.spkiDigest, certificate: Base64.encode(leaf.der), invitation: nil))
                }
            }
            issued.add(Double(count) / spent, peer: try OpenSSLSpeed.signatures())
        }
        let plain = try PlainInserts()
        for round in 0..<rounds {
            tell("appends and plain inserts, round \(round + 1) of \(rounds)")
            let count = 32 * group
            // What is to be decided is there; writing it down is the figure.
            let start = round * count
            let events = try BenchLedger.renewals(start..<start + count, like: sample)
            let spent = try await Figure.Clock.processor.time {
                try await hub.append(start..<start + count, callers: 4 * group) { events[$0 - start] }
            }
            let bytes = try await hub.ledger.leaves(from: 1, limit: group, size: Int64(group) + 1).map(\.bytes)
            let peer = try await Figure.Clock.processor.time { try plain.insert(bytes, groups: count / group) }
            appended.add(Double(count) / spent, peer: Double(count) / peer)
        }
        return [
            Figure(
                name: "leaf-issued-and-committed", value: issued.value, unit: "1/s", clock: .processor,
                peer: (OpenSSLSpeed.name, issued.peer), ratio: issued.ratio, target: .ratioAtLeast(0.08)),
            Figure(
                name: "entries-appended", value: appended.value, unit: "1/s", clock: .processor,
                peer: ("plain inserts of the same bytes into SQLite, same groups", appended.peer),
                ratio: appended.ratio, target: .ratioAtLeast(0.25, value: 40_000)),
        ]
    }
}

/// The same bytes into one table of SQLite, as fast as its documentation has it: one prepared statement, one transaction a
/// group, the same settings as the hub's file.
private struct PlainInserts {
    private let directory: TemporaryDirectory
    private let pool: DatabasePool

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = Configuration()
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
        pool = try DatabasePool(path: directory.file("plain.sqlite"), configuration: configuration)
        try pool.write { db in
            try db.execute(sql: "CREATE TABLE entries (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT")
        }
    }

    func insert(_ entries: [[UInt8]], groups: Int) throws {
        let values = entries.map { Data($0) }
        for _ in 0..<groups {
            try pool.write { db in
                let insert = try db.cachedStatement(sql: "INSERT INTO entries (bytes) VALUES (?)")
                for value in values { try insert.execute(arguments: [value]) }
            }
        }
    }
}
