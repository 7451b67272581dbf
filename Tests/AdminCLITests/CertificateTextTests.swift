import AdminCLI
import Model
import Testing

@Suite struct CertificateTextTests {
    private static let now = Instant(milliseconds: 1_795_262_400_000)  // 2026-11-21T12:00:00Z

    private func row(_ serial: String, _ state: CertificateRow.State, certificate: String? = nil) throws
        -> CertificateRow
    {
        CertificateRow(
            serial: serial, identity: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"), state: state,
            notBefore: Self.now - .minutes(5), notAfter: Self.now + .days(7), key: "sha256:ab", invitation: nil,
            certificate: certificate)
    }

    @Test func aListSaysWhatHoldsUntilWhen() throws {
        #expect(
            certificateTable([try row("0a1b", .current), try row("0a1c", .revoked)]).text(.off) == """
                SERIAL  STATE    UNTIL              IDENTITY
                0a1b    current  2026-11-28 12:00Z  spiffe://finance.corp.example/spoke/fin-1
                0a1c    revoked  2026-11-28 12:00Z  spiffe://finance.corp.example/spoke/fin-1

                """)
    }

    @Test func oneEndsWithItsPEM() throws {
        let text = certificateText(try row("0a1b", .superseded, certificate: "MAA="), .off)
        #expect(text.hasPrefix("0a1b\n  identity    spiffe://finance.corp.example/spoke/fin-1\n"))
        #expect(text.hasSuffix("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
    }

    @Test func aSpokeAcknowledgesWhatItEnforces() {
        func row(_ spoke: String, _ applied: Int64?) -> Rollout.Row {
            Rollout.Row(
                spoke: spoke, state: .current, wanted: 9, applied: applied, detail: nil, connected: true, lastSeen: nil)
        }
        let rows = [row("f/older", 8), row("f/this", 9), row("f/newer", 12), row("f/none", nil)]
        #expect(unacknowledged(rows, index: 9) == ["f/older", "f/none"])
    }
}
