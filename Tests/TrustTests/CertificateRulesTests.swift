import Model
import TestSupport
import Testing
import Trust

@Suite struct CertificateRulesTests {
    /// One broken field, and the code of the rule that sees it.
    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String
        var change: @Sendable (inout CertificateDraft) -> Void
    }

    static let rows = [
        Row(testDescription: "no URI", code: "not-one-uri") { $0.names.removeFirst() },
        Row(testDescription: "two URIs", code: "not-one-uri") {
            $0.names.append(GeneralName(.uri, "spiffe://finance.corp.example/spoke/fin-2"))
        },
        Row(testDescription: "not SPIFFE", code: "bad-spiffe-id") {
            $0.names[0].value = "https://finance.corp.example/spoke/fin-1"
        },
        Row(testDescription: "upper case", code: "bad-spiffe-id") {
            $0.names[0].value = "spiffe://finance.corp.example/spoke/FIN-1"
        },
        Row(testDescription: "query", code: "bad-spiffe-id") {
            $0.names[0].value = "spiffe://finance.corp.example/spoke/fin-1?x"
        },
        Row(testDescription: "another zone", code: "foreign-trust-domain") {
            $0.names = [GeneralName(.uri, "spiffe://analytics.corp.example/spoke/fin-1")]
        },
        Row(testDescription: "domain below", code: "foreign-trust-domain") {
            $0.names = [GeneralName(.uri, "spiffe://a.finance.corp.example/spoke/fin-1")]
        },
        Row(testDescription: "foreign DNS name", code: "foreign-dns-name") { $0.names[1].value = "fin-1.corp.example" },
        Row(testDescription: "suffix without a dot", code: "foreign-dns-name") {
            $0.names[1].value = "evilfinance.corp.example"
        },
        Row(testDescription: "wildcard", code: "foreign-dns-name") { $0.names[1].value = "*.finance.corp.example" },
        Row(testDescription: "two DNS names", code: "many-dns-names") {
            $0.names.append(GeneralName(.dns, "fin-2.finance.corp.example"))
        },
        Row(testDescription: "IP", code: "other-name") { $0.names.append(GeneralName(.ip, "0a000001")) },
        Row(testDescription: "e-mail", code: "other-name") {
            $0.names.append(GeneralName(.email, "a@finance.corp.example"))
        },
        Row(testDescription: "CA", code: "is-ca") {
            $0.isCA = true
            $0.keyUsage.insert(.keyCertSign)
        },
        Row(testDescription: "no key usage", code: "wrong-key-usage") { $0.keyUsage = [] },
        Row(testDescription: "no signatures", code: "wrong-key-usage") { $0.keyUsage = KeyUsage(rawValue: 0x20) },
        Row(testDescription: "signs lists", code: "wrong-key-usage") { $0.keyUsage.insert(.crlSign) },
        Row(testDescription: "no purpose", code: "wrong-purpose") { $0.extendedKeyUsage = [] },
        Row(testDescription: "server only", code: "wrong-purpose") {
            $0.extendedKeyUsage = [ExtendedKeyUsage.serverAuth]
        },
        Row(testDescription: "any purpose", code: "wrong-purpose") { $0.extendedKeyUsage = ["2.5.29.37.0"] },
        Row(testDescription: "begins later", code: "not-yet-valid") {
            $0.notBefore = TestPKI.now + .minutes(5) + .seconds(1)
        },
        Row(testDescription: "ends now", code: "expired") { $0.notAfter = TestPKI.now },
        Row(testDescription: "unknown critical extension", code: "unknown-critical-extension") {
            $0.otherCriticalExtensions = ["1.3.6.1.4.1.55555.1"]
        },
        Row(testDescription: "critical name constraints in a leaf", code: "unknown-critical-extension") {
            $0.nameConstraints = NameConstraints(domain: "finance.corp.example")
        },
        Row(testDescription: "serial of 56 bits", code: "short-serial") {
            $0.serial = [UInt8](repeating: 0x41, count: 7)
        },
    ]

    @Test func theDraftThatRowsBreakIsGood() throws {
        let path = try TrustPath()
        let leaf = try path.leaf()
        for purpose in CertificatePurpose.allCases {
            #expect(path.verdict(leaf, purpose: purpose) == nil)
            #expect(path.peerVerdict(leaf, purpose: purpose) == nil)
        }
    }

    @Test(arguments: rows) func brokenField(_ row: Row) throws {
        let path = try TrustPath()
        let leaf = try path.leaf(row.change)
        #expect(path.verdict(leaf) == row.code)
        // The whole of `PeerVerifier` refuses it too, for this reason or for one that it sees before.
        #expect(path.peerVerdict(leaf) != nil)
    }

    @Test func borders() throws {
        let path = try TrustPath()
        #expect(path.verdict(try path.leaf { $0.notBefore = TestPKI.now + .minutes(5) }) == nil)
        #expect(path.peerVerdict(try path.leaf { $0.notBefore = TestPKI.now + .minutes(5) }) == nil)
        #expect(path.verdict(try path.leaf { $0.notAfter = TestPKI.now + .seconds(1) }) == nil)
        #expect(path.peerVerdict(try path.leaf { $0.notAfter = TestPKI.now + .seconds(1) }) == nil)
        #expect(path.verdict(try path.leaf { $0.serial = [UInt8](repeating: 0x41, count: 8) }) == nil)
        #expect(path.verdict(try path.leaf { $0.names.removeLast() }) == nil)
        #expect(path.verdict(try path.leaf { $0.names[1].value = "finance.corp.example" }) == nil)
    }

    @Test func weakKeyIsRefused() throws {
        let path = try TrustPath()
        let ed25519 = try PrivateKey.generateEd25519().publicKey
        #expect(path.verdict(try path.leaf { $0.publicKey = ed25519 }) == "weak-key")
    }

    @Test(arguments: strongKeys) func strongerCurvesAreTaken(_ algorithm: PublicKey.Algorithm, _ pem: String) throws {
        let path = try TrustPath()
        let der = try #require(PEM.decode(label: "PUBLIC KEY", pem).first)
        let key = try PublicKey(spkiDER: der)
        #expect(key.algorithm == algorithm)
        #expect(path.verdict(try path.leaf { $0.publicKey = key }) == nil)
    }

    /// Made with `openssl req -x509 -sha1`; its issuer is not asked by the rules.
    @Test func sha1IsRefused() throws {
        #expect(try TrustPath().verdict(Certificate(pem: sha1PEM)) == "weak-signature")
    }

    /// Made with `openssl x509 -req` without extensions.
    @Test func version1IsRefused() throws {
        let certificate = try Certificate(pem: version1PEM)
        #expect(certificate.version == 1)
        #expect(try TrustPath().verdict(certificate) == "old-certificate")
    }

    @Test func anIssuerWithoutADomainCountsOnlyWhereItsRootServesOne() throws {
        let path = try TrustPath()
        let leaf = try path.leaf()
        func verdict(mustName: Bool) -> String? {
            refusal {
                _ = try CertificateRules(
                    leaf: leaf, issuer: path.root.certificate, issuerMustNameDomain: mustName, purposes: [.client],
                    now: TestPKI.now
                ).judge()
            }
        }
        #expect(verdict(mustName: true) == "foreign-trust-domain")
        #expect(verdict(mustName: false) == nil)
    }
}

private let sha1PEM = """
    -----BEGIN CERTIFICATE-----
    MIIBpTCCAUygAwIBAgIQfwARIjNEVWZ3iJmqu8zd7jAJBgcqhkjOPQQBMA4xDDAK
    BgNVBAMMA29sZDAgFw0yNjExMjEwODQ4MjZaGA8yMTI2MTAyODA4NDgyNlowDjEM
    MAoGA1UEAwwDb2xkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHQmbr1oAVV40
    rA5Kt7XYMuBShHsbMEerLG17iSPmVdp0nBFMKfpmRajEtyB/aTy6T3/pjEVdVcH7
    UY/cK8lcCaOBijCBhzAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNV
    HSUEDDAKBggrBgEFBQcDAjAzBgNVHREELDAqhihzcGlmZmU6Ly9maW5hbmNlLmNv
    cnAuZXhhbXBsZS9jbGllbnQvb2xkMB0GA1UdDgQWBBQJ1PGNeohlVn6PSN5B87DI
    yIC6jDAJBgcqhkjOPQQBA0gAMEUCIBRYd5WU7YWDAX5HJb5govNiR1VrHoy9HOm/
    ekTxQhQcAiEAuWTA93wx73aZLcNSh0+I7pSmz5qSGJr0rfu64bgPm98=
    -----END CERTIFICATE-----
    """

private let version1PEM = """
    -----BEGIN CERTIFICATE-----
    MIIBEzCBuwIQfwARIjNEVWZ3iJmqu8zd7jAKBggqhkjOPQQDAjAOMQwwCgYDVQQD
    DANvbGQwIBcNMjYxMTIxMDg0ODI2WhgPMjEyNjEwMjgwODQ4MjZaMA4xDDAKBgNV
    BAMMA29sZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABB0Jm69aAFVeNKwOSre1
    2DLgUoR7GzBHqyxte4kj5lXadJwRTCn6ZkWoxLcgf2k8uk9/6YxFXVXB+1GP3CvJ
    XAkwCgYIKoZIzj0EAwIDRwAwRAIgD81sKBU8BTq7AW5gG3myTquVUD01UNc8CmBk
    IWm1LUwCIE14HMopMoneV0Emke5E6o9pK9gjpnq9FCXNtrk/AUb9
    -----END CERTIFICATE-----
    """

/// Made with `openssl ecparam -genkey`, the public halves.
private let strongKeys: [(PublicKey.Algorithm, String)] = [
    (
        .p384,
        """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAENZxY7EVKgK7YdVPSmphC5ZHzIj7mam43
        nw9prlZJbRJvvN+/IncIqHXRKa3KVc+hZ06pO5IMjo3ZqgyDniG4wJcW20bh3YOv
        kv0r+eo3BPK9TEbjnA1OWaEFIVq97OHl
        -----END PUBLIC KEY-----
        """
    ),
    (
        .p521,
        """
        -----BEGIN PUBLIC KEY-----
        MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBH96HFc5F16Afh7QARFFIm0P3tpz7
        0ANezcBT8TJwZiIZQYtT5MkaP6vC3nbd7UII4JwKPXYIk1OLKK5S7qdiWuEANcoL
        vtAUzA744s7t07EBARhTTGHbpILY+UyXIZ9w8cHvtHjtOl0AbMctr39a4+kMPa66
        FaGT5Ol/Sh6kVVb6tA4=
        -----END PUBLIC KEY-----
        """
    ),
]
