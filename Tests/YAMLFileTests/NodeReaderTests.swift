import Model
import Testing
import YAMLFile

private enum Colour: String, CaseIterable { case red, green }

@Suite struct NodeReaderTests {
    /// Reads `text` with `body` and gives what it reported.
    private func problems(_ text: String, _ body: (NodeReader) -> Void) -> [ModelError] {
        let problems = Problems()
        guard let node = YAMLFile.parse(Array(text.utf8), file: "t.yaml", problems: problems) else {
            return problems.all
        }
        body(NodeReader(node, problems))
        return problems.all
    }

    @Test func everyMistakeOfAFileIsReportedAtOnce() {
        let text = """
            name: ledger
            colour: gren
            descripton: x
            port: eighty
            name: again
            wait: 10 s
            size: 1MB
            tags: [a, 7, yes]
            inner: { deep: 1 }
            """
        let found = problems(text) { reader in
            _ = reader.mapping("a server") { server in
                _ = server.required("name") { $0.label() }
                _ = server.required("owner") { $0.string() }
                _ = server.optional("colour") { $0.word(Colour.self) }
                _ = server.optional("description") { $0.string() }
                _ = server.optional("port") { $0.integer(in: 1...65_535) }
                _ = server.optional("wait") { $0.duration() }
                _ = server.optional("size") { $0.size() }
                _ = server.optional("tags") { $0.list { $0.string() } }
                _ = server.optional("inner") { $0.mapping("a thing") { _ in } }
            }
        }
        #expect(
            located(found) == [
                "missing-key 1:1", "bad-value 2:9", "unknown-key 3:1", "wrong-type 4:7", "duplicate-key 5:1",
                "bad-value 6:7", "bad-value 7:7", "wrong-type 8:11", "wrong-type 8:14", "unknown-key 9:10",
            ])
        #expect(found[1].hint == "did you mean `green`?")
        #expect(found[2].hint == "did you mean `description`?")
        #expect(found[8].hint == "quote it: \"yes\"")
        #expect(found[3].description.hasPrefix("t.yaml:4:7: expected an integer, found the text `eighty`"))
    }

    @Test(arguments: [
        "yes", "No", "ON", "off", "y", "N", "True", "NULL", "0o7", "07", "-07", "0x1F", "0b11", "1:30", "12:30:45",
        "1_000",
        "1.5", ".5", "2026-01-31", "2026-1-1", "2026-01-31T00:00:00Z", "1e3", "-1.5E+3", ".inf", "-.Inf", ".NaN", "+1",
        "9223372036854775808", "=",
    ])
    func aTextThatIsNoTextElsewhereMustBeQuoted(_ text: String) {
        let found = problems("- \(text)\n- \"\(text)\"\n- '\(text)'") { _ = $0.list { $0.string() } }
        #expect(located(found) == ["wrong-type 1:3"])
        #expect(found.first?.hint == "quote it: \"\(text)\"")
    }

    @Test(arguments: [
        "none", "yesterday", "v1.2", "1.2.3", "10.0.0.0/8", "07:00-19:00", "2026-01-31x", "2026-01", "1h", "0o", "0x",
        "a1:30", "-",
        ".",
        "..", "+", "1:2:3:x", "127.0.0.1:9464", "e3", "<= 1000", "4*", "+.", "-a", "Mon-Fri 07:00-19:00 Europe/Berlin",
    ])
    func plainTextsStayTexts(_ text: String) {
        #expect(plainScalarSurprise(text) == nil)
    }

    @Test(arguments: [
        ("2026-02-30", "bad-value"), ("2026-1-1", "bad-value"), ("tomorrow", "bad-value"), ("20260101", "wrong-type"),
    ])
    func refusesDays(_ text: String, _ code: String) {
        #expect(problems(text) { _ = $0.date() }.map(\.code) == [code])
    }

    @Test func readsEveryKind() {
        let text =
            "{d: 2026-02-28, w: 90s, s: 64KiB, b: true, i: -3, l: fin-1, t: 2026-11-21T08:15:30Z, m: {x: 1, y2: 2}}"
        let found = problems(text) { reader in
            _ = reader.mapping("a file") { file in
                #expect(file.required("d") { $0.date() } == CivilDate("2026-02-28"))
                #expect(file.required("w") { $0.duration() } == .seconds(90))
                #expect(file.required("s") { $0.size() } == ByteCount(65_536))
                #expect(file.required("b") { $0.bool() } == true)
                #expect(file.required("i") { $0.integer() } == -3)
                #expect(file.required("l") { $0.label() } == "fin-1")
                #expect(file.required("t") { $0.instant() } == Instant("2026-11-21T08:15:30Z"))
                #expect(
                    file.required("m") {
                        $0.entries { key, value in value.integer().map { [key.label()?.count ?? 0, Int($0)] } }
                    }
                        == [[1, 1], [2, 2]])
                #expect(file.optional("absent") { $0.string() } == nil)
            }
        }
        #expect(found == [])
    }

    @Test(arguments: [
        ("a", "label"), ("A", "bad-value"), ("-a", "bad-value"), ("a_b", "bad-value"), ("''", "bad-value"),
        ("7", "wrong-type"),
        ("[a]", "wrong-type"), ("{a: b}", "wrong-type"), ("~", "wrong-type"), ("true", "wrong-type"),
    ])
    func labels(_ text: String, _ expected: String) {
        let found = problems("- \(text)") { _ = $0.list { $0.label() } }
        #expect(found.first?.code ?? "label" == expected)
        #expect(found.count <= 1)
    }

    @Test func oneOfTakesExactlyOne() {
        func oneOf(_ text: String) -> [String] {
            located(problems(text) { _ = $0.mapping("a rule") { _ = $0.oneOf(["allow", "deny"]) } })
        }
        #expect(oneOf("allow: x") == [])
        #expect(oneOf("deny: x") == [])
        #expect(oneOf("{allow: x, deny: y}") == ["bad-value 1:12"])
        #expect(oneOf("{alow: x}") == ["missing-key 1:1", "unknown-key 1:2"])
        // What may not stand beside the one that was chosen is not suggested.
        let found = problems("{allow: x, denyy: y}") { _ = $0.mapping("a rule") { _ = $0.oneOf(["allow", "deny"]) } }
        #expect(found.map(\.code) == ["unknown-key"])
        #expect(found.first?.hint == nil)
    }

    @Test func problemsAreSortedAndBounded() {
        let problems = Problems()
        problems.add("x", "no place", at: nil)
        problems.add("x", "b", at: Place(file: "b", line: 1, column: 1))
        problems.add("x", "a 10", at: Place(file: "a", line: 10, column: 1))
        problems.add("x", "a 9", at: Place(file: "a", line: 9, column: 4))
        problems.add("x", "a 9 later", at: Place(file: "a", line: 9, column: 4))
        #expect(problems.all.map(\.message) == ["a 9", "a 9 later", "a 10", "b", "no place"])
        for _ in 0..<2000 { problems.add("x", "more", at: nil) }
        #expect(problems.all.count == Problems.maximum)
    }

    @Test(arguments: [
        ("servrs", "servers"), ("network", "networks"), ("sevrers", "servers"), ("xyz", nil), ("ro", nil),
        ("rol", "role"),
    ])
    func suggests(_ word: String, _ expected: String?) {
        #expect(suggestion(for: word, among: ["servers", "networks", "role", "stale"]) == expected)
    }

    @Test func messagesQuoteBoundedAndVisible() {
        #expect(backticked("a\u{202E}b\nc") == "`a\\u{202e}b\\u{a}c`")
        #expect(backticked(String(repeating: "x", count: 300)).count == 83)
    }
}
