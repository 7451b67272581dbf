import Foundation
import GRDB
import Model
import Storage
import TestSupport
import Trust

/// A hub's ledger in a directory of its own, opened, with a CA for its zone.
final class BenchLedger: Sendable {
    static let origin = "corp.example/nave/1"
    /// Spokes whose certificates are renewed again and again.
    static let spokes = 10_000

    let directory: TemporaryDirectory
    let signer: PrivateKey
    let ledger: Ledger

    private init(_ directory: TemporaryDirectory, _ signer: PrivateKey, _ ledger: Ledger) {
        self.directory = directory
        self.signer = signer
        self.ledger = ledger
    }

    static func opened() async throws -> BenchLedger {
        let directory = try TemporaryDirectory()
        let signer = try PrivateKey.generateEd25519()
        let ledger = try Ledger(
            database: try HubDatabase(directory: directory.path), signer: signer, origin: origin,
            now: { TestPKI.now }, random: { try randomBytes($0) })
        let opening = LedgerOpened(
            organization: "corp.example", epoch: 1, origin: origin, root: digestText(of: Array("root".utf8)))
        _ = try await ledger.append(by: .hub) { _ in [.ledgerOpened(opening)] }
        return BenchLedger(directory, signer, ledger)
    }

    static func identity(_ number: Int) throws -> SPIFFEID {
        try SPIFFEID("spiffe://finance.corp.example/spoke/fin-\(number % spokes)")
    }

    /// When it is issued: eight a millisecond, about as fast as the CA signs.
    static func time(of number: Int) -> Instant { TestPKI.now + Milliseconds(Int64(number / 8)) }

    /// What stands in the ledger of renewed certificates: most entries of a ledger are of them.
    static func renewals(_ numbers: Range<Int>, like certificate: Certificate) throws -> [Event] {
        let (key, der) = (certificate.publicKey.spkiDigest, Base64.encode(certificate.der))
        return try numbers.map { number in
            .certificateIssued(
                CertificateIssued(
                    identity: try identity(number),
                    serial: Hex.encode(try CertificateAuthority.dated(randomBytes(16), time(of: number))),
                    notBefore: certificate.notBefore,
                    notAfter: certificate.notAfter, key: key, certificate: der, invitation: nil))
        }
    }

    /// Appends that many entries, one a caller, by so many callers at once.
    func append(_ numbers: Range<Int>, callers: Int, _ make: @escaping @Sendable (Int) throws -> Event) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    for number in stride(from: numbers.lowerBound + caller, to: numbers.upperBound, by: callers) {
                        _ = try await self.ledger.append(by: .hub) { _ in [try make(number)] }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
