import Foundation
import Trust

/// A PKCS#11 token of SoftHSM, Debian's `softhsm2`, in a directory of a test's own.
package final class SoftwareToken: Sendable {
    package static let module = "/usr/lib/softhsm/libsofthsm2.so"
    package static let pin = "24680"

    package let directory: TemporaryDirectory
    package let label: String

    package init(label: String) throws {
        directory = try TemporaryDirectory()
        self.label = label
        try FileManager.default.createDirectory(atPath: directory.file("tokens"), withIntermediateDirectories: true)
        try directory.write(
            "softhsm2.conf",
            "directories.tokendir = \(directory.file("tokens"))\nobjectstore.backend = file\nlog.level = ERROR\n")
        try directory.write("pin", Self.pin)
        try tool(
            "/usr/bin/softhsm2-util",
            ["--init-token", "--free", "--label", label, "--so-pin", "13579", "--pin", Self.pin])
    }

    /// The module reads its configuration from the environment only.
    package var configuration: String { directory.file("softhsm2.conf") }
    package var environment: [String: String] { ["SOFTHSM2_CONF": configuration] }

    /// Names the token, or one key of it.
    package func uri(_ object: String? = nil) -> String {
        "pkcs11:token=\(label)" + (object.map { ";\($0)" } ?? "") + "?module-path=\(Self.module)"
    }

    package var pinSource: String { "&pin-source=file:\(directory.file("pin"))" }

    /// Makes a key and puts it into the token, from where it does not come out.
    /// - Returns: The key's PKCS#8 PEM, for tests that look for it.
    @discardableResult
    package func makeKey(_ object: String, id: String, curve: String = "P-256") throws -> String {
        let file = directory.file("\(object).pem")
        try tool(
            "/usr/bin/openssl",
            ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)", "-out", file])
        try tool(
            "/usr/bin/softhsm2-util",
            ["--import", file, "--token", label, "--label", object, "--id", id, "--pin", Self.pin])
        let pem = try directory.read("\(object).pem")
        try FileManager.default.removeItem(atPath: file)
        return pem
    }

    private func tool(_ path: String, _ arguments: [String]) throws {
        let tool = try ChildProcess(URL(fileURLWithPath: path), arguments, environment: environment)
        guard tool.waitUntilExit() == 0 else {
            throw TimedOut(description: "\(path) \(arguments.joined(separator: " ")): \(tool.standardError)")
        }
    }
}
