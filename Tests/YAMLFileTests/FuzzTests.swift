import Model
import Testing
import YAMLFile

/// SplitMix64: the same mutations on every run.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct FuzzTests {
    static let corpus = [
        """
        zone: finance
        networks: [10.20.0.0/16, 127.0.0.0/8]   # comment
        roles: { owner: [group:finance-platform], reviewer: ["user:erin@corp.example"] }
        servers:
          ledger:
            description: |
              General ledger,
              two lines
            until: 2027-03-31
            labels: {tier: gold, m: -12, o: "off"}
        """,
        "a: &x [1, *x]\n? [k]\n: !!str v\n<<: {b: 'it''s', c: \"\\u263A\\n\"}\n--- >-\n  folded\n...\n",
        "%YAML 1.1\n%TAG ! tag:x,2026:\n---\n- - - {a: , b: ~}\n  - []\n- | \n  é ü 漢字\n",
    ]
    static let spice: [UInt8] =
        Array("&*!|>'\"%@`{}[],:?-#~ \n\t\r\\<=0\u{0}".utf8) + [0xC3, 0x80, 0xFF, 0xE2, 0xEF, 0xBB]

    @Test func theCorpusBeginsWithYAML() { #expect(read(Self.corpus[0]).problems == []) }

    @Test(arguments: 0..<8) func mutationsNeitherCrashNorPassUnlocated(_ seed: UInt64) {
        var random = Seeded(state: seed)
        var read = 0
        for _ in 0..<1500 {
            var bytes = Array(Self.corpus[Int.random(in: 0..<Self.corpus.count, using: &random)].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: bytes[at] = Self.spice[Int.random(in: 0..<Self.spice.count, using: &random)]
                case 1: bytes.insert(Self.spice[Int.random(in: 0..<Self.spice.count, using: &random)], at: at)
                case 2: bytes.removeSubrange(at..<min(bytes.count - 1, at + 5))
                case 3: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 40)], at: 0)
                // These mostly leave YAML: another letter, a line left out.
                case 4: bytes[at] = UInt8.random(in: UInt8(ascii: "a")...UInt8(ascii: "z"), using: &random)
                default:
                    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                    lines.remove(at: at % lines.count)
                    if lines.count > 1 { bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")])) }
                }
            }
            let (node, problems) = readFile(bytes)
            #expect((node == nil) == !problems.isEmpty, "\(bytes)")
            #expect(problems.allSatisfy { ($0.place?.line ?? 0) >= 1 && ($0.place?.column ?? 0) >= 1 }, "\(bytes)")
            if let node {
                read += 1
                // What was read can be decoded, as nonsense, without a crash either.
                let reader = NodeReader(node, Problems())
                _ = reader.mapping("a file") { mapping in mapping.optional("zone") { $0.label() } }
                _ = reader.list { $0.string() }
            }
        }
        // A mutation that never leaves a readable text would test only the first check.
        #expect(read > 50)
    }
}
