import MCP
import Testing

@Suite struct ResourceURITests {
    @Test(arguments: [
        "note://index", "customer://7/profile", "ledger://reports/2026/q1", "file:///srv/data/a.txt", "file:///",
        "https://example.com", "https://example.com/", "https://example.com:8443/a/b/", "urn:isbn:0451450523",
        "mailto:x", "memo:a/b", "x-y+z.1:a", "https://h/a?b=c/../d", "https://h/%C3%A9", "https://h/a%20b",
        "a://b/c:d@e",
        "https://[::1]/x", "data://t/a;v=1", "https://h/...", "https://h/.hidden", "https://h/a..b", "https://h/%3F",
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
