import AdminCLI
import Foundation
import Model
import TestSupport
import Testing
import Trust

@Suite struct ContextStoreTests {
    private let directory: TemporaryDirectory
    private let store: ContextStore

    init() throws {
        directory = try TemporaryDirectory()
        store = ContextStore(directory: directory.file("nave"), cache: directory.file("cache"))
    }

    private func context() throws -> HubContext {
        HubContext(
            organization: "corp.example", identity: try SPIFFEID("spiffe://corp.example/user/u1"),
            hub: "https://h1.hub.corp.example:8443", address: "127.0.0.1:8443", key: "k", chain: "c", manifest: ["a": 1]
        )
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    private func code(_ body: () throws -> some Any) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? any NaveError)?.code ?? "\(error)"
        }
    }

    @Test func aContextIsWrittenForItsOwnerAloneAndReadBack() throws {
        let path = store.path(of: "corp")
        try ContextStore.save(try context(), at: path)
        #expect(try mode(path) == 0o600)
        #expect(try mode(directory.file("nave/contexts")) == 0o700)
        #expect(try ContextStore.load(path) == context())
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.file("nave/contexts")) == ["corp.json"])
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o601])
    func aContextThatOthersCanReachIsRefused(mode: Int) throws {
        let path = store.path(of: "corp")
        try ContextStore.save(try context(), at: path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(code { try ContextStore.load(path) } == "file-readable")
    }

    @Test func replacingKeepsTheModeWhateverTheOldOneWas() throws {
        let path = store.path(of: "corp")
        try ContextStore.save(try context(), at: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        try ContextStore.save(try context(), at: path)
        #expect(try mode(path) == 0o600)
    }

    @Test(arguments: ["", "{}", "not json", #"{"v":2}"#])
    func aDamagedContextIsRefusedWithoutItsContents(text: String) throws {
        let path = store.path(of: "corp")
        try PrivateFile.replace(path, with: Array(text.utf8))
        #expect(code { try ContextStore.load(path) } == "bad-context")
    }

    @Test func aFreshFileIsPrivateAndNeverOneThatIsThere() throws {
        let path = store.path(of: "token")
        try PrivateFile.makeDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        let file = try PrivateFile.Fresh(path)
        #expect(code { try PrivateFile.Fresh(path) } == "exists")
        try file.fill(Array("nave-join:x\n".utf8))
        // Read only where nobody else can.
        #expect(try PrivateFile.read(path) == Array("nave-join:x\n".utf8))
        #expect(!PrivateFile.isReadableByOthers(path))
        #expect(chmod(path, 0o640) == 0 && PrivateFile.isReadableByOthers(path))
        #expect(code { try PrivateFile.Fresh("\(path)/x") } == "cannot-write")
        file.remove()
        #expect(!FileManager.default.fileExists(atPath: path) && !PrivateFile.isReadableByOthers(path))
    }

    @Test func theOptionComesBeforeTheEnvironmentAndThatBeforeTheChoice() throws {
        for name in ["a", "b", "c"] { try ContextStore.save(try context(), at: store.path(of: name)) }
        #expect(code { try store.resolve(option: nil, environment: [:]) } == "no-context")
        try store.use("c")
        #expect(try store.resolve(option: nil, environment: [:]) == store.path(of: "c"))
        #expect(try store.resolve(option: nil, environment: ["NAVE_CONTEXT": "b"]) == store.path(of: "b"))
        #expect(try store.resolve(option: "a", environment: ["NAVE_CONTEXT": "b"]) == store.path(of: "a"))
        #expect(try store.resolve(option: "", environment: ["NAVE_CONTEXT": ""]) == store.path(of: "c"))
        #expect(try store.resolve(option: "./x", environment: [:]) == "./x")
        #expect(try store.resolve(option: "x.json", environment: [:]) == "x.json")
        #expect(code { try store.resolve(option: "d", environment: [:]) } == "unknown-context")
        #expect(code { try store.use("d") } == "unknown-context")
        #expect(store.names() == ["a", "b", "c"])
    }

    @Test func directoriesFollowXDG() throws {
        let home = try ContextStore(environment: ["HOME": "/home/a", "XDG_CONFIG_HOME": "relative"])
        #expect(home.directory == "/home/a/.config/nave" && home.cache == "/home/a/.cache/nave")
        #expect(try ContextStore(environment: ["HOME": "/h", "XDG_CONFIG_HOME": "/x"]).directory == "/x/nave")
        #expect(code { try ContextStore(environment: [:]) } == "no-home")
    }

    @Test(arguments: ["../x", "a/b", "", ".hidden", "a b", String(repeating: "a", count: 129)])
    func namesCannotLeaveTheDirectory(name: String) { #expect(!ContextStore.isName(name)) }
}

@Suite struct EnrolmentTests {
    private let pki: TestPKI
    private let token: JoinToken

    init() throws {
        pki = try TestPKI()
        token = try JoinToken(
            hub: "h1.hub.corp.example", address: "127.0.0.1:8444", root: pki.root.certificate.publicKey.spkiDigest,
            zone: "analytics", name: "bot", kind: .client, secret: [UInt8](repeating: 7, count: 32))
    }

    private func answer(_ identity: TestPKI.Identity, id: SPIFFEID? = nil, manifest: DSSEEnvelope? = nil) throws
        -> EnrolAnswer
    {
        EnrolAnswer(
            identity: try id ?? #require(identity.leaf.spiffeID), chain: identity.chainPEM,
            notAfter: identity.leaf.notAfter,
            manifest: try JSONCoding.encode(manifest ?? pki.firstManifest()), hub: "https://h1.hub.corp.example:8443",
            address: "127.0.0.1:8443")
    }

    private func code(_ answer: EnrolAnswer, key: PrivateKey) -> String? {
        do {
            _ = try Enrolment.context(from: answer, for: token, key: key, now: TestPKI.now)
            return nil
        } catch {
            return (error as? any NaveError)?.code ?? "\(error)"
        }
    }

    @Test func whatTheTokenPromisedIsKept() throws {
        let bot = try pki.client("analytics", "bot")
        let context = try Enrolment.context(from: answer(bot), for: token, key: bot.key, now: TestPKI.now)
        #expect(context.identity.description == "spiffe://analytics.corp.example/client/bot")
        #expect(context.organization == "corp.example")
        #expect(try PrivateKey(pem: context.key).publicKey == bot.key.publicKey)
    }

    @Test func anotherNameZoneOrKindIsRefused() throws {
        for other in [
            try pki.client("analytics", "other"), try pki.client("finance", "bot"), try pki.user("bot"),
            try pki.spoke("analytics", "bot"),
        ] {
            #expect(code(try answer(other), key: other.key) != nil)
        }
        let other = try pki.client("analytics", "other")
        #expect(code(try answer(other), key: other.key) == "unexpected-answer")
        // The words of the answer are not believed either.
        let id = try SPIFFEID("spiffe://analytics.corp.example/client/bot")
        #expect(code(try answer(other, id: id), key: other.key) == "unexpected-answer")
    }

    @Test func anotherKeyIsRefused() throws {
        let bot = try pki.client("analytics", "bot")
        #expect(code(try answer(bot), key: try PrivateKey.generateP256()) == "wrong-key")
    }

    @Test func anotherRootIsRefused() throws {
        let stranger = try TestPKI()
        let bot = try stranger.client("analytics", "bot")
        #expect(code(try answer(bot, manifest: stranger.firstManifest()), key: bot.key) == "unknown-root")
        #expect(code(try answer(bot), key: bot.key) == "bad-path")
    }
}
