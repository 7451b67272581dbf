import Foundation
import Model
import TestSupport
import Testing
import Trust

/// The files of `Tests/Vectors`, which another program made: each case is judged with the expected code, and what is good
/// comes out of our own code byte by byte. `check_vectors.py` there judges the same files with nothing of ours.
@Suite struct VectorTests {
    /// A vector file. Its cases have a `name`, and a `code` or null.
    private struct Vectors {
        let json: JSON
        let keys: [String: PrivateKey]

        init(_ name: String) throws {
            json = try JSON(parsing: Array(Checkout.text("Tests/Vectors/\(name).json").utf8))
            var keys: [String: PrivateKey] = [:]
            for (_, key) in json["keys"]?.object?.pairs ?? [] {
                let made = try PrivateKey(ed25519Seed: #require(Hex.decode(key.text("seed"))))
                #expect(try made.publicKey.spkiDigest == key.text("keyid"))
                #expect(try Base64.encode(made.publicKey.ed25519Bytes ?? []) == key.text("public"))
                keys[made.publicKey.spkiDigest] = made
            }
            self.keys = keys
        }

        /// Judges each case, and demands that there are good ones and bad ones.
        func judge(_ list: String = "cases", _ body: (JSON) throws -> Void) throws {
            let cases = try #require(json[list]?.array)
            for item in cases {
                let expected = try #require(item["code"]).string
                let name = try item.text("name")
                #expect(refusal { try body(item) } == expected, "\(name)")
            }
            #expect(cases.contains { $0["code"] == .null } && cases.contains { $0["code"] != .null })
        }

        /// Where every signer of the envelope is one of the file's keys, signing again gives the same envelope.
        func signAgain(_ envelope: JSON, payload: [UInt8]) throws {
            let read = try JSONCoding.decode(DSSEEnvelope.self, from: envelope)
            let signers = read.signatures.compactMap { keys[$0.keyid] }
            let again = try DSSE.sign(payload, payloadType: read.payloadType, keys: signers)
            #expect(try JSONCoding.encode(again) == envelope)
        }
    }

    @Test func dsse() throws {
        let vectors = try Vectors("dsse")
        for row in try #require(vectors.json["encodings"]?.array) {
            let payload = try #require(Base64.decode(row.text("payload")))
            let bytes = DSSE.preAuthenticationEncoding(payloadType: try row.text("payloadType"), payload: payload)
            #expect(try Base64.encode(bytes) == row.text("bytes"))
        }
        try vectors.judge { row in
            var trusted: [String: PublicKey] = [:]
            for (id, text) in row["trusted"]?.object?.pairs ?? [] {
                trusted[id] = try PublicKey(ed25519: #require(Base64.decode(text.string ?? "")))
            }
            let envelope = try DSSEEnvelope(parsing: (row["envelope"] ?? .null).canonicalBytes)
            let payload = try DSSE.verify(
                envelope, payloadType: row.text("payloadType"), keys: trusted, threshold: Int(row.number("threshold")))
            #expect(try Base64.encode(payload) == row.text("result"))
            if try !row.text("name").contains("damaged") {
                try vectors.signAgain(row["envelope"] ?? .null, payload: payload)
            }
        }
    }

    @Test func checkpoint() throws {
        let vectors = try Vectors("checkpoint")
        try vectors.judge { row in
            let origin = try row.text("origin")
            let keys = try row.texts("verifierKeys").map { try NoteKey($0) }
            #expect(keys.allSatisfy { $0.name == origin })
            let note = try row.text("note")
            let checkpoint = try Checkpoint.verified(
                note: note, origin: origin, keys: keys.map(\.publicKey), threshold: Int(row.number("threshold")))
            #expect(try checkpoint.size == row.number("size") && Hex.encode(checkpoint.root) == row.text("root"))
            // Signing again gives the same lines, but for the witness's.
            let signers = keys.compactMap { vectors.keys[$0.publicKey.spkiDigest] }
            for line in try checkpoint.signed(by: signers).split(separator: "\n") {
                #expect(note.split(separator: "\n").contains(line))
            }
        }
    }

    @Test func merkle() throws {
        let vectors = try Vectors("merkle")
        let leaves = try vectors.json.texts("entries").map { MerkleTree.leafHash(Array($0.utf8)) }
        let roots = try vectors.json.texts("roots")
        for (size, root) in roots.enumerated() {
            #expect(Hex.encode(MerkleTree.root(of: leaves.prefix(size))) == root)
        }
        try vectors.judge("inclusion") { row in
            let (index, size) = (try row.number("index"), try row.number("size"))
            let proof = try row.hashes("proof")
            try MerkleTree.verifyInclusion(
                leafHash: row.hash("leafHash"), index: index, size: size, proof: proof, root: row.hash("root"))
            #expect(try MerkleTree.inclusionProof(index: Int(index), leaves: leaves.prefix(Int(size))) == proof)
        }
        try vectors.judge("consistency") { row in
            let (first, second) = (try row.number("first"), try row.number("second"))
            let proof = try row.hashes("proof")
            try MerkleTree.verifyConsistency(
                first: (first, row.hash("firstRoot")), second: (second, row.hash("secondRoot")), proof: proof)
            #expect(try MerkleTree.consistencyProof(size: Int(first), leaves: leaves.prefix(Int(second))) == proof)
        }
    }

    @Test func delivery() throws {
        let vectors = try Vectors("delivery")
        let roles = try #require(vectors.json["roles"])
        try vectors.judge { row in
            let type = try row.text("payloadType")
            let ids = try roles.texts(type)
            let trusted = vectors.keys.filter { ids.contains($0.key) }.mapValues(\.publicKey)
            let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: row["envelope"] ?? .null)
            let payload = try DSSE.verify(envelope, payloadType: type, keys: trusted, threshold: 1)
            if type == PolicyBundle.payloadType {
                let bundle = try JSONCoding.decodeCanonical(PolicyBundle.self, from: payload)
                #expect(
                    bundle.spoke.description == "spiffe://finance.corp.example/spoke/fin-1" && bundle.revision == 41)
            } else {
                let lease = try JSONCoding.decodeCanonical(Lease.self, from: payload)
                #expect(lease.issued == TestPKI.now)
                #expect(try lease.bundle == #require(vectors.json["cases"]?.array?.first).text("digest"))
            }
            #expect(try String(decoding: payload, as: UTF8.self) == row.text("payload"))
            #expect(try digestText(of: payload) == row.text("digest"))
            try vectors.signAgain(row["envelope"] ?? .null, payload: payload)
        }
    }

    /// The steps by which a stored leaf is believed: its hash, its one form, its meaning, what was disclosed of it.
    @Test func leaf() throws {
        try Vectors("leaf").judge { row in
            let bytes = Array(try row.text("leaf").utf8)
            guard try Hex.encode(MerkleTree.leafHash(bytes)) == row.text("leafHash") else {
                throw TrustError("bad-leaf-hash", "another hash")
            }
            let json = try JSON(parsing: bytes)
            guard json.canonicalBytes == bytes else { throw TrustError("not-canonical", "another form") }
            _ = try Entry(PersonalData.reveal(json) { _ in nil })
            var disclosures: [PersonalData.Disclosure] = []
            for item in row["disclosures"]?.array ?? [] {
                let disclosure = PersonalData.Disclosure(
                    commit: try item.text("commit"), salt: try #require(Hex.decode(item.text("salt"))),
                    value: try item.text("value"))
                guard digestText(of: disclosure.salt + Array(disclosure.value.utf8)) == disclosure.commit else {
                    throw TrustError("bad-commitment", "another value")
                }
                #expect(disclosure.salt.count == 32)
                disclosures.append(disclosure)
            }
            // Both ways: revealing gives the entry, concealing the entry with the same salts gives the leaf.
            let entry = try #require(row["entry"])
            #expect(PersonalData.reveal(json) { commit in disclosures.first { $0.commit == commit }?.value } == entry)
            #expect(try Entry(entry).json() == entry)
            let concealed = PersonalData.conceal(entry) { value in
                disclosures.first { $0.value == value } ?? PersonalData.Disclosure(commit: "", salt: [], value: value)
            }
            #expect(concealed.json.canonicalBytes == bytes && Set(concealed.disclosures) == Set(disclosures))
        }
    }

    @Test func publication() throws {
        try Vectors("publication").judge { row in
            let entry = try Entry(JSON(parsing: Array(row.text("entry").utf8)))
            guard case .bundlesPublished(let published) = entry.event else {
                throw TrustError("not-published", "no publication")
            }
            #expect(try String(decoding: entry.json().canonicalBytes, as: UTF8.self) == row.text("entry"))
            let bundle = try JSONCoding.decode(PublishedBundle.self, from: row["bundle"] ?? .null)
            let leaf = try JSONCoding.decode(DeliveryProof.Leaf.self, from: row["leaf"] ?? .null)
            let root = try #require(Hex.decode(String(published.root.dropFirst("sha256:".count))))
            let hash = MerkleTree.leafHash(try bundle.leaf)
            do throws(TrustError) {
                try SlotTree.verify(
                    hash, of: bundle.spoke.description, index: leaf.index, count: published.count,
                    proof: try ProofText.decode(leaf.path), root: root)
            } catch { throw TrustError("not-published", error.message) }
        }
    }

    @Test func joinToken() throws {
        try Vectors("join-token").judge { row in
            let token = try JoinToken(parsing: row.text("token"))
            let body = try #require(row["body"])
            #expect(try token.secretHash == row.text("secretHash"))
            #expect(try token.encoded() == row.text("token").trimmingSpace)
            #expect(try token.hub == body.text("hub") && token.address == body.text("address"))
            #expect(try token.zone == body["zone"]?.string && token.name == body.text("name"))
            #expect(try token.kind.rawValue == body.text("kind") && token.root == body.text("root"))
            let secret = try #require(Base64.decodeURL(body.text("secret")))
            let again = try JoinToken(
                hub: token.hub, address: token.address, root: token.root, zone: token.zone, name: token.name,
                kind: token.kind, secret: secret)
            #expect(again == token)
        }
    }

    @Test func manifest() throws {
        let vectors = try Vectors("manifest")
        try vectors.judge { row in
            let now = try #require(Instant(row.text("now")))
            let items = try #require(row["envelopes"]?.array)
            let envelopes = try items.map { try JSONCoding.decode(DSSEEnvelope.self, from: $0) }
            let first = try TrustManifest.verifyFirst(envelopes[0], pinnedRootSPKI: row.text("pin"))
            let last = try TrustManifest.verifyLinks(Array(envelopes.dropFirst()), from: first).last ?? first
            try last.checkExpiry(now)
            #expect(try last.version == row.number("version"))
            for item in items {
                let payload = try #require(Base64.decode(item.text("payload")))
                try vectors.signAgain(item, payload: payload)
            }
        }
    }

    @Test("check_vectors.py judges the same (needs the package python3-cryptography)")
    func checkedByOthers() async throws {
        let script = Checkout.root.appending(path: "Tests/Vectors/check_vectors.py")
        let checked = try await run(script, [])
        #expect(checked.code == 0, "\(checked.output)\(checked.errors)")
        #expect(checked.output.contains("all cases hold"))
    }
}

extension JSON {
    fileprivate func text(_ key: String) throws -> String { try #require(self[key]?.string, "no text `\(key)`") }
    fileprivate func number(_ key: String) throws -> Int64 { try #require(self[key]?.integer, "no number `\(key)`") }
    fileprivate func texts(_ key: String) throws -> [String] {
        try #require(self[key]?.array, "no list `\(key)`").map { try #require($0.string) }
    }
    fileprivate func hash(_ key: String) throws -> [UInt8] { try #require(Hex.decode(text(key))) }
    fileprivate func hashes(_ key: String) throws -> [[UInt8]] { try texts(key).map { try #require(Hex.decode($0)) } }
}

extension String {
    fileprivate var trimmingSpace: String {
        String(decoding: utf8.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed(), as: UTF8.self)
    }
}
