import Foundation
import Model
import Trust

/// `nave-hub root init`: a root that signs itself, or one that a corporate CA is asked to sign.
package struct RootCreation: Sendable {
    private let root: OfflineRoot
    private let organization: String
    /// Of a key in a token; nil for one in a file.
    private let keyURI: String?

    /// - Parameters:
    ///   - path: Directory to make.
    ///   - passphrase: Of the key; nil writes it in clear.
    ///   - keyURI: `pkcs11:…`, a key that its operator made in a token.
    /// - Throws: `bad-organization`, `bad-directory`, `bad-token-uri`.
    package init(path: String, organization: String, passphrase: [UInt8]?, keyURI: String?) throws {
        guard isDomainName(organization), isDomainName("h1.hub.\(organization)") else {
            throw HubError(
                .invalid, "bad-organization", "\(quoted(organization)) is not a domain", hint: "as `corp.example`")
        }
        root = OfflineRoot(try Self.trimmed(path), passphrase: passphrase)
        self.organization = organization
        if let keyURI { try PrivateKey.check(uri: keyURI) }
        self.keyURI = keyURI
    }

    private static func trimmed(_ path: String) throws -> String {
        let path = withoutTrailingSlash(path)
        guard !path.isEmpty else { throw HubError(.invalid, "bad-directory", "the root's directory has no name") }
        return path
    }

    /// Makes a root that signs itself, wholly or not at all.
    /// - Throws: `not-empty`, `not-writable`, `disk-full`, and what opening a key of a token throws.
    package func make(now: Instant) throws -> RootView {
        try place { draft, key in
            let made = try CertificateAuthority.makeRoot(
                organization: organization, name: name, key: key, isConstrained: true, serial: try randomBytes(16),
                now: now)
            try PrivateFile.create(draft.file("root.pem"), Array(made.certificate.pem.utf8))
        }
        return try RootView(of: root)
    }

    /// Makes the key of a root that waits for its certificate, and a request for it. Given again, it is the same key.
    /// - Parameter file: For the request; it must not exist.
    /// - Throws: As `make`, and `exists`, `other-organization`.
    package func request(to file: String, now: Instant) throws {
        guard !FileManager.default.fileExists(atPath: file) else {
            throw HubError(.conflict, "exists", "\(quoted(file)) exists", hint: "name a new file for the request")
        }
        if FileManager.default.fileExists(atPath: root.file("root.json")) {
            try Self.demand(organization, of: root)
            guard !root.hasCertificate else {
                throw HubError(
                    .conflict, "exists", "the root in \(quoted(root.path)) has its certificate",
                    hint: "`nave-hub root show` shows it; another root needs another directory")
            }
        } else {
            try place { _, _ in }
        }
        // If the process dies here: a root that waits, whose request the same command makes again.
        let request = try CertificateAuthority.requestRoot(
            organization: organization, name: name, key: try root.keyFile.read(), serial: try randomBytes(16), now: now)
        try PrivateFile.create(file, Array(request.utf8))
    }

    /// Takes what the corporate CA sent back.
    /// - Parameters:
    ///   - organization: Nil for the one that the root was made for.
    ///   - file: One certificate, PEM.
    /// - Throws: `not-a-root`, `other-organization`, `exists`, and what `RootRules` say.
    package static func complete(
        path: String, organization: String?, passphrase: [UInt8]?, certificate file: String, now: Instant
    ) throws -> RootView {
        let root = OfflineRoot(try trimmed(path), passphrase: passphrase)
        if let organization { try demand(organization, of: root) }
        let certificate = try PEMFile.certificate(file)
        try RootRules(
            certificate: certificate, organization: try root.settings().organization,
            key: try root.keyFile.read().publicKey, now: now
        ).judge()
        if root.hasCertificate {
            guard try root.certificate() == certificate else {
                throw HubError(
                    .conflict, "exists", "the root in \(quoted(path)) has another certificate",
                    hint: "a root keeps its certificate; another root needs another directory")
            }
        } else {
            try PrivateFile.replace(root.file("root.pem"), Array(certificate.pem.utf8))
        }
        return try RootView(of: root)
    }

    private var name: String { "\(organization) root 1" }

    private static func demand(_ organization: String, of root: OfflineRoot) throws {
        let known = try root.settings().organization
        guard known == organization else {
            throw HubError(
                .conflict, "other-organization", "\(quoted(root.path)) holds the root of \(quoted(known))",
                hint: "another organization's root needs another directory")
        }
    }

    /// Makes everything in a sibling of the directory, which then gets its name.
    private func place(_ fill: (OfflineRoot, PrivateKey) throws -> Void) throws {
        umask(0o077)
        try PrivateFile.demandEmpty(root.path, hint: "init makes a new root and never touches one that is there")
        try PrivateFile.makeWhole(root.path, suffix: "init") { path in
            let draft = OfflineRoot(path, passphrase: root.keyFile.passphrase)
            let key = try keep(in: draft)
            try fill(draft, key)
            try PrivateFile.create(
                draft.file("root.json"), try JSONCoding.canonical(OfflineRoot.Settings(organization: organization)))
        }
    }

    private func keep(in draft: OfflineRoot) throws -> PrivateKey {
        if let keyURI {
            try draft.keyFile.keep(uri: keyURI)
            return try draft.keyFile.read()
        }
        let key = try PrivateKey.generateP256()
        try draft.keyFile.keep(key)
        return key
    }
}
