import Model

/// A passphrase as it stands in a file or a variable.
package enum Passphrase {
    /// - Parameter place: Where it stands, for the message; the passphrase is in no message.
    /// - Returns: Without a line break at the end.
    /// - Throws: `bad-passphrase`.
    package static func line(_ bytes: [UInt8], of place: String) throws(TrustError) -> [UInt8] {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard (1...PrivateKey.maximumPassphraseBytes).contains(bytes.count), !bytes.contains(UInt8(ascii: "\n")) else {
            throw TrustError(
                "bad-passphrase", "\(place) is not one line of 1 to \(PrivateKey.maximumPassphraseBytes) bytes")
        }
        return bytes
    }
}
