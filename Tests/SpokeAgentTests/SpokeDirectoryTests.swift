import Foundation
import SpokeAgent
import TestSupport
import Testing

@Suite("the data directory of a spoke")
struct SpokeDirectoryTests {
    @Test("who only reads makes nothing there; who runs makes what is missing")
    func reading() throws {
        let files = try TemporaryDirectory()
        let path = files.file("spoke")
        try #require(mkdir(path, 0o700) == 0)
        try files.write("spoke/identity.json", "{}")
        let directory = try SpokeDirectory(enrolled: path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["identity.json"])
        try directory.makeJournal()
        #expect(FileManager.default.fileExists(atPath: directory.journal))
    }

    @Test("a directory that others can enter is refused, and one without a spoke is none")
    func refused() throws {
        let files = try TemporaryDirectory()
        let path = files.file("spoke")
        _ = try SpokeDirectory(creating: path)
        #expect(throws: SpokeError.self) { try SpokeDirectory(enrolled: path) }
        try files.write("spoke/identity.json", "{}")
        try #require(chmod(path, 0o750) == 0)
        do {
            _ = try SpokeDirectory(enrolled: path)
            Issue.record("a directory that others can enter was opened")
        } catch { #expect(error.code == "open-to-others") }
    }
}
