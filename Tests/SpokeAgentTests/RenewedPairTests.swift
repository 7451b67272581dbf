import Foundation
import Model
import SpokeAgent
import TestSupport
import Testing
import Transport
import Trust

/// What lies on disk of a renewal, at each point where the process can die.
@Suite struct RenewedPairTests {
    private let fixture: SpokeFixture
    private let files: TemporaryDirectory
    private let directory: SpokeDirectory

    init() throws {
        fixture = try SpokeFixture()
        files = try TemporaryDirectory()
        directory = try SpokeDirectory(creating: files.file("spoke"))
    }

    private func pair(_ serial: UInt8) throws -> TLSIdentity {
        let key = try PrivateKey.generateP256()
        let authority = try #require(fixture.pki.intermediates["finance.corp.example"])
        let leaf = try authority.issueLeaf(
            CertificateTemplate(
                kind: .spoke, id: fixture.spoke, dns: "fin-1.finance.corp.example", publicKey: key.publicKey,
                validity: .days(7), serial: [UInt8](repeating: serial, count: 16)), now: SpokeFixture.now)
        return try TLSIdentity(key: key, chain: [leaf, authority.certificate])
    }

    private func enrol(_ pair: TLSIdentity) throws {
        let envelope = try fixture.manifest.signed(by: [fixture.key(.manifest)])
        try directory.store(
            SpokeIdentity(
                identity: fixture.spoke, hub: "https://h1.hub.corp.example:8443", address: "127.0.0.1:8443",
                root: try #require(try fixture.manifest.rootCertificates().first).publicKey.spkiDigest),
            key: pair.key, chain: pair.chain.map(\.pem).joined(), manifest: try JSONCoding.encode(envelope))
    }

    private func loaded() throws -> Certificate? {
        let spoke = try directory.load()
        // Refuses a key with another's certificate.
        return try TLSIdentity(key: spoke.key, chain: spoke.chain).leaf
    }

    @Test func theNewestWholePairCounts() throws {
        let (first, second, third) = (try pair(1), try pair(2), try pair(3))
        try enrol(first)
        #expect(try loaded() == first.leaf)
        // Died while writing: a torn file under the temporary name.
        try files.write("spoke/renewed.json.new", "{\"key\":\"-----BEGIN")
        #expect(try loaded() == first.leaf)
        try directory.store(renewed: second)
        #expect(try loaded() == second.leaf)
        let mode = try FileManager.default.attributesOfItem(atPath: files.file("spoke/renewed.json"))
        #expect(mode[.posixPermissions] as? Int == 0o600)
        try directory.store(renewed: third)
        #expect(try loaded() == third.leaf)
    }

    @Test func anEnrolmentTakesThePlaceOfWhatWasRenewedBefore() throws {
        let (first, renewed, again) = (try pair(1), try pair(2), try pair(3))
        try enrol(first)
        try directory.store(renewed: renewed)
        try enrol(again)
        #expect(try loaded() == again.leaf)
    }
}
