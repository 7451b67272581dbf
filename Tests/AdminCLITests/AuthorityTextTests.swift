import AdminCLI
import Model
import Testing

@Suite struct AuthorityTextTests {
    private static let end = Instant(milliseconds: 1_795_262_400_000)  // 2026-11-21T12:00:00Z

    @Test func aListSaysWhatHangsOnWhat() {
        let key = "sha256:0123456789abcdef"
        let rows = [
            AuthorityRow(
                name: "root", state: .prepared, serial: "0a", key: key, notAfter: Self.end, leaves: 0,
                isInManifest: false),
            AuthorityRow(
                name: "root", state: .active, serial: "0b", key: key, notAfter: Self.end, leaves: 3,
                isInManifest: true),
            AuthorityRow(name: "ops", state: .requested, serial: nil, key: key, notAfter: nil, leaves: 0),
        ]
        #expect(
            authorityTable(rows).text(.off) == """
                NAME  STATE      SERIAL  KEY           UNTIL              LEAVES  MANIFEST
                root  prepared   0a      0123456789ab  2026-11-21 12:00Z  0       no
                root  active     0b      0123456789ab  2026-11-21 12:00Z  3       yes
                ops   requested  -       0123456789ab  -                  0

                """)
    }

    @Test func whoStillHangsOnItIsARefusal() {
        #expect(ExitStatus(code: "authority-in-use", status: 403) == .refused)
        #expect(ExitStatus(code: "not-tainted", status: 409) == .failed)
    }
}
