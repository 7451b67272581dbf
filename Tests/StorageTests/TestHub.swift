import Model
@testable import Storage
import Synchronization
import TestSupport
import Trust

/// A ledger in a directory of its own, with a fixed key, and a clock of its own.
final class TestHub: Sendable {
    static let organization = "corp.example"
    static let origin = "corp.example/nave/1"
    static let start = Instant(milliseconds: 1_790_000_000_000)
    static let opening = Event.ledgerOpened(
        LedgerOpened(
            organization: organization, epoch: 1, origin: origin, root: "sha256:\(String(repeating: "0", count: 64))"))

    let directory: TemporaryDirectory
    let key: PrivateKey
    let database: HubDatabase
    let ledger: Ledger

    init(directory: TemporaryDirectory? = nil) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        key = try PrivateKey(ed25519Seed: [UInt8](repeating: 7, count: 32))
        database = try HubDatabase(directory: directory.path)
        let clock = Clock()
        ledger = try Ledger(
            database: database, signer: key, origin: Self.origin, now: { clock.tick() },
            random: { try randomBytes($0) })
    }

    /// A hub whose ledger is opened.
    static func opened() async throws -> TestHub {
        let hub = try TestHub()
        _ = try await hub.ledger.append(by: .hub) { _ in [opening] }
        return hub
    }

    /// The same directory in another process's place.
    func reopened() throws -> TestHub { try TestHub(directory: directory) }

    func verify() throws -> VerificationReport {
        try verify(keys: [key.publicKey])
    }

    /// With other keys, and epochs after the first one.
    func verify(keys: [PublicKey], later: [LedgerEpoch] = []) throws -> VerificationReport {
        try LedgerVerification.verify(
            directory: directory.path,
            epochs: [LedgerEpoch(origin: Self.origin, start: nil, keys: keys)] + later)
    }
}

/// Each reading is a second after the one before.
private final class Clock: Sendable {
    private let count = Mutex<Int64>(0)

    func tick() -> Instant {
        let seconds = count.withLock { value in
            value += 1
            return value
        }
        return TestHub.start + .seconds(seconds)
    }
}

/// The error's code, or what was no error of Nave.
func code(of error: (any Error)?) -> String {
    switch error {
    case nil: "none"
    case let error as any NaveError: error.code
    case let error?: "\(error)"
    }
}

/// The code of the error that the body throws; `none` when it throws none.
func failureCode(_ body: () async throws -> Void) async -> String {
    do {
        try await body()
        return "none"
    } catch { return code(of: error) }
}

extension Snapshot {
    /// Everything of it, comparable.
    var facts: [String] {
        get throws {
            [
                "\(size)", checkpoint, state.origin, "\(hasTopology)",
                String(decoding: try JSONCoding.canonical(state.topology), as: UTF8.self),
                "\(state.masks.sorted { $0.id < $1.id })", "\(state.pins.sorted { $0.key < $1.key })",
                "\(state.revokedSerials)", "\(state.retiredKeys)", "\(state.revokedIdentities)",
                "\(revocations == Revocations(state))", "\(authorities)",
                "\(state.changes.sorted { $0.key < $1.key })",
                "\(certificates.values.sorted { $0.identity.description < $1.identity.description })", "\(invitations)",
                "\(roles.map { "\($0.key) \($0.value.map(\.rawValue).sorted())" }.sorted())",
                "\(addresses.sorted { $0.key < $1.key })",
                "\(authors.sorted { ($0.key.kind.rawValue, $0.key.name) < ($1.key.kind.rawValue, $1.key.name) })",
                "\(reviews.values.map(Self.facts).sorted())", "\(publication.map { "\($0)" } ?? "none")",
            ]
        }
    }

    private static func facts(_ review: Review) -> String {
        let verdicts = review.verdicts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return "\(review.opened) \(review.openedAt) \(review.openedBy) \(review.state) \(verdicts)"
    }
}
