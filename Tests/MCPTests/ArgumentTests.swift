import MCP
import Model
import Testing

@Suite struct ArgumentTests {
    static let corp = [
        Egress(tools: ["fetch*"], arguments: ["url", "options.proxy"], to: ["https://*.corp.example/**"])
    ]

    @Test(
        arguments: [
            (["url": "https://api.corp.example/v1/x?y=1"], true), (["url": "https://api.corp.example"], true),
            (["url": nil], true), ([:], true), (["other": "https://evil.example/"], true),
            (["url": ["https://a.corp.example/", "https://b.corp.example/x"]], true),
            (["url": ["https://a.corp.example/", "https://evil.example/"]], false),
            (["url": "http://api.corp.example/"], false), (["url": "https://corp.example/"], false),
            (["url": "https://api.corp.example.evil.example/"], false),
            (["url": "https://evil.example/?.corp.example/"], false),
            (["url": "https://evil.example?.corp.example/"], false),
            (["url": "https://evil.example#.corp.example/"], false),
            (["url": "https://api.corp.example@evil.example/"], false),
            (["url": "https://evil.example\\.corp.example/"], false),
            (["url": "https://api.corp.example:443/"], false), (["url": "HTTPS://api.corp.example/"], false),
            (["url": "//api.corp.example/"], false), (["url": "file:///etc/passwd"], false),
            (["url": "javascript:alert(1)"], false), (["url": " https://api.corp.example/"], false),
            (["url": 7], false), (["url": ["x": "https://api.corp.example/"]], false),
            (["options": ["proxy": "https://evil.example/"]], false),
            (["options.proxy": "https://evil.example/"], false),
            // Whatever a server could take for the argument.
            (["options.proxy": "https://a.corp.example/", "options": ["proxy": "https://evil.example/"]], false),
            // Lists on the way, and JSON within strings.
            (["options": [["proxy": "https://a.corp.example/"], ["proxy": "https://evil.example/"]]], false),
            (["options": [[["proxy": "https://evil.example/"]]]], false),
            (["options": [["proxy": "https://a.corp.example/"], ["other": "https://evil.example/"]]], true),
            (["options": "{\"proxy\":\"https://evil.example/\"}"], false),
            (["options": " [{\"PROXY\":\"https://evil.example/\"}]"], false),
            (["options": "\"{\\\"proxy\\\":\\\"https://evil.example/\\\"}\""], true),
            (["options": ["{\"proxy\":\"https://evil.example/\"}"]], false),
            (["options": "{\"proxy\":\"https://a.corp.example/\"}"], true),
            (["options": "{\"proxy\":\"https://a.corp.example/\",\"x\":NaN}"], false),
            (["options": "{\"proxy\":\"https://a.corp.example/\",\"proxy\":\"https://evil.example/\"}"], false),
            (["options": "plain words"], true), (["url": "[\"https://api.corp.example/\"]"], false),
            (["URL": "https://evil.example/"], false), (["Options": ["PROXY": "https://evil.example/"]], false),
        ] as [(JSON, Bool)])
    func urlsGoWhereTheListSays(arguments: JSON, isAllowed: Bool) throws {
        let arguments = try #require(arguments.object)
        #expect((EgressRules.violation(Self.corp, tool: "fetch_page", arguments: arguments) == nil) == isAllowed)
        // Another tool is not spoken of.
        #expect(EgressRules.violation(Self.corp, tool: "read", arguments: arguments) == nil)
        #expect(EgressRules.violation(nil, tool: "fetch_page", arguments: arguments) == nil)
    }

    @Test("an index in an argument's name finds each value once, however many lists stand around it")
    func indices() throws {
        let rules = [Egress(tools: ["*"], arguments: ["a.0.b", "a.0.0.b"], to: ["https://*.corp.example/**"])]
        for (json, isAllowed) in [
            (#"{"a":[{"b":"https://a.corp.example/"}]}"#, true), (#"{"a":[{"b":"https://evil.example/"}]}"#, false),
            (#"{"a":[[{"b":"https://evil.example/"}]]}"#, false),
            (#"{"a":[[[{"b":"https://evil.example/"}]]]}"#, false),
            (#"{"a":{"0":{"b":"https://evil.example/"}}}"#, false),
            (#"{"a":[{"0":{"b":"https://evil.example/"}}]}"#, false),
        ] {
            let arguments = try #require(try JSON(parsing: Array(json.utf8)).object)
            #expect((EgressRules.violation(rules, tool: "t", arguments: arguments) == nil) == isAllowed, "\(json)")
        }
        let depth = 55
        let leaves = Array(repeating: #"{"b":"https://a.corp.example/"}"#, count: 5000).joined(separator: ",")
        let deep =
            #"{"a":"# + String(repeating: "[", count: depth) + leaves + String(repeating: "]", count: depth) + "}"
        let arguments = try #require(try JSON(parsing: Array(deep.utf8)).object)
        let time = ContinuousClock().measure {
            #expect(EgressRules.violation(rules, tool: "t", arguments: arguments) == nil)
        }
        #expect(time < .seconds(5))
    }

    @Test(
        arguments: [
            "127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
            "[::1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::a00:1]", "localhost", "db.localhost", "printer.local",
            "intranet", "metadata.google.internal",
        ])
    func privateAddressesAreRefusedUnlessTheyAreAllowed(host: String) {
        let arguments = JSONObject([("url", .string("http://\(host)/"))])
        let everywhere = Egress(arguments: ["url"], to: ["http://**"])
        var within = everywhere
        within.allowPrivate = true
        #expect(EgressRules.violation([everywhere], tool: "t", arguments: arguments) != nil)
        #expect(EgressRules.violation([within], tool: "t", arguments: arguments) == nil)
        // Every rule that speaks of the argument has to let it through.
        #expect(EgressRules.violation([within, everywhere], tool: "t", arguments: arguments) != nil)
    }

    @Test(arguments: ["http://93.184.215.14/", "http://[2606:2800:21f::1]/", "http://example.com/"])
    func publicAddressesPass(url: String) {
        let rule = Egress(arguments: ["url"], to: ["http://**"])
        #expect(EgressRules.violation([rule], tool: "t", arguments: JSONObject([("url", .string(url))])) == nil)
    }

    @Test(arguments: [
        "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://①/",
    ])
    func otherSpellingsOfAddressesAreNoURLs(url: String) {
        var rule = Egress(arguments: ["url"], to: ["http://**"])
        rule.allowPrivate = true
        #expect(EgressRules.violation([rule], tool: "t", arguments: JSONObject([("url", .string(url))])) != nil)
    }

    @Test(
        arguments: [
            (.pathTraversal, "../etc/passwd", true), (.pathTraversal, "a/..", true), (.pathTraversal, "a\\..\\b", true),
            (.pathTraversal, "%2e%2e%2fetc", true), (.pathTraversal, "%252e%252e/etc", true),
            (.pathTraversal, "a/..;x/b", true), (.pathTraversal, "a\u{0}.txt", true), (.pathTraversal, "a%00", true),
            (.pathTraversal, "a/b..c/...", false), (.pathTraversal, "notes/2026.txt", false),
            (.shell, "x; rm -rf /", true), (.shell, "$(id)", true), (.shell, "a|b", true), (.shell, "`id`", true),
            (.shell, "a\nb", true), (.shell, "plain words, 4711-x_y.z/%", false), (.sql, "1; drop table t", true),
            (.sql, "x' -- ", true), (.sql, "x/**/y", true), (.sql, "O'Brien", false), (.sql, "a-b", false),
        ] as [(ArgumentCheck.Kind, String, Bool)])
    func spellingsOfAttacksAreFound(kind: ArgumentCheck.Kind, text: String, isFound: Bool) {
        let check = ArgumentCheck(kind, arguments: ["x"], then: .refuse)
        for value in [.string(text), [.string(text)], ["deep": [.string(text)]]] as [JSON] {
            let found = ArgumentChecks.findings([check], tool: "t", arguments: JSONObject([("x", value)]))
            #expect(found.isEmpty != isFound)
        }
        // Deeper: a list on the way, and JSON in a string, which a shell would stumble over whatever it says.
        let within = JSON.object(JSONObject([("y", .string(text))]))
        let deep = ArgumentCheck(kind, arguments: ["x.y"], then: .refuse)
        let written = JSON.string(String(decoding: within.bytes, as: UTF8.self))
        for value in [within, [within], written, [written]] as [JSON] {
            let found = ArgumentChecks.findings([deep], tool: "t", arguments: JSONObject([("x", value)]))
            #expect(found.isEmpty != isFound)
        }
        guard kind != .shell else { return }
        let found = ArgumentChecks.findings([check], tool: "t", arguments: JSONObject([("x", written)]))
        #expect(found.isEmpty != isFound)
        #expect(ArgumentChecks.findings([check], tool: "t", arguments: JSONObject([("y", .string(text))])).isEmpty)
    }

    @Test(
        arguments: [
            #"{"path":"\u002e\u002e/etc/passwd"}"#, #"{"path":"\u002e\u002e/etc/passwd","x":NaN}"#,
            #"{"a":1,"a":"..\/..\/etc"}"#, #"{"path":"{\"p\":\"\\u002e./x\"}"}"#, #"["\u002e\u002e"]"#,
            #"['\u002e\u002e/x']"#,
        ])
    func escapesOfJSONHideNothing(text: String) {
        let check = ArgumentCheck(.pathTraversal, arguments: ["x"], then: .refuse)
        for value in [JSON.string(text), [.string(text)]] {
            #expect(!ArgumentChecks.findings([check], tool: "t", arguments: JSONObject([("x", value)])).isEmpty)
        }
    }

    @Test func whatIsRefusedComesBeforeWhatIsReported() {
        let checks = [
            ArgumentCheck(.shell, arguments: ["x"], then: .report),
            ArgumentCheck(.sql, arguments: ["x"], then: .refuse),
        ]
        let found = ArgumentChecks.findings(checks, tool: "t", arguments: JSONObject([("x", ";")]))
        #expect(found.map(\.then) == [.refuse, .report])
        #expect(found.map(\.text) == ["sql in `x`", "shell in `x`"])
    }
}
