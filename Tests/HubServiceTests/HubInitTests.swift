import Foundation
import HubService
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct HubInitTests {
    private static let now: @Sendable () -> Instant = { TestHub.start }

    private func hubInit(_ directory: TemporaryDirectory, _ name: String = "hub") throws -> HubInit {
        try HubInit(
            data: directory.file(name), organization: "corp.example", listen: "127.0.0.1:8443", front: nil,
            adminContext: nil)
    }

    @Test func keysAreTheOwnersAloneAndTheFirstOwnerOwns() async throws {
        let hub = try await TestHub.made()
        let keys = hub.directory.file("hub/keys")
        let files = try FileManager.default.subpathsOfDirectory(atPath: keys).filter { $0.hasSuffix(".key") }
        #expect(
            Set(files) == [
                "root.key", "organization.key", "bundle.key", "lease.key", "checkpoint.key",
            ])
        let outside = hub.directory.file("hub.manifest-keys")
        let signers = try FileManager.default.contentsOfDirectory(atPath: outside).sorted()
        #expect(signers == ["manifest-1.key", "manifest-2.key", "manifest-3.key"])
        #expect(hub.parts.chain.current.newest.roles.manifest.threshold == 2)
        for file in signers.map({ "\(outside)/\($0)" }) { #expect(try permissions(file) == 0o600, "\(file)") }
        for file in files.map({ "\(keys)/\($0)" }) + [hub.directory.file("admin.json")] {
            #expect(try permissions(file) == 0o600, "\(file)")
        }
        #expect(try permissions(hub.directory.file("hub")) == 0o700)
        #expect(hub.owner.may(.owner, in: nil))
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).isClean)
    }

    @Test func aDirectoryThatHoldsSomethingIsLeftAlone() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("hub/notes.txt", "mine")
        #expect(await code { try await hubInit(directory).run(now: Self.now) } == "not-empty")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["hub"])
        #expect(try directory.read("hub/notes.txt") == "mine")
    }

    @Test func whatWasMadeIsToldToProgramsAndPeople() throws {
        let directory = try TemporaryDirectory()
        let hub = try hubInit(directory)
        let (data, keys) = (directory.file("hub"), directory.file("hub.manifest-keys"))
        let made: JSON = [
            "state": "made", "data": .string(data), "adminContext": .string("\(data).context.json"),
            "manifestKeys": .string(keys),
        ]
        #expect(try hub.made.json() == made.canonicalBytes)
        #expect(hub.made.text.contains("--context \(data).context.json") && hub.made.text.contains(keys))
        let request = "\(data).pending/organization.request.pem"
        let waiting: JSON = ["state": "waiting", "data": .string(data), "request": .string(request)]
        #expect(try hub.waiting.json() == waiting.canonicalBytes)
        #expect(hub.waiting.text.contains(request))
    }

    @Test func anEmptyDirectoryIsTaken() async throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.file("hub"), withIntermediateDirectories: false)
        try await hubInit(directory).run(now: Self.now)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(names == ["hub", "hub.context.json", "hub.manifest-keys"])
    }

    @Test func developmentHasOneManifestKeyAndTheyNeverLieInTheDataDirectory() async throws {
        let directory = try TemporaryDirectory()
        func hub(_ keys: String) throws -> HubInit {
            try HubInit(
                data: directory.file("hub"), organization: "corp.example", listen: "127.0.0.1:8443", front: nil,
                adminContext: nil, manifestKeys: directory.file(keys), environment: .development)
        }
        #expect(await code { try hub("hub/keys") } == "bad-directory")
        try directory.write("theirs/manifest-1.key", "another hub's")
        #expect(await code { try await hub("theirs").run(now: Self.now) } == "exists")
        #expect(try directory.read("theirs/manifest-1.key") == "another hub's")
        try await hub("offline").run(now: Self.now)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.file("offline")) == ["manifest-1.key"])
        let chain = try ManifestChain(try HubDatabase.manifests(directory: directory.file("hub")))
        #expect(chain.newest.roles.manifest.threshold == 1)
    }

    @Test func anotherHubsContextIsNotOverwritten() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("hub.context.json", "a key")
        #expect(await code { try await hubInit(directory).run(now: Self.now) } == "exists")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["hub.context.json"])
    }

    @Test func whereNothingCanBeWrittenNothingIsLeft() async throws {
        let directory = try TemporaryDirectory()
        // A parent that is a file: no user can make a directory below it.
        try directory.write("file", "")
        #expect(await code { try await hubInit(directory, "file/hub").run(now: Self.now) } == "not-writable")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["file"])
    }

    @Test(
        arguments: [
            ("corp", "127.0.0.1:8443", nil, "bad-organization"),
            ("Corp.Example", "127.0.0.1:8443", nil, "bad-organization"),
            ("corp.example", "127.0.0.1", nil, "bad-address"), ("corp.example", "127.0.0.1:0", nil, "bad-address"),
            ("corp.example", "127.0.0.1:65535", nil, "bad-address"),
            ("corp.example", "127.0.0.1:8443", "127.0.0.1:8443", "bad-address"),
        ] as [(String, String, String?, String)])
    func whatMeansNoHubIsRefused(organization: String, listen: String, front: String?, expected: String) async {
        let outcome = await code {
            try HubInit(data: "hub", organization: organization, listen: listen, front: front, adminContext: nil)
        }
        #expect(outcome == expected)
    }

    @Test func aDirectoryWithoutAHubIsNamed() async throws {
        let directory = try TemporaryDirectory()
        #expect(await code { try HubVerification.verify(data: directory.path) } == "not-a-hub")
    }

    private func permissions(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }
}
