import Foundation
import Model
import Storage
import Trust

/// `nave-hub recover-admin`: a new owner for an organization whose owners are locked out. It takes what is stronger than any
/// role: the hub's data directory with its keys, while no hub serves it. The ledger says so for ever, and every start and
/// `nave status` say it until the identity is revoked.
package struct AdminRecovery: Sendable {
    private let directory: HubDirectory
    private let adminContext: String

    package struct Outcome: Hashable, Sendable, Codable {
        package var identity: SPIFFEID
        /// Ledger index of the role's grant.
        package var index: Int64
        package var context: String

        /// For people.
        package var text: String {
            """
            \(identity) is owner, by ledger entry \(index)
            start the hub, then: nave status --context \(context)
            that entry is an alarm in `nave status` until the identity is revoked
            """
        }

        /// For programs.
        package func json() throws(ModelError) -> [UInt8] { try JSONCoding.canonical(self) }
    }

    /// - Parameter adminContext: File to make for the new owner's key and certificate.
    package init(data: String, adminContext: String, passphrase: [UInt8]? = nil) {
        directory = HubDirectory(data, passphrase: passphrase)
        self.adminContext = adminContext
    }

    /// - Throws: `not-a-hub`, `already-running`, `epoch-needed`, `exists`, `not-writable`, `disk-full`.
    package func run(now: @escaping @Sendable () -> Instant) async throws -> Outcome {
        umask(0o077)
        let lock = try DirectoryLock(directory)
        defer { lock.release() }
        let settings = try directory.settings()
        let database = try HubDatabase(directory: directory.path)
        let chain = try ManifestChain(try database.manifests())
        try EpochNeed.demandMet(by: chain.newest, in: directory)
        let ledger = try Ledger(
            database: database, signer: try OnlineKeys(of: chain.newest, in: directory).checkpoint,
            origin: chain.newest.origin, now: now, random: { try randomBytes($0) })
        let authority = try Authority(
            directory: directory, organization: settings.organization, records: ledger.snapshot.authorities)
        let owner = try NewOwner(under: authority, now: now())
        try PrivateFile.create(adminContext, try owner.context(settings, manifest: chain.newestEnvelope))
        // If the process dies here: a context of somebody who has no role. The file can go, and the command be given again.
        do {
            let receipt = try await ledger.append(by: .recoverAdmin) { _ in owner.events }
            guard let receipt else { throw HubError(.broken, "internal", "the ledger took no entry") }
            return Outcome(identity: owner.identity, index: receipt.first, context: adminContext)
        } catch {
            unlink(adminContext)
            throw error
        }
    }
}

extension HubLedger {
    package func recoveredOwners() async throws -> [RecoveredOwner] { try await read { try $0.recoveredOwners() } }
}

extension RecoveredOwner {
    /// One line for people.
    var alarm: String { "\(identity) became owner by recover-admin at \(at), ledger entry \(index)" }
}
