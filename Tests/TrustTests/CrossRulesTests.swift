import Model
import TestSupport
import Testing
import Trust

/// The key of the next root under the present one, made by whoever holds that.
@Suite("cross certificates") struct CrossRulesTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String?
        var change: @Sendable (inout CertificateDraft) throws -> Void
    }

    /// Two roots of one name and what the first one signs for the second.
    struct Roots {
        let present: CertificateAuthority
        let presentKey: PrivateKey
        let next: CertificateAuthority
        let nextKey: PrivateKey

        init(nextName: String = "corp.example root 1") throws {
            func root(_ name: String, _ key: PrivateKey) throws -> CertificateAuthority {
                try CertificateAuthority.makeRoot(
                    organization: "corp.example", name: name, key: key, isConstrained: true,
                    serial: TestPKI.serial(of: key), now: TestPKI.now)
            }
            (presentKey, nextKey) = (try PrivateKey.generateP256(), try PrivateKey.generateP256())
            present = try root("corp.example root 1", presentKey)
            next = try root(nextName, nextKey)
        }

        func draft() -> CertificateDraft {
            var draft = CertificateDraft(
                organization: "", commonName: "", serial: [UInt8](repeating: 0x41, count: 16), notBefore: TestPKI.now,
                notAfter: TestPKI.now + .days(1000), publicKey: nextKey.publicKey, keyUsage: [.keyCertSign, .crlSign])
            draft.subjectOf = next.certificate
            draft.subjectKeyID = next.certificate.subjectKeyID
            draft.isCA = true
            draft.pathLength = 1
            draft.nameConstraints = NameConstraints(organization: "corp.example")
            return draft
        }

        func rules(_ cross: Certificate, now: Instant = TestPKI.now) -> CrossRules {
            CrossRules(
                certificate: cross, root: next.certificate, present: present.certificate, organization: "corp.example",
                now: now)
        }

        func intermediate(_ signer: CertificateAuthority, key: PrivateKey? = nil) throws -> Certificate {
            let key = try key ?? PrivateKey.generateP256()
            return try signer.issueIntermediate(
                domain: "finance.corp.example", publicKey: key.publicKey, serial: TestPKI.serial(of: key),
                now: TestPKI.now)
        }
    }

    static let rows = [
        Row(testDescription: "as it should be", code: nil) { _ in },
        Row(testDescription: "no limit of its path", code: nil) { $0.pathLength = nil },
        Row(testDescription: "another key", code: "other-key") {
            $0.publicKey = try PrivateKey.generateP256().publicKey
        },
        Row(testDescription: "no CA", code: "not-a-ca") { $0.isCA = false },
        Row(testDescription: "signs no lists", code: "wrong-key-usage") { $0.keyUsage = .keyCertSign },
        Row(testDescription: "for servers only", code: "wrong-purpose") {
            $0.extendedKeyUsage = [ExtendedKeyUsage.serverAuth]
        },
        Row(testDescription: "another name", code: "other-name") {
            $0.subjectOf = nil
            $0.commonName = "another"
        },
        Row(testDescription: "another key identifier", code: "other-key-identifier") {
            $0.subjectKeyID = [UInt8](repeating: 1, count: 20)
        },
        Row(testDescription: "no key identifier", code: "no-key-identifier") { $0.subjectKeyID = [] },
        Row(testDescription: "no CA below it", code: "wrong-path-length") { $0.pathLength = 0 },
        Row(testDescription: "any name", code: "no-name-constraints") { $0.nameConstraints = nil },
        Row(testDescription: "not critical", code: "name-constraints-not-critical") {
            $0.nameConstraintsAreCritical = false
        },
        Row(testDescription: "other names", code: "wrong-name-constraints") {
            $0.nameConstraints = NameConstraints(organization: "evil.example")
        },
        Row(testDescription: "one zone only", code: "wrong-name-constraints") {
            $0.nameConstraints = NameConstraints(domain: "finance.corp.example")
        },
        Row(testDescription: "ends soon", code: "ends-soon") { $0.notAfter = TestPKI.now + .days(29) },
        Row(testDescription: "not yet", code: "not-yet-valid") { $0.notBefore = TestPKI.now + .days(1) },
        Row(testDescription: "over", code: "expired") { $0.notAfter = TestPKI.now },
        Row(testDescription: "short serial", code: "short-serial") { $0.serial = [0x41, 0x41, 0x41] },
        Row(testDescription: "unknown critical extension", code: "unknown-critical-extension") {
            $0.otherCriticalExtensions = ["1.3.6.1.4.1.55555.1"]
        },
        // No rule of ours looks at it: libcrypto does, on the path.
        Row(testDescription: "a name that the present root may not give", code: "bad-path") {
            $0.names = [GeneralName(.dns, "evil.example")]
        },
    ]

    @Test(arguments: rows) func judges(_ row: Row) throws {
        let roots = try Roots()
        var draft = roots.draft()
        try row.change(&draft)
        let cross = try draft.signed(by: roots.presentKey, issuer: roots.present.certificate)
        #expect(refusal { try roots.rules(cross).judge() } == row.code)
    }

    @Test func whatAnotherSignedIsNothing() throws {
        let (roots, others) = (try Roots(), try Roots())
        // The same names, another key.
        let foreign = try roots.draft().signed(by: others.presentKey, issuer: others.present.certificate)
        #expect(refusal { try roots.rules(foreign).judge() } == "not-signed-by-root")
        let own = try roots.draft().signed(by: roots.nextKey, issuer: roots.next.certificate)
        #expect(refusal { try roots.rules(own).judge() } == "not-signed-by-root")
    }

    @Test func theRootThatSignsHasNotEnded() throws {
        let roots = try Roots()
        var draft = roots.draft()
        draft.notAfter = roots.present.certificate.notAfter + .days(100)
        let cross = try draft.signed(by: roots.presentKey, issuer: roots.present.certificate)
        for (now, expected) in [(TestPKI.now, nil), (roots.present.certificate.notAfter + .days(1), "expired")] {
            #expect(refusal { try roots.rules(cross, now: now).judge() } == expected)
        }
    }

    @Test func sha1IsRefused() throws {
        let roots = try Roots()
        let weak = try CorporateCA().sign(
            RootRulesTests.Row(testDescription: "SHA-1", code: "weak-signature", digest: "-sha1"), key: roots.nextKey)
        #expect(refusal { try roots.rules(weak).judge() } == "weak-signature")
    }

    @Test func aRootOfAnotherNameIsOneCAMore() throws {
        let roots = try Roots(nextName: "corp.example root 2")
        let cross = try roots.draft().signed(by: roots.presentKey, issuer: roots.present.certificate)
        #expect(refusal { try roots.rules(cross).judge() } == "wrong-path-length")
        // It is what libcrypto says of the whole path, and says nothing of under one name.
        for (roots, expected) in [(roots, "bad-path"), (try Roots(), nil)] {
            let cross = try roots.draft().signed(by: roots.presentKey, issuer: roots.present.certificate)
            let key = try PrivateKey.generateP256()
            let intermediate = try CertificateAuthority(
                certificate: try roots.intermediate(roots.next, key: key), key: key)
            let leafKey = try PrivateKey.generateP256()
            let leaf = try intermediate.issueLeaf(
                CertificateTemplate(
                    kind: .client, id: try SPIFFEID("spiffe://finance.corp.example/client/a"),
                    publicKey: leafKey.publicKey, validity: .days(1), serial: TestPKI.serial(of: leafKey)),
                now: TestPKI.now)
            #expect(
                refusal {
                    _ = try PeerVerifier(anchors: ["finance.corp.example": [roots.present.certificate]]).verify(
                        chainDER: [leaf.der, intermediate.certificate.der, cross.der], purpose: .client,
                        now: TestPKI.now)
                } == expected)
        }
        #expect(
            refusal {
                _ = try roots.present.crossCertify(
                    roots.next.certificate, serial: [UInt8](repeating: 0x42, count: 16), now: TestPKI.now)
            } == "bad-template")
    }

    @Test func whatWeSignIsTakenAndLeadsToThePresentRoot() throws {
        let roots = try Roots()
        let cross = try roots.present.crossCertify(
            roots.next.certificate, serial: [UInt8](repeating: 0x42, count: 16), now: TestPKI.now)
        let rules = roots.rules(cross)
        #expect(refusal { try rules.judge() } == nil)
        #expect(cross.nameConstraints == roots.next.certificate.nameConstraints)
        let intermediate = try roots.intermediate(roots.next)
        #expect(refusal { try rules.demandPath(of: intermediate) } == nil)
        #expect(refusal { try rules.demandPath(of: try roots.intermediate(Roots().next)) } == "bad-path")
        #expect(refusal { try roots.rules(cross, now: cross.notAfter).demandPath(of: intermediate) } == "expired")
    }
}
