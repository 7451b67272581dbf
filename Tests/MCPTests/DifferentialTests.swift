import Foundation
import MCP
import Model
import TestSupport
import Testing

/// Whatever bytes are understood, another reader of JSON has to find the same call in them, and in what goes on in their place.
///
/// The other reader is Python's `json`, which most servers of MCP read with: one child, which gets a line for each message.
@Suite struct DifferentialTests {
    private static let count = isLong ? 1_000_000 : 100_000

    /// Every message of a client in the captures, and the version it is of.
    static func seeds() throws -> [(version: ProtocolVersion, bytes: [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Captures")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".jsonl") }
        return try files.sorted().flatMap { file in
            let named = file.dropLast(".jsonl".count).split(separator: "-", maxSplits: 1).last.map(String.init)
            // The SDK's own framework speaks the newest.
            let version = named.flatMap(ProtocolVersion.init) ?? .newest
            let lines = try Data(contentsOf: folder.appending(path: file)).split(separator: 0x0A)
            return try lines.compactMap { line -> (version: ProtocolVersion, bytes: [UInt8])? in
                let json = try JSON(parsing: line)
                guard json["from"]?.string != "server",
                    let text = json["request"]?["body"]?.string ?? json["line"]?.string
                else { return nil }
                return (version, Array(text.utf8))
            }
        }
    }

    @Test func anotherReaderFindsTheSameCall() async throws {
        let all = try Self.seeds()
        #expect(all.count > 200)
        let directory = try TemporaryDirectory()
        let pipe = directory.file("messages")
        try #require(mkfifo(pipe, 0o600) == 0)
        let reader = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            [Checkout.root.appending(path: "Tests/MCPTests/read_messages.py").path, pipe])
        let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: pipe))
        var accepted = 0
        let versions = Set(all.map(\.version)).sorted()
        let share = Self.count / versions.count
        for (number, version) in versions.enumerated() {
            var mutator = MessageMutator(
                generator: SeededGenerator(state: UInt64(2026 + number)),
                seeds: all.filter { $0.version == version }.map(\.bytes))
            var lines: [UInt8] = []
            for round in 0..<share {
                let bytes = mutator.next()
                guard let line = Self.line(bytes, version) else { continue }
                accepted += 1
                lines += line
                if lines.count > 1 << 20 || round == share - 1 {
                    try writer.write(contentsOf: lines)
                    lines = []
                }
            }
            try writer.write(contentsOf: lines)
        }
        try writer.close()
        #expect(try await reader.wait(seconds: 300) == 0, "\(reader.standardError)")
        let found = reader.standardOutput.split(separator: "\n")
        #expect(found.last == "\(accepted) read", "\(found.prefix(5))")
        #expect(found.count == 1, "\(found.prefix(5).joined(separator: "\n"))")
        // Enough of them have to be understood for this to say anything.
        #expect(accepted > Self.count / 10, "\(accepted)")
    }

    /// What came, what would go on and what was understood; nil for what is refused.
    private static func line(_ bytes: [UInt8], _ version: ProtocolVersion) -> [UInt8]? {
        guard let message = try? MCPMessage(parsing: bytes, maximumBytes: 1 << 20),
            let action = try? MCPAction(message, version: version), let kept = message.understood(as: action)
        else { return nil }
        let forwarded = CapabilityStripping.strip(kept)
        var target: JSON = .null
        var arguments: JSON = .null
        switch action {
        case .callTool(let name, let given, _), .getPrompt(let name, let given):
            target = .string(name)
            arguments = .object(given)
        case .readResource(let uri), .subscribe(let uri), .unsubscribe(let uri): target = .string(uri)
        case .task(_, let id): target = .string(id)
        case .complete(let capability): target = .string(capability.name)
        case .unknown: return nil
        default: break
        }
        var text: [UInt8] = []
        for part in [message.method.map(JSON.string) ?? .null, message.id?.json ?? .null, target, arguments] {
            dump(part, &text)
        }
        return hex(bytes) + [0x20] + hex(forwarded.bytes) + [0x20] + text + [0x0A]
    }

    /// A value in a spelling of this test's own, so that no writer of JSON stands between the two readers.
    private static func dump(_ json: JSON, _ text: inout [UInt8]) {
        switch json {
        case .null: text.append(UInt8(ascii: "z"))
        case .bool(let flag): text.append(UInt8(ascii: flag ? "t" : "f"))
        case .number(let number):
            if number.text.utf8.contains(where: { ".eE".utf8.contains($0) }) {
                text += Array("d\(String(number.double.bitPattern, radix: 16));".utf8)
            } else {
                text += Array("i\(number.text == "-0" ? "0" : number.text);".utf8)
            }
        case .string(let string): text += [UInt8(ascii: "s")] + hex(Array(string.utf8)) + [UInt8(ascii: ";")]
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for element in elements { dump(element, &text) }
            text.append(UInt8(ascii: "]"))
        case .object(let object):
            text.append(UInt8(ascii: "{"))
            for pair in object.pairs.map({ (hex(Array($0.key.utf8)), $0.value) }).sorted(by: {
                $0.0.lexicographicallyPrecedes($1.0)
            }) {
                text += pair.0 + [UInt8(ascii: ":")]
                dump(pair.1, &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func hex(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text
    }
}
