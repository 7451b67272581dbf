import Foundation
import HubService
import Model
import Storage
import TestSupport
import Testing
import Transport
import Trust

/// The organization's CA lies with a corporation that knows nothing of this program: `openssl` signs everything.
@Suite("a corporate root is followed") struct CorporateSuccessionTests {
    private struct Corporation {
        let directory: TemporaryDirectory
        static let names =
            "critical, permitted;URI:corp.example, permitted;URI:.corp.example, permitted;DNS:corp.example, "
            + "permitted;email:corp.example, permitted;email:.corp.example, excluded;IP:0.0.0.0/0.0.0.0, excluded;IP:::/::"

        /// Its own root, which nobody here trusts, and two CAs of the organization below it.
        init(_ directory: TemporaryDirectory) throws {
            self.directory = directory
            try openssl([
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-days", "7300",
                "-subj", "/O=Conglomerate/CN=Conglomerate Root", "-keyout", file("corporate.key"), "-out",
                file("corporate.pem"),
            ])
            for name in ["old", "new"] {
                try openssl([
                    "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/O=corp.example/CN=Example Corp MCP CA", "-keyout", file("\(name).key"), "-out",
                    file("\(name).csr"),
                ])
                try sign("\(name).csr", by: "corporate", as: "\(name).pem", pathLength: 1, Self.names)
            }
        }

        func file(_ name: String) -> String { directory.file(name) }
        func certificate(_ name: String) throws -> Certificate { try Certificate(pem: try directory.read(name)) }

        private func openssl(_ arguments: [String]) throws {
            let openssl = try ChildProcess(URL(fileURLWithPath: "/usr/bin/openssl"), arguments)
            try #require(openssl.waitUntilExit() == 0, "\(openssl.standardError)")
        }

        func sign(
            _ request: String, by name: String, as out: String, pathLength: Int, _ constraints: String,
            subject: String = "/O=corp.example/CN=Example Corp MCP CA"
        ) throws {
            try directory.write(
                "extensions",
                """
                basicConstraints = critical, CA:TRUE, pathlen:\(pathLength)
                keyUsage = critical, keyCertSign, cRLSign
                nameConstraints = \(constraints)
                subjectKeyIdentifier = hash
                authorityKeyIdentifier = keyid:always
                """)
            try openssl([
                "x509", "-req", "-in", file(request), "-CA", file("\(name).pem"), "-CAkey", file("\(name).key"),
                "-days", "1825", "-subj", subject, "-extfile", file("extensions"), "-out", file(out),
            ])
        }

        func intermediate(_ request: String, _ domain: String, by name: String) throws -> String {
            try directory.write("asked.csr", request)
            try sign(
                "asked.csr", by: name, as: "made.pem", pathLength: 0,
                "critical, permitted;URI:\(domain), permitted;DNS:\(domain), permitted;email:\(domain), "
                    + "excluded;IP:0.0.0.0/0.0.0.0, excluded;IP:::/::", subject: "/O=\(domain)/CN=CA of \(domain)")
            return try directory.read("made.pem")
        }
    }

    @Test(arguments: [true, false]) func itsNextCAIsTakenOver(_ isCrossed: Bool) async throws {
        let directory = try TemporaryDirectory()
        let corporation = try Corporation(directory)
        let now = HubClock.now
        let hub = try HubInit(
            data: directory.file("hub"), organization: "corp.example", listen: "127.0.0.1:8443", front: nil,
            adminContext: directory.file("admin.json"), environment: .development)
        try hub.request(ofRoot: directory.file("old.pem"), now: now())
        let asked = try directory.read("hub.pending/organization.request.pem")
        try directory.write(
            "organization.pem", try corporation.intermediate(asked, "corp.example", by: "old"))
        _ = try await HubInit.complete(
            data: directory.file("hub"), certificate: directory.file("organization.pem"), passphrase: nil, now: now)
        let parts = try await HubParts(quietly: directory.file("hub"), now: now)
        let context = try JSONCoding.decode(HubContext.self, from: Array(try directory.read("admin.json").utf8))
        let owner = Standing(of: context.identity, parts.ledger.snapshot)
        let steps = parts.services.authorities
        let (old, new) = (try corporation.certificate("old.pem"), try corporation.certificate("new.pem"))
        func publish(_ manifest: JSON?) async throws {
            let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: try #require(manifest)).adding(
                signatureBy: try PrivateKey(pem: try directory.read("hub.manifest-keys/manifest-1.key")))
            _ = try await parts.services.manifests.publish(
                PublishManifestRequest(manifest: try JSONCoding.encode(envelope)), by: owner)
        }
        func chain() async throws -> [Certificate] { try await parts.renewed(owner.identity) }
        func verdict(_ chain: [Certificate], _ roots: [Certificate]) -> String? {
            do throws(TrustError) {
                _ = try PeerVerifier(
                    anchors: ["corp.example": roots, "finance.corp.example": roots],
                    denied: Set(parts.ledger.snapshot.state.denied)
                ).verify(chainDER: chain.map(\.der), purpose: .client, now: now())
                return nil
            } catch { return error.code }
        }
        let before = try await chain()
        #expect(verdict(before, [old]) == nil)

        try corporation.sign("new.csr", by: "old", as: "cross.pem", pathLength: 1, Corporation.names)
        // One that the corporate root signed leads to nobody's anchor.
        let wrong = AuthorityRequest(certificate: new.pem, cross: new.pem)
        #expect(await code { try await steps.prepare("root", wrong, by: owner) } == "not-signed-by-root")
        let prepared = try await steps.prepare(
            "root",
            AuthorityRequest(
                certificate: new.pem, cross: isCrossed ? try corporation.certificate("cross.pem").pem : nil),
            by: owner)
        try await publish(prepared.manifest)
        let signed = try #require(prepared.requests).map {
            try corporation.intermediate($0.request, $0.domain, by: "new")
        }
        _ = try await steps.activate("root", AuthorityRequest(certificates: signed), by: owner)
        let after = try await chain()
        #expect(verdict(after, [old]) == (isCrossed ? nil : "bad-path"))
        for roots in [[old, new], [new]] { #expect(verdict(after, roots) == nil) }
        #expect(verdict(after + [try corporation.certificate("corporate.pem")], [new]) == nil)
        _ = try await steps.taint("root", AuthorityRequest(), by: owner)
        let retired = try await steps.retire("root", AuthorityRequest(), by: owner)
        try await publish(retired.manifest)
        let last = try await chain()
        #expect(verdict(before, [old, new]) == "revoked" && verdict(last, [new]) == nil)
        #expect(try parts.chain.current.newest.rootCertificates() == [new])
        #expect(try HubVerification.verify(data: directory.file("hub")).report.problems == [])
    }
}
