import Foundation
import Model
import TestSupport
import Testing
import YAMLFile

/// Whatever stands in a file or a call: an answer or an error with a place, never a crash, never a hang.
@Suite("whatever comes in")
struct FuzzTests {
    private let rounds = isLong ? 10_000 : 300

    @Test("damaged files of a topology")
    func files() throws {
        let page = try Checkout.text("Docs/Policy.md")
        let texts = page.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        let organization = YAMLFile.parse(
            Array("organization: corp.example\n".utf8), file: "o.yaml", problems: Problems())
        let alphabet = Array("{}[]:,-#&*!|>'\"%@` \n\t~<=/.0123456789abcnoyestrueset:label\u{e9}".utf8)
        var random = Seeded(state: 11)
        var broken = 0
        for _ in 0..<rounds {
            guard let text = texts.randomElement(using: &random) else { return }
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = byte
                case 1: bytes.insert(byte, at: index)
                case 2: bytes.remove(at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + 20))
                }
                if bytes.isEmpty { bytes = [0x7B] }
            }
            let problems = Problems()
            let node = YAMLFile.parse(bytes, file: "f.yaml", problems: problems)
            let reading = TopologyReader.read(
                [("f.yaml", node), ("o.yaml", organization)], problems: problems, now: TopologyFixture.now)
            if !reading.errors.isEmpty { broken += 1 }
            let unplaced = reading.errors.filter { $0.place == nil }
            #expect(unplaced.allSatisfy { $0.code == "needs-environment" }, "\(unplaced)")
            // What was understood can be compiled, explained and shown.
            _ = reading.topology.grants
            _ = try? planTopology(from: nil, to: reading.topology, masks: [], now: TopologyFixture.now)
            if let node {
                let own = Problems()
                _ = Ceiling.read(NodeReader(node, own), servers: ["ledger"])
            }
        }
        #expect(broken > rounds / 4)
    }

    @Test("hours of every shape are read or refused, and contain or do not")
    func hours() {
        let parts = [
            ["Mon-Fri", "Mon", "Sun-Mon", "Mon,Wed-Fri", "Mon-", "", "mon", "Mon-Fri-Sat", "*"],
            [
                "07:00-19:00", "00:00-24:00", "24:00-24:00", "7:00-8:00", "23:59-00:00", "00:00-00:00", "aa:bb-cc:dd",
                "+1:00-+2:00",
            ],
            ["Europe/Berlin", "UTC", "America/New_York", "Mars/Olympus", "../etc/passwd", "Pacific/Apia", "", "EST"],
        ]
        var random = Seeded(state: 12)
        var read = 0
        for _ in 0..<rounds {
            let text = parts.compactMap { $0.randomElement(using: &random) }.joined(separator: " ")
            guard let hours = try? Hours(text) else { continue }
            read += 1
            #expect(hours.description == text)
            let at = Instant(milliseconds: Int64.random(in: -4_000_000_000_000...8_000_000_000_000, using: &random))
            #expect(hours.contain(at) != .missing)
        }
        #expect(read > rounds / 50)
    }

    @Test("numbers are ordered exactly as decimals are")
    func numbers() throws {
        var random = Seeded(state: 13)
        func text() -> String {
            let digits = { (count: Int) in
                String((0..<count).map { _ in Character("\(Int.random(in: 0...9, using: &random))") })
            }
            let whole = digits(Int.random(in: 1...8, using: &random))
            let fraction = Bool.random(using: &random) ? "." + digits(Int.random(in: 1...6, using: &random)) : ""
            let power = Int.random(in: 0..<4, using: &random) == 0 ? "e\(Int.random(in: -9...9, using: &random))" : ""
            return (Bool.random(using: &random) ? "-" : "") + whole + fraction + power
        }
        for _ in 0..<rounds * 10 {
            let (one, other) = (text(), text())
            let left = try #require(DecimalNumber(one))
            let right = try #require(DecimalNumber(other))
            let (first, second) = (Foundation.Decimal(string: one) ?? 0, Foundation.Decimal(string: other) ?? 0)
            #expect((left < right) == (first < second) && (left == right) == (first == second), "\(one) \(other)")
        }
        for bad in [
            "", "-", ".", "e", "1e", "1e+", "+1", "1.2.3", "0x1", " 1", "1 ", "1e1000001", "1e99999999999999999999",
            "NaN", "inf", "١",
        ] {
            #expect(DecimalNumber(bad) == nil, "\(bad)")
        }
        // The least and the greatest exponents that a machine word holds, and their neighbours.
        for power in ["-9223372036854775808", "9223372036854775807", "-9223372036854775809", "-1000001"] {
            #expect(DecimalNumber("0e\(power)") == nil && DecimalNumber("1e\(power)") == nil, "\(power)")
        }
        #expect(DecimalNumber("1e1000000") != nil && DecimalNumber("-0.00") == DecimalNumber("0e7"))
    }

    @Test("tests of arguments and their names are total, and come back as they were written")
    func arguments() throws {
        let alphabet = Array("<>=,. -0123456789eE*ab/~01\u{0}\u{e9}")
        var random = Seeded(state: 14)
        let values: [JSON] = [
            nil, true, 0, -7, 1.5, "", "ab", ["a": ["b": 1]], [[1]], [["/": "x"], 0], ["~": ["0": nil]],
        ]
        var tests = 0
        var names = 0
        for _ in 0..<rounds * 10 {
            let text = String(
                (0..<Int.random(in: 0...12, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) })
            if let test = try? ArgumentTest(text) {
                tests += 1
                // Spaces between two bounds are written as one; what came back once stays as it is.
                let written = try #require(JSONCoding.encode(test).string)
                #expect(try ArgumentTest(written) == test && (text.contains(",") || written == text))
                for value in values { _ = test.holds(for: .given(value)) }
            }
            if let name = try? ArgumentName("/" + text) {
                names += 1
                for value in values { _ = name.find(in: value) }
            }
            // Every key can be named, whatever it is.
            let escaped = text.replacing("~", with: "~0").replacing("/", with: "~1")
            let found = try ArgumentName("/o/" + escaped).find(in: ["o": .object(JSONObject([(text, 1)]))])
            #expect(found == .given(1))
        }
        #expect(tests > rounds && names > rounds)
    }
}
