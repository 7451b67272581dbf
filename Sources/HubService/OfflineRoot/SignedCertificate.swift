import Model
import Trust

/// A certificate that a root at hand signed, for programs.
package struct SignedCertificate: Hashable, Sendable, Codable {
    /// Lower-case hex.
    package var serial: String
    package var subject: String
    package var notAfter: Instant
    /// PEM.
    package var certificate: String
    /// Where it was written, too; nil for nowhere.
    package var file: String?

    /// - Throws: `bad-pem`, `bad-certificate`.
    package init(pem: String, file: String?) throws(TrustError) {
        let read = try Certificate(pem: pem)
        (serial, subject, notAfter) = (read.serial, read.subject, read.notAfter)
        certificate = pem
        self.file = file
    }

    package func json() throws(ModelError) -> [UInt8] { try JSONCoding.canonical(self) }
}
