import Foundation
import HubService
import Model
import TestSupport
import Testing
import Trust

/// A hub made in two steps, whose root's key is elsewhere.
@Suite struct PendingHubTests {
    private static let now: @Sendable () -> Instant = { TestHub.start }
    private static let passphrase = Array("correct horse".utf8)

    /// A root in `root/` with its key in clear, so that tests can look for it.
    private struct Place {
        let directory: TemporaryDirectory

        init() throws {
            directory = try TemporaryDirectory()
            _ = try RootCreation(
                path: directory.file("root"), organization: "corp.example", passphrase: nil, keyURI: nil
            ).make(now: TestHub.start)
        }

        func hub(organization: String = "corp.example", listen: String = "127.0.0.1:8443", passphrase: [UInt8]? = nil)
            throws -> HubInit
        {
            try HubInit(
                data: directory.file("hub"), organization: organization, listen: listen, front: nil, adminContext: nil,
                passphrase: passphrase)
        }

        func request(_ hub: HubInit) throws {
            try hub.request(ofRoot: directory.file("root/root.pem"), now: TestHub.start)
        }

        /// Signs the request that waits.
        func sign(_ domain: String = "corp.example", out: String = "organization.pem") throws {
            let signing = RootSigning(
                root: OfflineRoot(directory.file("root")), domain: domain,
                request: directory.file("hub.pending/organization.request.pem"), out: directory.file(out), isAgain: true
            )
            _ = try signing.sign(try signing.propose(now: TestHub.start), now: TestHub.start)
        }

        @discardableResult
        func complete(_ file: String = "organization.pem", passphrase: [UInt8]? = nil) async throws
            -> HubInit.Outcome
        {
            try await HubInit.complete(
                data: directory.file("hub"), certificate: directory.file(file), passphrase: passphrase,
                now: PendingHubTests.now)
        }

        func parts(passphrase: [UInt8]? = nil) async throws -> HubParts {
            try await HubParts(quietly: directory.file("hub"), passphrase: passphrase, now: PendingHubTests.now)
        }

        var names: [String] {
            get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
        }

        /// Files below a directory that hold the root's private key, as PEM or as its bytes.
        func filesWithRootKey(_ folder: String) throws -> [String] {
            let pem = try directory.read("root/root.key")
            let body = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
            // The private number itself: 32 bytes behind the OCTET STRING of an ECPrivateKey (RFC 5915).
            let der = try #require(Data(base64Encoded: body))
            let start = try #require(der.range(of: Data([0x02, 0x01, 0x01, 0x04, 0x20]))).upperBound
            let number = der.subdata(in: start..<start + 32)
            return try FileManager.default.subpathsOfDirectory(atPath: directory.file(folder)).filter { name in
                guard let bytes = FileManager.default.contents(atPath: directory.file("\(folder)/\(name)")) else {
                    return false
                }
                return bytes.range(of: number) != nil
                    || bytes.range(of: Data(pem.split(separator: "\n")[1].utf8)) != nil
            }
        }
    }

    @Test func theRootsKeyIsNowhereAndTheHubWorks() async throws {
        let place = try Place()
        #expect(try place.filesWithRootKey("root") == ["root.key"], "what looks for the key finds it")
        try place.request(try place.hub(passphrase: Self.passphrase))
        #expect(try place.filesWithRootKey("hub.pending").isEmpty)
        #expect(try !place.names.contains("hub"))
        #expect(await code { try await place.parts() } == "hub-waiting")
        try place.sign()
        #expect(try await place.complete(passphrase: Self.passphrase).text.contains("root:"))
        #expect(try place.names == ["hub", "hub.context.json", "hub.manifest-keys", "organization.pem", "root"])
        #expect(try place.filesWithRootKey("hub").isEmpty)
        let keys = try FileManager.default.subpathsOfDirectory(atPath: place.directory.file("hub/keys")).sorted()
        #expect(!keys.contains("root.key") && keys.contains("root.pem") && keys.contains("organization.key"))
        #expect(try HubVerification.verify(data: place.directory.file("hub")).isClean)

        let parts = try await place.parts(passphrase: Self.passphrase)
        #expect(!parts.authority.holdsRootKey)
        let user = try PrivateKey.generateP256()
        let leaf = try parts.authority.issue(
            .client, to: try SPIFFEID("spiffe://corp.example/user/u-1"), key: user.publicKey, now: TestHub.start)
        let root = try OfflineRoot(place.directory.file("root")).certificate()
        _ = try PeerVerifier(anchors: ["corp.example": [root]]).verify(
            chainDER: leaf.chain.map(\.der), purpose: .client, now: TestHub.start)
        // A zone stays without a CA until the root has signed one.
        try parts.authority.ensureZone("finance", now: TestHub.start)
        #expect(parts.authority.intermediate(of: "finance.corp.example") == nil)
        #expect(
            await code {
                try parts.authority.issue(
                    .client, to: try SPIFFEID("spiffe://finance.corp.example/client/a"), key: user.publicKey,
                    now: TestHub.start)
            } == "no-intermediate")
    }

    @Test func bothStepsCanBeRepeated() async throws {
        let place = try Place()
        try place.request(try place.hub())
        let request = try place.directory.read("hub.pending/organization.request.pem")
        try place.request(try place.hub())
        #expect(try place.directory.read("hub.pending/organization.request.pem") == request)
        try place.sign()
        try await place.complete()
        #expect(try await place.complete().text.contains("has this certificate"))
        // The process died after the hub got its name: the directory beside it is all that is left to do away with.
        try FileManager.default.createDirectory(
            atPath: place.directory.file("hub.pending"), withIntermediateDirectories: false)
        try place.directory.write("hub.pending/pending.json", try settings(place))
        try await place.complete()
        #expect(try !place.names.contains("hub.pending"))
        #expect(await code { try place.request(try place.hub()) } == "not-empty")
    }

    /// As the first step writes it.
    private func settings(_ place: Place) throws -> String {
        let other = try Place()
        try other.request(try other.hub())
        return try other.directory.read("hub.pending/pending.json").replacingOccurrences(
            of: other.directory.path, with: place.directory.path)
    }

    @Test func whatIsNotTheAnswerIsRefusedAndNothingIsDone() async throws {
        let place = try Place()
        #expect(await code { try await place.complete("root/root.pem") } == "not-waiting")
        try place.request(try place.hub(passphrase: Self.passphrase))
        try place.sign()
        try place.sign("finance.corp.example", out: "finance.pem")
        let other = try Place()
        try other.request(try other.hub())
        try other.sign()
        try place.directory.write("other.pem", try other.directory.read("organization.pem"))
        let before = try place.names
        for (file, expected) in [
            ("nothing.pem", "no-file"), ("root/root.pem", "other-key"), ("other.pem", "other-key"),
            ("finance.pem", "wrong-name-constraints"), ("hub.pending/organization.request.pem", "bad-pem"),
        ] {
            #expect(await code { try await place.complete(file, passphrase: Self.passphrase) } == expected, "\(file)")
        }
        #expect(await code { try await place.complete() } == "passphrase-missing")
        #expect(await code { try await place.complete(passphrase: Array("no".utf8)) } == "wrong-passphrase")
        try place.directory.write("hub.context.json", "another hub's")
        #expect(await code { try await place.complete(passphrase: Self.passphrase) } == "exists")
        try FileManager.default.removeItem(atPath: place.directory.file("hub.context.json"))
        #expect(try place.names == before)
        try await place.complete(passphrase: Self.passphrase)
    }

    @Test func theFirstStepRefusesWhatItCannotFinish() async throws {
        let place = try Place()
        let root = try OfflineRoot(place.directory.file("root")).certificate()
        #expect(
            await code {
                try place.hub().request(ofRoot: place.directory.file("root/root.pem"), now: root.notAfter - .days(1))
            } == "ends-soon")
        try place.request(try place.hub(passphrase: Self.passphrase))
        #expect(
            await code { try place.request(try place.hub(listen: "127.0.0.1:9443", passphrase: Self.passphrase)) }
                == "exists")
        #expect(await code { try place.request(try place.hub()) } == "passphrase-missing")
        let other = try Place()
        #expect(
            await code {
                try place.hub(passphrase: Self.passphrase).request(
                    ofRoot: other.directory.file("root/root.pem"), now: TestHub.start)
            } == "exists")
        #expect(
            await code {
                try HubInit(
                    data: other.directory.file("hub"), organization: "other.example", listen: "127.0.0.1:8443",
                    front: nil, adminContext: nil
                ).request(ofRoot: other.directory.file("root/root.pem"), now: TestHub.start)
            } == "wrong-name-constraints")
        #expect(
            await code { try other.hub().request(ofRoot: other.directory.file("root/root.key"), now: TestHub.start) }
                == "bad-pem")
        // An intermediate is no root, whatever signed it.
        try place.sign()
        #expect(
            await code {
                try other.hub().request(ofRoot: place.directory.file("organization.pem"), now: TestHub.start)
            } == "wrong-path-length")
        #expect(try other.names == ["root"])
        try other.directory.write("hub.context.json", "another hub's")
        #expect(await code { try other.request(try other.hub()) } == "exists")
        #expect(try other.names == ["hub.context.json", "root"])
    }
}
