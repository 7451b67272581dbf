import MCP
import Testing

@Suite struct ResourceURITests {
    @Test(arguments: [
        "note://index", "customer://7/profile", "ledger://reports/2026/q1", "file:///srv/data/a.txt", "file:///",
        "https://example.com/", "https://example.com:8443/a/b/", "urn:isbn:0451450523",
        "mailto:x", "memo:a/b", "x-y+z.1:a", "https://h/a?b=c/../d", "https://h/%C3%A9", "https://h/a%20b",
        "a://b/c:d@e",
        "https://[::1]/x", "data://t/a;v=1", "https://h/...", "https://h/.hidden", "https://h/a..b", "https://h/%3F",
        "https://h/%23", "file:///c:/x", "http://127.0.0.1/", "http://1.a/x",
        "http://127.0.0.1:8080/", "https://h:80/", "http://h:443/", "ledger://h:80/x", "ledger://127.1/x", "ledger://h",
        "https://[2001:db8::1]/", "ledger://[1:2:3:4:5:6:7:8]:1/x", "http://[1:0:2::3]/", "http://[::]/",
        "https://h:65535/x", "file:///srv/jane.roe@example.com.txt", "memo:a:b@c!$&'()*+,;=",
        "http://h/a?b=c&d=:@!$()*+,;/?", "note:///a",
    ])
    func accepts(uri: String) throws { try ResourceURI.validate(uri) }

    @Test(arguments: [
        "", "note", "//host/a", "/a", ":a", "a:", "1a:b", "note:", "NOTE://index", "Note://index", "note://Index",
        "note://a/../b", "note://a/./b", "note://a/..", "note://a/.", "note://a/..;x/b", "memo:../a", "memo:a/./b",
        "note://a//b", "note:////a", "note://a/b//", "memo:a//b", "memo:/", "note://a\\b", "note://a/b\\..\\c",
        "note://u@a/b", "note://u:p@a/b", "note://a/b#c", "note://a/é", "note://a/b c", "note://a/\u{0}", "note://a/\n",
        "note://a/%2e%2e/b", "note://a/%2E%2E/b", "note://a/%2F", "note://a/%2f", "note://a/%5C", "note://a/%25",
        "note://a/%252E", "note://a/%00", "note://a/%0A", "note://a/%7F", "note://a/%41", "note://a/%7e",
        "note://a/%c3%a9",
        "note://a/%", "note://a/%4", "note://a/%zz", "note://a/%C0%AE", "note://a/%FF", "note://a/%C3/%A9",
        "note://%61/b", "note://a/{id}", "note://a/<b>", "note://a/\"", "note://a/^", "note://a/`", "note://a/|",
        "https://h/?q=%2e", "https://h/?q=a#b",
    ])
    func refuses(uri: String) { #expect(refusal { try ResourceURI.validate(uri) } == "bad-uri") }

    /// Readers after the URL standard, pydantic's `AnyUrl` for one, read each as another URI than it is written.
    @Test(arguments: [
        "file:etc/passwd", "file:c:/x", "file:/etc/passwd", "file://localhost/etc/passwd", "file://", "file://h/a",
        "http:host/secret", "http:/host/secret", "http:///host/x", "http://host", "https://example.com",
        "https://example.com?q=1", "ws://h", "ftp://h", "wss:h/a", "http://", "http://:8080/x",
        "http://host:80/x", "https://host:443/x", "ws://host:80/x", "wss://host:443/x", "ftp://host:21/x",
        "ledger://h:/x", "ledger://h:0080/x", "ledger://h:0/x", "ledger://h:65536/x", "ledger://h:99999999999/x",
        "ledger://h:8a/x", "ledger://h:1:2/x", "ledger://:80/x", "http://h:/x",
        "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0x7f000001/", "http://0x/",
        "http://127.0.0.01/",
        "http://256.1.1.1/", "http://1.2.3.4.5/", "http://a.1/", "http://a.0x1f/", "http://127.0.0.1./", "http://h./",
        "http://.h/", "http://a..b/", "https://00/", "ftp://1.2.3/",
        "http://[0:0:0:0:0:0:0:1]/", "http://[::0]/", "http://[0::1]/", "http://[::01]/", "http://[::FFFF]/",
        "ledger://[0:0:0:0:0:0:0:1]/x", "http://[1:0:0:2::3:4]/", "http://[1:0:0:0:2::3]/", "http://[1:2:3:4:5:6:7::]/",
        "http://[::ffff:1.2.3.4]/", "http://[::ffff:102:304]/", "http://[::1.2.3.4]/", "http://[::102:304]/",
        "http://[1::2::3]/", "http://[1:2:3]/", "http://[:::]/", "http://[]/", "http://[v1.a]/", "http://[::1]a/",
        "http://[::1/x", "http://::1]/x", "ledger://a[b]/x", "http://[12345::]/",
    ])
    func refusesWhatReadersRewrite(uri: String) { #expect(refusal { try ResourceURI.validate(uri) } == "bad-uri") }

    /// Readers of templates decode what they cut out, so that each of these is one resource with the bare character.
    @Test(arguments: Array(":@!$&'()*+,;=[]/?#").filter { $0 != "?" && $0 != "#" }.map(String.init))
    func refusesEncodedCharactersThatMayStandBare(character: String) throws {
        let byte = try #require(character.utf8.first)
        let encoded = "%" + String(byte, radix: 16, uppercase: true)
        for uri in ["ledger://hr/a\(encoded)b", "https://h/\(encoded)", "https://h/?q=\(encoded)", "memo:a\(encoded)"] {
            #expect(refusal { try ResourceURI.validate(uri) } == "bad-uri", "\(uri)")
        }
    }

    @Test(arguments: [
        "ledger://h/[x]", "ledger://h/a]", "memo:[a]", "https://h/?q=[1]", "https://h/?q='a'", "ledger://h/?a'",
        "https://h/?q=%3F", "https://h/?", "memo:a?",
    ])
    func refusesCharactersOutOfPlace(uri: String) { #expect(refusal { try ResourceURI.validate(uri) } == "bad-uri") }

    @Test func boundsTheLength() throws {
        let prefix = "note://"
        try ResourceURI.validate(prefix + String(repeating: "a", count: 2048 - prefix.utf8.count))
        #expect(refusal { try ResourceURI.validate(prefix + String(repeating: "a", count: 2042)) } == "bad-uri")
    }

    @Test func mutationsNeverCrash() {
        var generator = SeededGenerator(state: 17)
        var accepted = 0
        for _ in 0..<20_000 {
            let bytes = generator.mutated(Array("https://h.example/a/%C3%A9/b?c=%20d".utf8))
            if refusal({ try ResourceURI.validate(String(decoding: bytes, as: UTF8.self)) }) == nil { accepted += 1 }
        }
        #expect(accepted > 100)
    }
}
