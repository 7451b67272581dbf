import Foundation
import TestSupport

/// `openssl speed ecdsap256`: what this machine's libcrypto signs, with nothing around it.
enum OpenSSLSpeed {
    static let name = "openssl speed ecdsap256, signatures"

    /// Signatures a second of processor time.
    static func signatures() throws -> Double {
        let child = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), ["openssl", "speed", "-seconds", "1", "ecdsap256"])
        child.waitUntilExit()
        // ` 256 bits ecdsa (nistp256)   0.0000s   0.0001s  36934.5  12345.6`
        let line = child.standardOutput.split(separator: "\n").last { $0.contains("nistp256") }
        let words = line?.split(separator: " ") ?? []
        guard words.count >= 2, let rate = Double(words[words.count - 2]) else {
            throw TimedOut(description: "`openssl speed` printed no figure: \(child.standardError)")
        }
        return rate
    }
}
