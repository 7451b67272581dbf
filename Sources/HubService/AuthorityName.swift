import Foundation
import Model
import Trust

/// `root`, `organization`, or a zone's name, which is never one of those.
package struct AuthorityName: Hashable, Sendable {
    package static let root = "root"
    package static let organization = "organization"

    package let text: String

    init(_ text: String) { self.text = text }

    init(ofDomain domain: String, _ organization: String) {
        text = domain == organization ? Self.organization : String(domain.dropLast(organization.count + 1))
    }

    var isRoot: Bool { text == Self.root }
    var isZone: Bool { text != Self.root && text != Self.organization }

    /// Whose owner decides; nil for the organization's.
    var zone: String? { isZone ? text : nil }

    /// The trust domain that an intermediate of that name signs for.
    func domain(_ organization: String) -> String { isZone ? "\(text).\(organization)" : organization }

    /// Below `keys/`, without an extension.
    var file: String { isZone ? "zones/\(text)" : text }
}

/// Keys of authorities: `keys/NAME` is in use, `keys/NAME.next` was made for one that is not active yet (`KeyFile`).
extension HubDirectory {
    private func next(_ name: AuthorityName) -> KeyFile { keyFile("\(name.file).next") }

    func hasNextKey(_ name: AuthorityName) -> Bool { next(name).exists }

    /// Nil where there is none.
    func certificate(_ name: AuthorityName) throws -> Certificate? {
        guard FileManager.default.fileExists(atPath: file("keys/\(name.file).pem")) else { return nil }
        return try certificate(name.file)
    }

    /// The key that waits, or a new one, stored before anybody hears of it. In a token it is the one labelled `NAME.2`, then
    /// `NAME.3`, which no zone is called.
    /// - Throws: `no-such-key`, and what else opening a key of a token throws.
    func nextKey(_ name: AuthorityName) throws -> PrivateKey {
        if hasNextKey(name) { return try next(name).read() }
        return try newAuthorityKey(
            "\(name.file).next", object: keyFile(name.file).object.map(Self.label(after:)) ?? name.text)
    }

    /// `finance.2` after `finance`, `finance.3` after that.
    private static func label(after label: String) -> String {
        guard let dot = label.lastIndex(of: "."), let number = Int(label[label.index(after: dot)...]), number > 1,
            number < .max
        else { return "\(label).2" }
        return "\(label[..<dot]).\(number + 1)"
    }

    /// - Throws: `not-writable`.
    func dropNextKey(_ name: AuthorityName) throws { try next(name).remove() }

    /// The key of the certificate that is in use. One that waited for that takes the place of the one before, which is then
    /// gone; a process that dies between the two steps finds both done or does them at its next start.
    /// - Returns: Nil where neither key is the certificate's, as with a root that lies elsewhere.
    func takeOver(_ name: AuthorityName, _ certificate: Certificate) throws -> PrivateKey? {
        guard let held = try heldKey(name, of: certificate) else {
            // Of a root that lies elsewhere there is the certificate only.
            if name.isRoot { try keepCopy(of: certificate, name) }
            return nil
        }
        if held.isNext { try next(name).replace(keyFile(name.file)) }
        try keepCopy(of: certificate, name)
        return held.key
    }

    /// The key of a certificate: the one in use, or the one that waits for its turn. Changes nothing.
    func heldKey(_ name: AuthorityName, of certificate: Certificate) throws -> (key: PrivateKey, isNext: Bool)? {
        for (file, isNext) in [(keyFile(name.file), false), (next(name), true)] where file.exists {
            let key = try file.read()
            if key.publicKey == certificate.publicKey { return (key, isNext) }
        }
        return nil
    }

    /// Forgets the key in use where it is that of one of those certificates.
    /// - Throws: `not-writable`, and what `KeyFile.read` throws.
    func dropKey(_ name: AuthorityName, ofAnyOf certificates: [Certificate]) throws {
        let present = keyFile(name.file)
        guard present.exists else { return }
        let key = try present.read().publicKey
        if certificates.contains(where: { $0.publicKey == key }) { try present.remove() }
    }

    private func keepCopy(of certificate: Certificate, _ name: AuthorityName) throws {
        if try self.certificate(name) != certificate { try keep(certificate, as: name.file) }
    }
}
