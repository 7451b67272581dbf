import ArgumentParser
import Foundation
import Model
import Trust

/// The passphrase of a key that signs trust manifests.
struct ManifestKeyOptions: ParsableArguments {
    static let variable = "NAVE_MANIFEST_KEYS_PASSPHRASE"

    @Option(
        name: .long,
        help: ArgumentHelp(
            "File with the key's passphrase, mode 0600. (env: \(variable), the passphrase itself; default: key in clear)",
            valueName: "file"))
    var passphraseFile: String?

    /// - Throws: `bad-passphrase`, and what reading the file throws.
    func passphrase() throws -> [UInt8]? {
        try Self.passphrase(file: passphraseFile, environment: ProcessInfo.processInfo.environment)
    }

    static func passphrase(file: String?, environment: [String: String]) throws -> [UInt8]? {
        if let file { return try Passphrase.line(try PrivateFile.read(file), of: backticked(file)) }
        guard let text = environment[variable], !text.isEmpty else { return nil }
        return try Passphrase.line(Array(text.utf8), of: variable)
    }
}

/// The file of a key that signs trust manifests.
package enum ManifestKeyFile {
    /// - Throws: `passphrase-missing`, `wrong-passphrase`, `key-not-encrypted`, `no-file`, `file-readable`, `bad-key`, …
    package static func read(_ path: String, passphrase: [UInt8]?) throws -> PrivateKey {
        let pem = String(decoding: try PrivateFile.read(path), as: UTF8.self)
        do {
            guard let passphrase else { return try PrivateKey(pem: pem) }
            return try PrivateKey(pem: pem, passphrase: passphrase)
        } catch {
            let hint = "--passphrase-file FILE or \(ManifestKeyOptions.variable) holds its passphrase"
            switch error.code {
            case "key-encrypted":
                throw AdminError("passphrase-missing", "the key \(backticked(path)) is encrypted", hint: hint)
            case "wrong-passphrase":
                throw AdminError(
                    "wrong-passphrase", "the passphrase does not open \(backticked(path))",
                    hint: "or the file was damaged; \(hint)")
            default: throw error
            }
        }
    }

    /// Makes a key and its file.
    /// - Throws: `exists`, `cannot-write`.
    package static func make(_ path: String, passphrase: [UInt8]?) throws -> PrivateKey {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw AdminError("exists", "\(backticked(path)) exists", hint: "a key is never overwritten")
        }
        let key = try PrivateKey.generateEd25519()
        let pem = if let passphrase { try key.encryptedPEM(passphrase: passphrase) } else { try key.pem }
        try PrivateFile.replace(path, with: Array(pem.utf8))
        return key
    }
}
