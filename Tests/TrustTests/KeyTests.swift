import Model
import TestSupport
import Testing
import Trust

@Suite struct KeyTests {
    /// RFC 8032, section 7.1, test 2.
    @Test func ed25519Vector() throws {
        let seed = try #require(Hex.decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
        let key = try PrivateKey(ed25519Seed: seed)
        let raw = try #require(key.publicKey.ed25519Bytes)
        #expect(Hex.encode(raw) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        let signature = try key.sign([0x72])
        #expect(
            Hex.encode(signature)
                == "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
        #expect(key.publicKey.verify([0x72], signature: signature))
        #expect(!key.publicKey.verify([0x73], signature: signature))
        #expect(!key.publicKey.verify([0x72], signature: []))
        #expect(try PublicKey(ed25519: raw) == key.publicKey)
    }

    @Test(arguments: [PublicKey.Algorithm.p256, .ed25519]) func roundTrips(_ algorithm: PublicKey.Algorithm) throws {
        let key = try algorithm == .p256 ? PrivateKey.generateP256() : PrivateKey.generateEd25519()
        #expect(key.publicKey.algorithm == algorithm)
        let again = try PrivateKey(pem: key.pem)
        #expect(again.publicKey == key.publicKey)
        #expect(key.publicKey.verify([1, 2, 3], signature: try again.sign([1, 2, 3])))
        #expect(!key.publicKey.verify([1, 2, 3], signature: try again.sign([1, 2])))
        #expect(try PublicKey(spkiDER: key.publicKey.spkiDER) == key.publicKey)
        #expect(isDigestText(key.publicKey.spkiDigest))
        #expect((key.publicKey.ed25519Bytes == nil) == (algorithm == .p256))
        #expect(try key.pem.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
    }

    @Test func refusesWhatIsNotAKey() throws {
        let key = try PrivateKey.generateP256()
        let spki = key.publicKey.spkiDER
        #expect(refusal { _ = try PublicKey(spkiDER: spki + [0]) } == "bad-key")
        #expect(refusal { _ = try PublicKey(spkiDER: Array(spki.dropLast())) } == "bad-key")
        #expect(refusal { _ = try PublicKey(spkiDER: []) } == "bad-key")
        #expect(refusal { _ = try PublicKey(ed25519: [1, 2, 3]) } == "bad-key")
        #expect(refusal { _ = try PrivateKey(pem: "") } == "bad-pem")
        #expect(refusal { _ = try PrivateKey(pem: try key.pem + key.pem) } == "bad-pem")
        #expect(refusal { _ = try PrivateKey(pem: TestPKI().root.certificate.pem) } == "bad-pem")
        let encrypted = "-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END PRIVATE KEY-----\n"
        #expect(refusal { _ = try PrivateKey(pem: encrypted) } == "bad-pem")
        // The compressed point of the same key: another spelling, so another digest.
        let compressed =
            Array(spki[..<1]) + [57, 48, 19] + spki[4..<23] + [3, 34, 0, 2 + (spki[90] & 1)] + spki[27..<59]
        #expect(refusal { _ = try PublicKey(spkiDER: compressed) } == "bad-key")
    }

    @Test func digests() {
        // FIPS 180-4, the example `abc`, and no bytes at all.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(Hex.encode(SHA256.hash(Array("abc".utf8))) == abc)
        #expect(digestText(of: "abc".utf8) == "sha256:\(abc)")
        #expect(
            digestText(of: []) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        var stream = SHA256.Stream()
        stream.update("a".utf8)
        stream.update([])
        stream.update(Array("bc".utf8))
        #expect(Hex.encode(stream.finish()) == abc)
        #expect(isDigestText("sha256:\(abc)") && !isDigestText("sha256:\(abc.uppercased())") && !isDigestText(abc))
    }

    @Test func randomBytesDiffer() throws {
        let first = try randomBytes(32)
        #expect(first.count == 32)
        #expect(try randomBytes(32) != first)
        #expect(throws: TrustError.self) { try randomBytes(0) }
    }

    /// RFC 4648, section 10, and every other spelling.
    @Test func base64HasOneSpelling() {
        let vectors = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
        for (text, encoded) in vectors {
            #expect(Base64.encode(Array(text.utf8)) == encoded)
            #expect(Base64.decode(encoded) == Array(text.utf8))
            let unpadded = String(encoded.filter { $0 != "=" })
            #expect(Base64.encodeURL(Array(text.utf8)) == unpadded)
            #expect(Base64.decodeURL(unpadded) == Array(text.utf8))
        }
        for bad in ["Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", " Zm9v", "Zm-v", "Zm_v", "Zm9vé"] {
            #expect(Base64.decode(bad) == nil, "\(bad)")
        }
        for bad in ["A", "AAAAA", "Zg==", "Zh", "Zm9", "Z", "Zm+v", "Zm/v", "Zm9v "] {
            #expect(Base64.decodeURL(bad) == nil, "\(bad)")
        }
        let all = Array(UInt8.min...UInt8.max)
        #expect(Base64.decode(Base64.encode(all)) == all && Base64.decodeURL(Base64.encodeURL(all)) == all)
        #expect(Hex.decode(Hex.encode(all)) == all)
        #expect(Hex.decode("0") == nil && Hex.decode("0G") == nil && Hex.decode("AB") == nil)
    }

    @Test func theFixedMomentIsWhatItSays() {
        #expect(TestPKI.now.description == "2026-11-21T12:00:00.000Z")
    }
}
