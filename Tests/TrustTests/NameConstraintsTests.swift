import Foundation
import Model
import TestSupport
import Testing
import Trust

/// The same paths, judged by the `openssl verify` program: the intermediate alone keeps foreign names out, also for
/// verifiers that know nothing of our rules.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
struct NameConstraintsTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var names: [GeneralName]
        var commonName = "fin-1"
        /// What openssl says; nil if it accepts.
        var reason: String?
    }

    static let own = GeneralName(.uri, "spiffe://finance.corp.example/spoke/fin-1")
    static let rows = [
        Row(testDescription: "good", names: [own], reason: nil),
        Row(testDescription: "good DNS", names: [own, GeneralName(.dns, "fin-1.finance.corp.example")], reason: nil),
        Row(
            testDescription: "another zone", names: [GeneralName(.uri, "spiffe://analytics.corp.example/spoke/a")],
            reason: "permitted subtree violation"),
        Row(
            testDescription: "organization", names: [GeneralName(.uri, "spiffe://corp.example/hub/h1")],
            reason: "permitted subtree violation"),
        Row(
            testDescription: "foreign DNS", names: [own, GeneralName(.dns, "h1.hub.corp.example")],
            reason: "permitted subtree violation"),
        Row(
            testDescription: "IPv4", names: [own, GeneralName(.ip, "7f000001")], reason: "excluded subtree violation"),
        Row(
            testDescription: "IPv6", names: [own, GeneralName(.ip, "00000000000000000000000000000001")],
            reason: "excluded subtree violation"),
        Row(
            testDescription: "foreign e-mail", names: [own, GeneralName(.email, "ana@corp.example")],
            reason: "permitted subtree violation"),
        Row(
            testDescription: "host name as common name", names: [], commonName: "h1.hub.corp.example",
            reason: "permitted subtree violation"),
    ]

    @Test(arguments: rows) func opensslAgrees(_ row: Row) throws {
        let path = try TrustPath()
        let leaf = try path.leaf {
            $0.names = row.names
            $0.commonName = row.commonName
        }
        let (status, output) = try opensslVerify(leaf, path)
        if let reason = row.reason {
            #expect(status != 0)
            #expect(output.contains(reason), "\(output)")
        } else {
            #expect(status == 0, "\(output)")
        }
    }

    private func opensslVerify(_ leaf: Certificate, _ path: TrustPath) throws -> (status: Int32, output: String) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("nave-trust-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, certificate) in [
            ("root", path.root.certificate), ("intermediate", path.intermediate), ("leaf", leaf),
        ] {
            try Data(certificate.pem.utf8).write(to: directory.appendingPathComponent("\(name).pem"))
        }
        let file = { (name: String) in directory.appendingPathComponent("\(name).pem").path }
        let openssl = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/openssl"),
            [
                "verify", "-x509_strict", "-purpose", "sslclient", "-attime", "\(TestPKI.now.milliseconds / 1000)",
                "-CAfile", file("root"), "-untrusted", file("intermediate"), file("leaf"),
            ])
        let status = openssl.waitUntilExit()
        return (status, openssl.standardOutput + openssl.standardError)
    }
}
