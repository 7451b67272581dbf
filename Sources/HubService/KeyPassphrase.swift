import Foundation
import Model
import Trust

/// Where the passphrase of the hub's private keys comes from. Without one they lie in clear, as they always did.
package enum KeyPassphrase {
    static let variable = "NAVE_KEY_PASSPHRASE"
    /// The name of a systemd credential (`LoadCredential=`, `LoadCredentialEncrypted=`).
    static let credential = "nave-key-passphrase"
    /// Of the keys that sign the trust manifest, for `init`.
    static let manifestVariable = "NAVE_MANIFEST_KEYS_PASSPHRASE"
    static let hint =
        "--key-passphrase-file FILE, \(variable), or the systemd credential \(credential) holds their passphrase"

    /// The first that is there: the file, the variable, the credential. A line break at the end does not count.
    /// - Throws: `no-file`, `not-readable`, `bad-passphrase`.
    package static func find(file: String?, environment: [String: String]) throws(HubError) -> [UInt8]? {
        if let file { return try read(file) }
        if let text = environment[variable], !text.isEmpty { return try checked(Array(text.utf8), variable) }
        if let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty {
            let path = "\(directory)/\(credential)"
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            return try read(path)
        }
        return nil
    }

    /// The same for the manifest keys, which no service opens: the file, the variable.
    package static func findOfManifestKeys(
        file: String?, environment: [String: String]
    ) throws(HubError) -> [UInt8]? {
        if let file { return try read(file) }
        guard let text = environment[manifestVariable], !text.isEmpty else { return nil }
        return try checked(Array(text.utf8), manifestVariable)
    }

    private static func read(_ file: String) throws(HubError) -> [UInt8] {
        try checked(try PrivateFile.read(file, maximumBytes: maximumFileBytes), quoted(file))
    }

    private static let maximumFileBytes = 4096

    private static func checked(_ bytes: [UInt8], _ place: String) throws(HubError) -> [UInt8] {
        do { return try Passphrase.line(bytes, of: place) } catch {
            throw HubError(.invalid, error.code, error.message)
        }
    }
}
