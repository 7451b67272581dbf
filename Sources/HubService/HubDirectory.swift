import Foundation
import Model
import Transport
import Trust

/// What `nave-hub init` decided and `serve` keeps to.
package struct HubSettings: Hashable, Sendable, Codable {
    package var v: Int64
    /// `corp.example`
    package var organization: String
    /// The DNS name of this hub's certificate: `h1.hub.corp.example`.
    package var name: String
    package var listen: HostPort
    package var front: HostPort
    /// The origin of the ledger's checkpoints in its first epoch; that of today is the trust manifest's.
    package var origin: String

    package init(organization: String, name: String, listen: HostPort, front: HostPort, origin: String) {
        v = 1
        self.organization = organization
        self.name = name
        self.listen = listen
        self.front = front
        self.origin = origin
    }

    /// `https://h1.hub.corp.example:8443`
    package var url: String { "https://\(name):\(listen.port)" }

    /// Where others dial: the listener itself, or the hub's name where it listens on every address.
    package var address: HostPort { reachable(listen) }
    package var frontAddress: HostPort { reachable(front) }

    /// `spiffe://corp.example/hub/h1`
    package func identity() throws(ModelError) -> SPIFFEID {
        try SPIFFEID(trustDomain: organization, path: ["hub", String(name.prefix { $0 != "." })])
    }

    private func reachable(_ listener: HostPort) -> HostPort {
        ["0.0.0.0", "::"].contains(listener.host) ? HostPort(host: name, port: listener.port) : listener
    }
}

/// The data directory of one hub.
///
/// ```
/// settings.json                           what init decided
/// manifest.json  manifests.json           copies of the newest signed trust manifest, and of all versions
/// epoch.json                              after a restore that lost entries, until a new epoch is opened
/// keys/          0700, files 0600         root, organization, zones/NAME: .pem, and .key or .uri (`KeyFile`); an offline
///                                         root has its .pem only; token.uri names the token that CA keys lie in
///                                         bundle.key lease.key checkpoint.key; *.next.* wait for their turn
/// hub.sqlite  usage.sqlite
/// ```
package struct HubDirectory: Hashable, Sendable {
    package let path: String

    /// Of the private keys; nil where they lie in clear.
    private let passphrase: [UInt8]?

    package init(_ path: String, passphrase: [UInt8]? = nil) {
        self.path = path
        self.passphrase = passphrase
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// - Throws: `not-a-hub`, `hub-waiting`, and what the file's decoder says.
    package func settings() throws -> HubSettings {
        guard FileManager.default.fileExists(atPath: file("settings.json")) else {
            if let pending = PendingHub(of: path) { throw pending.refusal }
            throw HubError(
                .notFound, "not-a-hub", "\(quoted(path)) holds no hub",
                hint: "make one: nave-hub init --data \(path) --organization corp.example")
        }
        return try JSONCoding.decode(HubSettings.self, from: try PrivateFile.read(file("settings.json")))
    }

    /// - Throws: What `KeyFile.read` throws.
    func key(_ name: String) throws -> PrivateKey { try keyFile(name).read() }

    func keyFile(_ name: String) -> KeyFile {
        KeyFile(path: file("keys/\(name)"), passphrase: passphrase)
    }

    /// Every version of the trust manifest that is known here, which may be more than a restored ledger holds.
    /// - Returns: Nil where only an older program kept copies.
    func keptChain() throws -> ManifestChain? {
        let path = file("manifests.json")
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let links = try JSONCoding.decode(ManifestLinks.self, from: try PrivateFile.read(path, maximumBytes: 64 << 20))
        return try ManifestChain(links.manifests.map(\.canonicalBytes))
    }

    /// The public half of the key that signs checkpoints, without any passphrase: as the trust manifest names it.
    func checkpointKey() throws -> PublicKey {
        let manifest = try TrustManifest(selfSigned: try PrivateFile.read(file("manifest.json")))
        let keys = manifest.keys(for: .checkpoint).keys
        guard let key = keys.values.first, keys.count == 1 else { return try key("checkpoint").publicKey }
        return key
    }

    func certificate(_ name: String) throws -> Certificate {
        try Certificate(pem: try PrivateFile.readText(file("keys/\(name).pem")))
    }

    /// Zones that have an intermediate.
    func zonesWithAuthority() throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: file("keys/zones"))
        return names.filter { $0.hasSuffix(".pem") }.map { String($0.dropLast(4)) }.filter(isLabel).sorted()
    }

    /// A key for a new CA: made and kept here; or, where init was given a token, found in it and only named here.
    /// - Parameter object: Its label in a token; nil for the last part of the name, `root`, `organization` or a zone's.
    /// - Throws: `no-such-key` and what else opening a key of a token throws.
    func newAuthorityKey(_ name: String, object: String? = nil) throws -> PrivateKey {
        guard FileManager.default.fileExists(atPath: file(Self.tokenFile)) else {
            let key = try PrivateKey.generateP256()
            try keep(key, as: name)
            return key
        }
        let token = try PrivateFile.readText(file(Self.tokenFile)).trimmingCharacters(in: .whitespacesAndNewlines)
        let object = object ?? name.split(separator: "/").last.map(String.init) ?? name
        let uri = try PrivateKey.uri(ofToken: token, object: object)
        let key: PrivateKey
        do { key = try PrivateKey(uri: uri) } catch {
            throw HubError(
                .conflict, error.code, error.message,
                hint: error.code == "no-such-key"
                    ? "make it in the token: pkcs11-tool --keypairgen --key-type EC:prime256v1 --label \(object)"
                    : error.hint)
        }
        try keyFile(name).keep(uri: uri)
        return key
    }

    /// Every CA's key lies in this token from now on.
    func useToken(_ uri: String) throws { try PrivateFile.replace(file(Self.tokenFile), Array("\(uri)\n".utf8)) }

    private static let tokenFile = "keys/token.uri"

    func keep(_ key: PrivateKey, as name: String) throws { try keyFile(name).keep(key) }

    func keep(_ certificate: Certificate, as name: String) throws {
        try PrivateFile.replace(file("keys/\(name).pem"), Array(certificate.pem.utf8))
    }
}

/// A directory's name that others can be made from.
func withoutTrailingSlash(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
}
