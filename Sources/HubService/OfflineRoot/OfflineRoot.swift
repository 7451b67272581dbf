import Foundation
import Model
import Trust

/// A root in a directory of its own, for a machine that is not the hub.
///
/// ```
/// root.json      its organization
/// root.key       the key; or root.uri, which names it in a token
/// root.pem       the certificate; not there while a corporate CA is asked for it
/// signed.jsonl   a line for each certificate that it signed
/// ```
package struct OfflineRoot: Sendable {
    package struct Settings: Hashable, Sendable, Codable {
        package var v: Int64
        /// `corp.example`
        package var organization: String

        package init(organization: String) {
            v = 1
            self.organization = organization
        }
    }

    /// What the root signed once. A line stands before the certificate leaves.
    package struct SignedLine: Hashable, Sendable, Codable {
        package enum Kind: String, Sendable, Codable { case cross }

        /// Absent for an intermediate.
        package var kind: Kind?
        package var serial: String
        package var domain: String
        /// `sha256:…` of the key that was certified.
        package var key: String
        package var at: Instant
    }

    package let path: String
    private let passphrase: [UInt8]?

    package init(_ path: String, passphrase: [UInt8]? = nil) {
        self.path = path
        self.passphrase = passphrase
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    var keyFile: KeyFile { KeyFile(path: file("root"), passphrase: passphrase) }

    /// - Throws: `not-a-root`, and what the file's decoder says.
    package func settings() throws -> Settings {
        guard FileManager.default.fileExists(atPath: file("root.json")) else {
            throw HubError(
                .notFound, "not-a-root", "\(quoted(path)) holds no root",
                hint: "make one: nave-hub root init --dir \(path) --organization corp.example")
        }
        return try JSONCoding.decode(Settings.self, from: try PrivateFile.read(file("root.json")))
    }

    /// False while the certificate is not there.
    package var hasCertificate: Bool { FileManager.default.fileExists(atPath: file("root.pem")) }

    /// - Throws: `not-a-root`, `root-waiting`.
    package func certificate() throws -> Certificate {
        _ = try settings()
        guard hasCertificate else {
            throw HubError(
                .conflict, "root-waiting", "the root in \(quoted(path)) waits for its certificate",
                hint: "when the corporate CA has signed: nave-hub root init --dir \(path) --certificate FILE")
        }
        return try Certificate(pem: try PrivateFile.readText(file("root.pem")))
    }

    /// - Throws: As `certificate`, and what opening the key throws.
    func authority() throws -> CertificateAuthority {
        try CertificateAuthority(certificate: try certificate(), key: try keyFile.read())
    }

    func log(_ line: SignedLine) throws {
        try PrivateFile.append(line: try JSONCoding.canonical(line), to: file("signed.jsonl"))
    }

    /// One key, one certificate: whoever ends a CA by its certificate has to know every one.
    /// - Parameter isMeant: The first one was lost, or is to be followed.
    /// - Throws: `already-signed`, and as `signed`.
    func demandUnsigned(_ key: PublicKey, unless isMeant: Bool) throws {
        guard !isMeant, let line = try signed().last(where: { $0.key == key.spkiDigest }) else { return }
        throw HubError(
            .conflict, "already-signed",
            "this root certified the key \(line.key) at \(line.at), for \(quoted(line.domain)), serial \(line.serial)",
            hint: "use that certificate; if it was lost, and only then: --again")
    }

    /// Oldest first. A line that a process left half written lacks its closing brace: it says nothing of a certificate that left,
    /// and is passed over. Any other that cannot be read may name a key that was certified.
    /// - Throws: `bad-line`, `too-large`, `not-readable`.
    package func signed() throws -> [SignedLine] {
        let file = file("signed.jsonl")
        guard FileManager.default.fileExists(atPath: file) else { return [] }
        let lines = try PrivateFile.read(file, maximumBytes: 64 << 20).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return try lines.enumerated().filter { $1.last == UInt8(ascii: "}") }.map { index, line in
            do throws(ModelError) { return try JSONCoding.decode(SignedLine.self, from: Array(line)) } catch {
                throw HubError(
                    .broken, "bad-line", "line \(index + 1) of \(quoted(file)) cannot be read: \(error.message)",
                    hint: "a newer program may have written it; see what it names before the root signs again")
            }
        }
    }
}

/// `nave-hub root show`.
package struct RootView: Sendable {
    private let settings: OfflineRoot.Settings
    private let path: String
    /// Nil while it is waited for.
    private let certificate: Certificate?
    private let signed: [OfflineRoot.SignedLine]

    /// Opens no key.
    /// - Throws: `not-a-root`, and as `OfflineRoot.signed`.
    package init(of root: OfflineRoot) throws {
        settings = try root.settings()
        path = root.path
        certificate = root.hasCertificate ? try root.certificate() : nil
        signed = try root.signed()
    }

    /// For people.
    package var text: String {
        var lines = ["root of \(settings.organization) in \(path)"]
        if let certificate {
            let isOwn = certificate.isIssued(by: certificate)
            lines.append("key:       \(certificate.publicKey.spkiDigest)")
            lines.append("valid:     \(certificate.notBefore) to \(certificate.notAfter)")
            lines.append("signed by: \(isOwn ? "itself" : certificate.issuer)")
        } else {
            lines.append("waits for its certificate")
        }
        lines.append("certificates signed: \(signed.count)")
        for line in signed {
            let kind = line.kind.map { "  \($0.rawValue)" } ?? ""
            lines.append("  \(line.at)  \(line.domain)\(kind)  serial \(line.serial)  key \(line.key)")
        }
        return lines.joined(separator: "\n")
    }

    /// For programs.
    package func json() throws -> [UInt8] {
        JSON.object(
            JSONObject([
                ("organization", .string(settings.organization)),
                ("key", certificate.map { .string($0.publicKey.spkiDigest) } ?? .null),
                ("serial", certificate.map { .string($0.serial) } ?? .null),
                ("issuer", certificate.map { .string($0.issuer) } ?? .null),
                ("notAfter", certificate.map { .string($0.notAfter.description) } ?? .null),
                ("signed", .array(try signed.map { try JSONCoding.encode($0) })),
            ])
        ).canonicalBytes
    }
}
