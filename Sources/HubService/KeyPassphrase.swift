import Foundation
import Model
import Trust

/// Where the passphrase of the hub's private keys comes from. Without one they lie in clear, as they always did.
package enum KeyPassphrase {
    static let variable = "NAVE_KEY_PASSPHRASE"
    /// The name of a systemd credential (`LoadCredential=`, `LoadCredentialEncrypted=`).
    static let credential = "nave-key-passphrase"
    static let hint =
        "--key-passphrase-file FILE, \(variable), or the systemd credential \(credential) holds their passphrase"

    /// The first that is there: the file, the variable, the credential. A line break at the end does not count.
    /// - Throws: `no-file`, `not-readable`, `bad-passphrase`.
    package static func find(file: String?, environment: [String: String]) throws(HubError) -> [UInt8]? {
        if let file { return try checked(try PrivateFile.read(file, maximumBytes: maximumFileBytes), quoted(file)) }
        if let text = environment[variable], !text.isEmpty { return try checked(Array(text.utf8), variable) }
        if let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty {
            let path = "\(directory)/\(credential)"
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            return try checked(try PrivateFile.read(path, maximumBytes: maximumFileBytes), quoted(path))
        }
        return nil
    }

    private static let maximumFileBytes = 4096

    private static func checked(_ bytes: [UInt8], _ place: String) throws(HubError) -> [UInt8] {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard (1...PrivateKey.maximumPassphraseBytes).contains(bytes.count), !bytes.contains(UInt8(ascii: "\n")) else {
            throw HubError(
                .invalid, "bad-passphrase",
                "\(place) is not one line of 1 to \(PrivateKey.maximumPassphraseBytes) bytes")
        }
        return bytes
    }
}
