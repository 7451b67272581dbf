import Foundation
import Model
import Storage
import Trust

/// `epoch.json`: what `restore` leaves where entries were lost, so that nobody appends to an epoch that spokes know to be
/// longer. It counts as long as the ledger is in that epoch.
struct EpochNeed: Hashable, Sendable, Codable {
    static let fileName = "epoch.json"

    var v: Int64 = 1
    /// Of the epoch that must not be continued here.
    var origin: String
    /// Why, for people.
    var reason: String

    /// - Throws: `not-writable`, `disk-full`.
    func keep(in directory: HubDirectory) throws {
        try PrivateFile.create(directory.file(Self.fileName), try JSONCoding.canonical(self))
    }

    static func isNoted(in directory: HubDirectory) -> Bool {
        FileManager.default.fileExists(atPath: directory.file(fileName))
    }

    /// - Parameter newest: The newest version in the ledger.
    /// - Throws: `epoch-needed`.
    static func demandMet(by newest: TrustManifest, in directory: HubDirectory) throws {
        guard isNoted(in: directory) else { return }
        let need = try JSONCoding.decode(Self.self, from: try PrivateFile.read(directory.file(fileName)))
        guard need.origin == newest.origin else { return try dismiss(in: directory) }
        throw HubError(
            .conflict, "epoch-needed",
            "the hub in \(quoted(directory.path)) was restored and must not go on with \(quoted(need.origin)): "
                + need.reason,
            hint: steps(directory.path).joined(separator: "; then "))
    }

    /// The epoch was opened.
    static func dismiss(in directory: HubDirectory) throws {
        let path = directory.file(fileName)
        guard unlink(path) == 0 || errno == ENOENT else {
            throw HubError(.unavailable, "not-writable", "cannot remove \(quoted(path)): \(PrivateFile.reason())")
        }
        PrivateFile.flushDirectory(of: path)
    }

    /// The commands that lead out, one a line.
    static func steps(_ data: String) -> [String] {
        [
            "nave-hub epoch prepare --data \(data) --out next.json",
            "nave trust sign next.json --key FILE, where the manifest keys are, by as many as have to sign",
            "nave-hub epoch open --data \(data) --manifest next.json --why REASON",
        ]
    }
}

extension HubDirectory {
    /// Every version of the trust manifest, also those that a restored ledger has not, if they are known here.
    /// - Throws: `other-manifest` when the copies beside the keys are of another hub.
    func longestChain() throws -> (chain: ManifestChain, inLedger: ManifestChain) {
        let inLedger = try ManifestChain(try HubDatabase.manifests(directory: path))
        guard let kept = try keptChain() else { return (inLedger, inLedger) }
        guard kept.agrees(with: inLedger) else {
            throw HubError(
                .broken, "other-manifest",
                "the trust manifests in \(quoted(file("manifests.json"))) are not the ledger's")
        }
        return (kept.newest.version > inLedger.newest.version ? kept : inLedger, inLedger)
    }
}
