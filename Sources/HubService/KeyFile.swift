import Foundation
import Model
import Trust

/// One private key of a hub, or of a root that is kept apart from it. `NAME.key` holds it as PEM, encrypted where there is a
/// passphrase; or `NAME.uri` names it in a PKCS#11 token, where it was made, is used, and stays.
struct KeyFile {
    /// Without the ending.
    let path: String
    let passphrase: [UInt8]?

    private var pem: String { "\(path).key" }
    private var uri: String { "\(path).uri" }

    var exists: Bool { [pem, uri].contains { FileManager.default.fileExists(atPath: $0) } }

    /// - Throws: `two-keys`, `passphrase-missing`, `wrong-passphrase`, `key-not-encrypted`, `no-file`, what is wrong with the
    ///   file, and what opening a key of a token throws.
    func read() throws -> PrivateKey {
        guard FileManager.default.fileExists(atPath: uri) else { return try readPEM() }
        guard !FileManager.default.fileExists(atPath: pem) else {
            throw HubError(
                .conflict, "two-keys", "there is a key in \(quoted(pem)) and one named by \(quoted(uri))",
                hint: "remove the one that is not meant")
        }
        return try PrivateKey(uri: try PrivateFile.readText(uri).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private func readPEM() throws -> PrivateKey {
        let text = try PrivateFile.readText(pem)
        do {
            guard let passphrase else { return try PrivateKey(pem: text) }
            return try PrivateKey(pem: text, passphrase: passphrase)
        } catch {
            switch error.code {
            case "key-encrypted":
                throw HubError(
                    .invalid, "passphrase-missing", "the key \(quoted(pem)) is encrypted", hint: KeyPassphrase.hint)
            case "wrong-passphrase":
                throw HubError(
                    .invalid, "wrong-passphrase", "the passphrase does not open \(quoted(pem))",
                    hint: "or the file was damaged; \(KeyPassphrase.hint)")
            default: throw error
            }
        }
    }

    func keep(_ key: PrivateKey) throws {
        let text = if let passphrase { try key.encryptedPEM(passphrase: passphrase) } else { try key.pem }
        try PrivateFile.replace(pem, Array(text.utf8))
    }

    /// Keeps the name of a key that lies in a token.
    func keep(uri text: String) throws { try PrivateFile.replace(uri, Array("\(text)\n".utf8)) }

    /// The label of a key that lies in a token; nil for one that lies here.
    var object: String? {
        guard let text = try? PrivateFile.readText(uri) else { return nil }
        return text.split(whereSeparator: { ":;?\n".contains($0) }).first { $0.hasPrefix("object=") }
            .map { String($0.dropFirst("object=".count)) }
    }

    /// Takes the place of another, which is gone then.
    func replace(_ other: KeyFile) throws {
        let isInToken = FileManager.default.fileExists(atPath: uri)
        let target = isInToken ? other.uri : other.pem
        guard rename(isInToken ? uri : pem, target) == 0 else {
            throw HubError(.unavailable, "not-writable", "cannot replace \(quoted(target)): \(PrivateFile.reason())")
        }
        // One that lay here is followed by one in a token, or the reverse. If the process dies here: two keys, and the error
        // that says so.
        unlink(isInToken ? other.pem : other.uri)
        PrivateFile.flushDirectory(of: target)
    }

    /// Forgets the key, or the name of one that stays in its token. None is forgotten already.
    /// - Throws: `not-writable`.
    func remove() throws(HubError) {
        for file in [pem, uri] {
            guard unlink(file) == 0 || errno == ENOENT else {
                throw HubError(
                    .unavailable, "not-writable", "cannot remove the key \(quoted(file)): \(PrivateFile.reason())")
            }
        }
        PrivateFile.flushDirectory(of: pem)
    }
}
