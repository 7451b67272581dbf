import Model
import Testing
import Trust

/// The vectors of the reference implementation (golang.org/x/mod/sumdb/note).
@Suite struct SignedNoteTests {
    private let peterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    /// The last 32 bytes of `PRIVATE+KEY+PeterNeumann+c74f20a3+…`.
    private let peterSeed = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    private let enochKey = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
    private let text =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    private let peterLine =
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    private let enochLine =
        "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

    private func peter() throws -> PrivateKey {
        try PrivateKey(ed25519Seed: Array(try #require(Base64.decode(peterSeed)).dropFirst()))
    }

    @Test func signsTheVector() throws {
        let note = try SignedNote(text: text, signers: [("PeterNeumann", try peter())])
        #expect(note.description == text + "\n" + peterLine)
        #expect(try NoteKey(name: "PeterNeumann", publicKey: peter().publicKey).description == peterKey)
    }

    @Test func verifiesTheVector() throws {
        let note = try SignedNote(parsing: text + "\n" + peterLine + enochLine)
        let (peter, enoch) = (try NoteKey(peterKey), try NoteKey(enochKey))
        #expect(note.signatures.map(\.name) == ["PeterNeumann", "EnochRoot"])
        #expect(try note.verify([peter]) == text)
        #expect(try note.verify([enoch]) == text)
        #expect(try note.verify([peter, enoch], threshold: 2) == text)
        #expect(refusal { _ = try note.verify([peter, peter], threshold: 2) } == "below-threshold")
        #expect(refusal { _ = try note.verify([]) } == "below-threshold")
        #expect(refusal { _ = try note.verify([peter], threshold: 0) } == "bad-threshold")
        let repeated = try SignedNote(parsing: text + "\n" + peterLine + peterLine)
        #expect(refusal { _ = try repeated.verify([peter], threshold: 2) } == "below-threshold")
        // The same name with another key's hash is an unknown key.
        let namesake = try NoteKey(name: "PeterNeumann", publicKey: .init(ed25519: [UInt8](repeating: 7, count: 32)))
        #expect(refusal { _ = try note.verify([namesake]) } == "below-threshold")
        let renamed = try SignedNote(parsing: text + "\n" + peterLine.replacing("PeterNeumann", with: "Peter"))
        #expect(refusal { _ = try renamed.verify([peter]) } == "below-threshold")
        let changed = try SignedNote(parsing: "x" + text + "\n" + peterLine + enochLine)
        #expect(refusal { _ = try changed.verify([peter]) } == "bad-signature")
    }

    @Test func emptyLinesBelongToTheText() throws {
        let note = try SignedNote(text: "a\n\nb\n", signers: [("x", try peter())])
        #expect(try SignedNote(parsing: note.description).text == "a\n\nb\n")
    }

    @Test func refusesMalformedNotes() {
        let bad = [
            "", "\n", "\n\n", text, text + "\n", text + "\n" + peterLine.dropLast(), "\u{1}" + text + "\n" + peterLine,
            text + "\r\n" + peterLine,
            text
                + "\n— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
            text + "\n" + peterLine + "Unexpected line.\n", text + "\n— a+b x08goAAA\n", text + "\n— a x08go\n",
            text + "\n— a x08gow==\n", text + "\n" + String(repeating: peterLine, count: 101),
            text + "\n" + peterLine + "\n",
        ]
        for note in bad { #expect(refusal { _ = try SignedNote(parsing: note) } == "bad-note", "\(note)") }
    }

    @Test func everyMangledVerifierKeyIsRefused() throws {
        #expect(try NoteKey(peterKey).description == peterKey)
        let bytes = Array(peterKey.utf8)
        for start in bytes.indices {
            for end in start..<bytes.count where start != 0 || end != bytes.count - 1 {
                let part = String(decoding: bytes[start...end], as: UTF8.self)
                #expect(refusal { _ = try NoteKey(part) } != nil, "\(part)")
            }
        }
        for index in bytes.indices {
            var mangled = bytes
            mangled[index] += 1
            let text = String(decoding: mangled, as: UTF8.self)
            #expect(refusal { _ = try NoteKey(text) } != nil, "\(text)")
        }
        // Wrong length and unknown type, with the hash that would fit.
        for bad in [
            "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
            "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            #expect(refusal { _ = try NoteKey(bad) } == "bad-note-key")
        }
    }

    @Test func checkpoints() throws {
        // The example of tlog-checkpoint.
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        let example = try Checkpoint(text: text)
        #expect(example.origin == "example.com/behind-the-sofa" && example.size == 20_852_163)
        #expect(example.text == text)

        let key = try peter()
        let checkpoint = try Checkpoint(origin: "corp.example/nave/1", size: 0, root: MerkleTree.emptyRoot)
        let note = try checkpoint.signed(by: [key])
        func verified(_ note: String, _ origin: String = "corp.example/nave/1") throws -> Checkpoint {
            try Checkpoint.verified(note: note, origin: origin, keys: [key.publicKey])
        }
        #expect(try verified(note) == checkpoint)
        #expect(refusal { _ = try verified(note, "corp.example/nave/2") } == "below-threshold")
        let larger = note.replacing("\n0\n", with: "\n1\n")
        #expect(larger != note && refusal { _ = try verified(larger) } == "bad-signature")
        // A key of the right name signs another origin's text.
        let foreign = try SignedNote(text: text, signers: [("corp.example/nave/1", key)]).description
        #expect(refusal { _ = try verified(foreign) } == "foreign-origin")

        let root = Base64.encode(MerkleTree.emptyRoot)
        for bad in [
            "", "o\n1\n", "o\n1\n\(root)", "o\n01\n\(root)\n", "o\n-1\n\(root)\n", "o\n+1\n\(root)\n", "\n1\n\(root)\n",
            "o\n1\nAAAA\n", "o\n1\n\(root)\nextension\n", "o \n1\n\(root)\n", "o\n1\n\(root)\n\n",
        ] {
            #expect(refusal { _ = try Checkpoint(text: bad) } == "bad-checkpoint", "\(bad)")
        }
    }
}
