import Model
import Testing

@Suite struct JSONParserTests {
    @Test(
        arguments: [
            ("null", JSON.null), (" true ", true), ("\t[\r\n]\n", []), ("{}", [:]), ("0", 0), ("-0", "-0"),
            ("-12", -12),
            ("\"\"", ""), ("[1,[2,{\"a\":[]}]]", [1, [2, ["a": []]]]), ("{\"a\":1,\"A\":2}", ["a": 1, "A": 2]),
            ("\"\\u0041\\n\\/\\\"\\\\\"", "A\n/\"\\"), ("\"\\ud83d\\uDE00\"", "\u{1F600}"),
            ("\"\u{1F600}é\u{7F}\"", "😀é\u{7F}"),
            ("\"\\u0000\"", "\u{0}"), ("{\"\":1}", ["": 1]), ("[null,false]", [nil, false]),
            ("\"\\uFFFF\"", "\u{FFFF}"),
        ] as [(String, JSON)])
    func accepts(text: String, expected: JSON) throws {
        let value = try JSON(parsing: Array(text.utf8))
        if text == "-0" {
            #expect(value.integer == 0)
            #expect(value.number?.text == "-0")
        } else {
            #expect(value == expected)
        }
    }

    @Test(arguments: [
        ("", "bad-json"), (" ", "bad-json"), ("nul", "bad-json"), ("nulL", "bad-json"), ("True", "bad-json"),
        ("1 2", "bad-json"), ("{}{}", "bad-json"), ("[1,]", "bad-json"), ("[,1]", "bad-json"), ("[1", "bad-json"),
        ("[1}", "bad-json"), ("{\"a\"}", "bad-json"), ("{\"a\":}", "bad-json"), ("{a:1}", "bad-json"),
        ("{'a':1}", "bad-json"), ("{\"a\":1,}", "bad-json"), ("{\"a\":1 \"b\":2}", "bad-json"), ("{1:1}", "bad-json"),
        ("01", "bad-json"), ("-", "bad-json"), ("-01", "bad-json"), ("+1", "bad-json"), (".5", "bad-json"),
        ("1.", "bad-json"), ("1.e3", "bad-json"), ("1e", "bad-json"), ("1e+", "bad-json"), ("0x10", "bad-json"),
        ("NaN", "bad-json"), ("Infinity", "bad-json"), ("-Infinity", "bad-json"), ("1e999", "bad-number"),
        ("\"abc", "bad-json"), ("\"a\nb\"", "bad-json"), ("\"\t\"", "bad-json"), ("\"\\x41\"", "bad-json"),
        ("\"\\u12\"", "bad-json"), ("\"\\u12g4\"", "bad-json"), ("\"\\", "bad-json"), ("\"\\\"", "bad-json"),
        ("// c\n1", "bad-json"), ("[1]//", "bad-json"), ("\u{FEFF}1", "bad-encoding"), ("\u{A0}1", "bad-json"),
        ("\"\\ud800\"", "lone-surrogate"), ("\"\\udc00\"", "lone-surrogate"), ("\"\\ud800\\n\"", "lone-surrogate"),
        ("\"\\ud800\\ud800\"", "lone-surrogate"), ("\"\\ude00\\ud83d\"", "lone-surrogate"),
        ("{\"a\":1,\"a\":1}", "duplicate-key"), ("{\"a\":1,\"\\u0061\":2}", "duplicate-key"),
        ("[{\"b\":{\"a\":1,\"c\":0,\"a\":1}}]", "duplicate-key"), ("{\"é\":1,\"e\u{301}\":2}", "duplicate-key"),
        ("{\"K\":1,\"\u{212A}\":2}", "duplicate-key"), ("{\"a\\u0000\":1}", "bad-key"), ("{\"\\u001f\":1}", "bad-key"),
        ("{\"\u{7F}\":1}", "bad-key"), ("{\"\u{85}\":1}", "bad-key"),
        (String(repeating: "1", count: 65), "bad-number"),
    ])
    func refuses(text: String, code: String) {
        #expect(failure { try JSON(parsing: Array(text.utf8)) } == code)
    }

    @Test(
        arguments: [
            [0xFF, 0xFE, 0x31, 0x00], [0xFE, 0xFF, 0x00, 0x31], [0x31, 0x00], [0x00, 0x31], [0x00, 0x00, 0x00, 0x31],
            [0x7B, 0x00, 0x7D, 0x00], [0x22, 0xC3, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22],
        ] as [[UInt8]])
    func refusesWhatIsNotUTF8(bytes: [UInt8]) {
        #expect(failure { try JSON(parsing: bytes) } == "bad-encoding")
    }

    @Test(arguments: [
        "{\"name\":1,\"Name\":2}", "{\"a\":{\"method\":1,\"METHOD\":2}}", "{\"items\":1,\"item\u{17F}\":2}",
        "{\"key\":1,\"\u{212A}ey\":2}", "{\"name\":1,\"ｎame\":2}", "{\"straße\":1,\"STRASSE\":2}",
    ])
    func refusesKeysThatALenientReaderTakesForEachOther(text: String) throws {
        #expect(
            failure { try JSON(parsing: Array(text.utf8), limits: .untrusted(maximumBytes: 1000)) } == "ambiguous-key")
        _ = try JSON(parsing: Array(text.utf8))
    }

    /// Swift's strings take time quadratic in a run of combining marks to be hashed, compared or folded: such keys are
    /// refused before anything does. Were they not, this would take many minutes.
    @Test(arguments: [JSON.Limits.standard, .untrusted(maximumBytes: 4 << 20)])
    func refusesKeysThatAreDearToCompare(limits: JSON.Limits) {
        func text(_ key: String) -> [UInt8] { Array(#"{"x":1,"b\#(key)":2}"#.utf8) }
        for count in [62, 10_000, 500_000] {
            let marks = String(repeating: "\u{301}", count: count / 2) + String(repeating: "\u{316}", count: count / 2)
            #expect(failure { try JSON(parsing: text(marks), limits: limits) } == "bad-key")
        }
        let escaped = String(repeating: #"\u0301\u0316"#, count: 50)
        #expect(failure { try JSON(parsing: text(escaped), limits: limits) } == "bad-key")
        #expect(failure { try JSON(parsing: text(String(repeating: "é", count: 64)), limits: limits) } == "bad-key")
        #expect(failure { try JSON(parsing: text(String(repeating: "a", count: 1024)), limits: limits) } == "bad-key")
    }

    @Test func keysUpToTheBoundsAreRead() throws {
        for key in [
            String(repeating: "é", count: 64), "a" + String(repeating: "\u{301}", count: 30),
            String(repeating: "a", count: 1024),
        ] {
            let text = Array(#"{"x":1,"\#(key)":2}"#.utf8)
            #expect(try JSON(parsing: text, limits: .untrusted(maximumBytes: 4096))[key] == 2)
        }
        let slashes = Array(#"{"\#(String(repeating: #"\/"#, count: 1000))":2}"#.utf8)
        #expect(try JSON(parsing: slashes)[String(repeating: "/", count: 1000)] == 2)
    }

    /// The worst that the bounds let through, a mebibyte of it: each key costs no more than its own few bytes.
    @Test func manyKeysOfManyMarksAreRead() throws {
        let marks = String(repeating: "\u{301}", count: 15) + String(repeating: "\u{316}", count: 15)
        let fewer = String(repeating: "\u{301}", count: 14) + String(repeating: "\u{316}", count: 14)
        let members = (0..<8000).map { "\"\($0 + 10_000)\(marks)x\(fewer)\":1" }
        let text = Array("{\(members.joined(separator: ","))}".utf8)
        #expect((1_000_000...1 << 20).contains(text.count))
        let value = try JSON(parsing: text, limits: .untrusted(maximumBytes: 1 << 20))
        #expect(value.object?.count == 8000)
        let last = try #require(value.object?.keys.last)
        #expect(value[last] == 1)
        #expect(value["17999"] == nil)
    }

    @Test func equalTreesHashAlikeAndByBytes() {
        let marks = String(repeating: "\u{301}", count: 100_000) + String(repeating: "\u{316}", count: 100_000)
        let trees: Set<JSON> = [
            .string(marks), .string(marks), ["a": .string(marks)], "\u{212A}", "K", 1, "1", true, nil,
        ]
        #expect(trees.count == 8)
        #expect(trees.contains(["a": .string(marks)]))
    }

    @Test func findsDuplicatesAmongManyKeys() {
        let members = (0..<100).map { "\"key\($0)\":\($0)" } + ["\"key50\":1"]
        #expect(failure { try JSON(parsing: Array("{\(members.joined(separator: ","))}".utf8)) } == "duplicate-key")
    }

    @Test func boundsDepthSizeAndKeys() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        _ = try JSON(parsing: nested(64))
        #expect(failure { try JSON(parsing: nested(65)) } == "json-too-deep")
        #expect(failure { try JSON(parsing: Array(repeating: UInt8(ascii: "["), count: 1_000_000)) } == "json-too-deep")
        var limits = JSON.Limits.standard
        limits.maximumDepth = 1_000_000
        #expect(failure { try JSON(parsing: nested(513), limits: limits) } == "json-too-deep")
        limits.maximumBytes = 3
        #expect(failure { try JSON(parsing: Array("1234".utf8), limits: limits) } == "json-too-large")
        limits = .standard
        limits.maximumKeysPerObject = 2
        #expect(
            failure { try JSON(parsing: Array("{\"a\":1,\"b\":2,\"c\":3}".utf8), limits: limits) }
                == "json-too-many-keys")
    }

    @Test func keepsNumbersAsWritten() throws {
        let text = "[1.50,1e2,-0,9223372036854775807,9223372036854775808,0.1]"
        let value = try JSON(parsing: Array(text.utf8))
        #expect(value.description == text)
        #expect(value[0]?.integer == nil)
        #expect(value[0]?.number?.double == 1.5)
        #expect(value[3]?.integer == Int64.max)
        #expect(value[4]?.integer == nil)
        #expect(JSONNumber(text: "1 ") == nil)
        #expect(JSONNumber(text: "1.25")?.double == 1.25)
    }

    @Test func canonicalFormIsRFC8785() throws {
        let text = #"{"\u20ac":"Euro","\r":1,"\ufb33":"H","1":"One","\ud83d\ude00":"S","\u0080":"C","\u00f6":"O"}"#
        // The RFC's own example; two of its keys are control characters, which we refuse.
        let usable = text.replacing(#""\r":1,"#, with: "").replacing(#""\u0080":"C","#, with: "")
        let value = try JSON(parsing: Array(usable.utf8))
        #expect(
            String(decoding: value.canonicalBytes, as: UTF8.self) == #"{"1":"One","ö":"O","€":"Euro","😀":"S","דּ":"H"}"#)
        let escapes: JSON = "\u{20}\u{1F}\u{8}\t\n\u{C}\r\"\\/\u{7F}é"
        #expect(escapes.description == "\" \\u001f\\b\\t\\n\\f\\r\\\"\\\\/\u{7F}é\"")
    }

    @Test func objectsKeepOrderAndCompareWithoutIt() throws {
        var object = JSONObject([("b", 1), ("a", 2), ("b", 3)])
        #expect(JSON.object(object).description == #"{"b":3,"a":2}"#)
        #expect(object == JSONObject([("a", 2), ("b", 3)]))
        #expect(object.hashValue == JSONObject([("a", 2), ("b", 3)]).hashValue)
        object["b"] = nil
        object["c"] = nil
        #expect(object.keys == ["a"])
        for number in 0..<40 { object["k\(number)"] = .number(JSONNumber(Int64(number))) }
        object["k3"] = nil
        #expect(object["k39"] == 39)
        #expect(object["k3"] == nil)
        #expect(object.count == 40)
    }

    @Test func namesAreComparedByteForByte() {
        let kelvin: JSON = ["\u{212A}": 1]
        #expect(kelvin["K"] == nil)
        #expect(JSON.string("\u{212A}") != JSON.string("K"))
        var many = JSONObject((0..<30).map { ("\($0)", JSON.null) })
        many["\u{212A}"] = 1
        #expect(many["K"] == nil)
        many["K"] = 2
        #expect(many["\u{212A}"] == 1)
    }

    @Test func mutationsNeverCrashAndWhatIsReadRoundTrips() throws {
        let seeds = [
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":[1,-2.5e3,null,true]}}}"#,
            #"["\ud83d\ude00\u00e9é😀",{"":{"a":"\\\"\/\b"}},[[[[]]]],0,1e10,false]"#,
        ]
        var generator = SplitMix(state: 42)
        var read = 0
        for _ in 0..<20_000 {
            var bytes = Array(seeds[Int(generator.next() % 2)].utf8)
            for _ in 0..<(1 + generator.next() % 3) {
                let position = Int(generator.next() % UInt64(bytes.count))
                switch generator.next() % 3 {
                case 0: bytes[position] = UInt8(truncatingIfNeeded: generator.next())
                case 1: bytes.remove(at: position)
                default: bytes.insert(Array(#"{}[]",:\u0e-"#.utf8)[Int(generator.next() % 12)], at: position)
                }
            }
            guard let value = try? JSON(parsing: bytes) else { continue }
            read += 1
            #expect(try JSON(parsing: value.bytes) == value)
            #expect(try JSON(parsing: value.canonicalBytes).canonicalBytes == value.canonicalBytes)
        }
        #expect(read > 500)
    }
}

/// The code of the error that the body throws; nil when it throws none.
private func failure<T>(_ body: () throws -> T) -> String? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? ModelError)?.code ?? "\(error)"
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
