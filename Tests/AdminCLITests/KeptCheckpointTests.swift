import AdminCLI
import TestSupport
import Testing
import Trust

@Suite struct KeptCheckpointTests {
    @Test func onlyANewerCheckpointReplacesTheKeptOne() throws {
        let directory = try TemporaryDirectory()
        let pki = try TestPKI()
        let manifest = try pki.manifest()
        let kept = KeptCheckpoint(cache: directory.path, manifest: manifest, roots: try manifest.rootCertificates())
        #expect(kept.note == nil)
        let key = try #require(pki.signingKeys[.checkpoint])
        func note(_ size: Int64) throws -> String {
            try Checkpoint(origin: manifest.origin, size: size, root: MerkleTree.emptyRoot).signed(by: [key])
        }
        let (small, large) = (try note(1), try note(2))
        kept.keep(large)
        kept.keep(small)
        #expect(kept.note == large)
    }
}
