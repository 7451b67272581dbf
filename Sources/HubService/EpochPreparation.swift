import Foundation
import Model
import Storage
import Trust

/// `nave-hub epoch prepare`: the version of the trust manifest that begins a new epoch with the ledger as it stands, for the
/// manifest keys to sign. Every key that the hub signs with is another one, so that nothing that the epoch before signs, by a
/// hub that was thought lost or by a thief, is believed again.
package struct EpochPreparation: Sendable {
    private let directory: HubDirectory
    private let target: String
    private let published: [String]
    private let validity: Milliseconds

    package struct Outcome: Hashable, Sendable, Encodable {
        private enum CodingKeys: String, CodingKey { case version, origin, size, root, file, threshold }

        package var version: Int64
        package var origin: String
        package var size: Int64
        package var root: String
        /// Where the version is.
        package var file: String
        package var data: String
        package var threshold: Int

        /// For people.
        package var text: String {
            """
            version \(version) of the trust manifest begins \(origin): the ledger goes on from \(size) entries,
            root \(root); what came after them is given up
            have \(threshold) of the manifest keys sign it, where they are kept:
              nave trust sign \(file) --key FILE
            then: nave-hub epoch open --data \(data) --manifest \(file) --why REASON
            """
        }

        /// For programs.
        package func json() throws(ModelError) -> [UInt8] { try JSONCoding.canonical(self) }
    }

    /// - Parameters:
    ///   - target: File to make.
    ///   - published: Signed versions that were in force and that neither ledger nor keys know, in order: files.
    ///   - validity: How long the version is good.
    /// - Throws: `bad-validity`.
    package init(
        data: String, target: String, published: [String] = [], validity: String? = nil, passphrase: [UInt8]? = nil
    ) throws {
        let span = validity.map { Milliseconds($0) } ?? ManifestService.standardValidity
        let validity = try ManifestService.demandValidity(span)
        directory = HubDirectory(data, passphrase: passphrase)
        self.target = target
        self.published = published
        self.validity = validity
    }

    /// Changes nothing that counts: keys that wait for their manifest, and copies of versions.
    /// - Throws: `not-a-hub`, `already-running`, `not-verified`, `authority-key-missing`, `exists`, and what `TrustManifest.verifyLinks` throws.
    package func run(now: Instant) throws -> Outcome {
        umask(0o077)
        let lock = try DirectoryLock(directory)
        defer { lock.release() }
        guard !FileManager.default.fileExists(atPath: target) else {
            throw HubError(
                .conflict, "exists", "\(quoted(target)) exists", hint: "it may bear signatures: name another file")
        }
        // What is signed now is believed for ever.
        try HubFiles.demandSound(directory, keys: directory)
        // Else the epoch would open, and nobody could start the hub.
        try Authority.demandOrganizationKey(
            in: directory, try HubDatabase.authorities(directory: directory.path))
        let extent = try DatabaseCopy.extent(of: directory.path)
        let chain = try chain()
        let start = TrustManifest.Start(size: extent.size, root: digestText(extent.root))
        var keys: [TrustRole: (keys: [PublicKey], threshold: Int)] = [:]
        for role in OnlineKeys.roles { keys[role] = ([try directory.nextKey(role).publicKey], 1) }
        let next = try chain.newest.successor(expires: now + validity, replacing: keys, opening: start)
        try PrivateFile.create(target, try next.unsigned.encoded)
        PrivateFile.flushDirectory(of: target)
        return Outcome(
            version: next.version, origin: next.origin, size: start.size, root: start.root, file: target,
            data: directory.path, threshold: next.roles.manifest.threshold)
    }

    /// The ledger's, extended by what else is known.
    private func chain() throws -> ManifestChain {
        var chain = try directory.longestChain().chain
        for file in published {
            let bytes = try PrivateFile.read(file)
            let envelope = try DSSEEnvelope(parsing: bytes)
            guard try TrustManifest.claimed(by: envelope).version > chain.newest.version else { continue }
            for manifest in try TrustManifest.verifyLinks([envelope], from: chain.newest) {
                chain = chain.appending(try JSONCoding.encode(envelope), manifest)
            }
        }
        if !published.isEmpty { try chain.keepCopy(in: directory) }
        return chain
    }
}
