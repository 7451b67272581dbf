import Foundation
import Model
import Trust

/// Bundles that were in force, each as its signed envelope in `bundles/HEX.json`, so that a decision that names one can be replayed.
package struct BundleStore: Sendable {
    /// The oldest go first. A spoke gets a bundle for each change that concerns it.
    static let maximumCount = 200
    static let maximumBytes = 64 << 20

    package struct Kept: Hashable, Sendable, Encodable {
        /// `sha256:…`
        package var digest: String
        package var revision: Int64
        package var since: Instant
        package var bytes: Int
    }

    private let directory: String

    package init(directory: String) { self.directory = directory }

    private func path(_ digest: String) -> String { directory + "/" + digest.dropFirst("sha256:".count) + ".json" }

    /// Called before a bundle comes into force: no decision names one that was never kept.
    /// - Parameter delivery: JSON of the `Delivery` that was verified.
    /// - Throws: `not-writable`, and what reading the delivery throws.
    func keep(_ delivery: [UInt8], digest: String) throws {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw SpokeError.system("not-writable", "cannot make the directory `\(directory)`", errno)
        }
        guard access(path(digest), F_OK) != 0 else { return }
        let envelope = try JSONCoding.decode(Delivery.self, from: delivery).bundle
        try DurableFile.write(envelope.canonicalBytes, to: path(digest))
        // If we die here there is one too many, until the next one.
        try prune(sparing: digest)
    }

    private func prune(sparing digest: String) throws {
        var files = try list().sorted { ($0.since, $0.digest) > ($1.since, $1.digest) }
        files.removeAll { $0.digest == digest }
        var bytes = 0
        for (number, file) in files.enumerated() {
            bytes += file.bytes
            guard number + 1 >= Self.maximumCount || bytes > Self.maximumBytes else { continue }
            try DurableFile.remove(path(file.digest))
        }
    }

    private func list() throws -> [(digest: String, since: Instant, bytes: Int)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".json") }.compactMap { name in
            let digest = "sha256:" + name.dropLast(5)
            var status = stat()
            guard isDigestText(digest), stat(path(digest), &status) == 0 else { return nil }
            let (time, part) = (Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec))
            return (digest, Instant(milliseconds: time * 1000 + part / 1_000_000), Int(status.st_size))
        }
    }

    /// Newest first.
    package func all() throws -> [Kept] {
        try list().sorted { $0.since > $1.since }.compactMap { file in
            guard let envelope = try export(file.digest),
                let bundle = try? JSONCoding.decode(
                    PolicyBundle.self, from: Base64.decode(DSSEEnvelope(parsing: envelope).payload) ?? [])
            else { return nil }
            return Kept(digest: file.digest, revision: bundle.revision, since: file.since, bytes: file.bytes)
        }
    }

    /// The envelope of a bundle; nil when it is not kept.
    /// - Throws: `not-readable`; `bad-bundle` when the file is not what its name says.
    package func export(_ digest: String) throws -> [UInt8]? {
        guard isDigestText(digest), let bytes = try DurableFile.read(path(digest)) else { return nil }
        let payload = Base64.decode(try DSSEEnvelope(parsing: bytes).payload) ?? []
        guard digestText(of: payload) == digest else {
            throw SpokeError("bad-bundle", "`\(path(digest))` does not hold the bundle that its name says")
        }
        return bytes
    }
}
