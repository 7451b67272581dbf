import MCP
import Model

/// What libFuzzer calls with bytes of its making: the first says which reader gets the others. A reader may refuse anything; it
/// may not crash, read past its bytes, read otherwise when they come one by one, or write what it reads back as something else.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = bytes.first else { return 0 }
    let input = Array(bytes.dropFirst())
    switch choice % 6 {
    case 0: message(input)
    case 1: same(input) { requests($0) }
    case 2: same(input) { responses($0) }
    case 3: same(input) { events($0) }
    case 4: _ = try? ResourceURI.validate(String(decoding: input, as: UTF8.self))
    default: arguments(input)
    }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// What the package manager calls a program's `main`, which libFuzzer would bring itself.
@_cdecl("Fuzz_main")
public func fuzzMain(_ count: Int32, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32 {
    var count = count
    var words = words
    return runDriver(&count, &words) { fuzzOneInput($0, $1) }
}

private func message(_ bytes: [UInt8]) {
    guard let message = try? MCPMessage(parsing: bytes, maximumBytes: 1 << 20) else { return }
    precondition((try? MCPMessage(parsing: message.bytes, maximumBytes: 1 << 20)) == message, "read back otherwise")
    for version in [ProtocolVersion.v20250326, .v20251125, .v20260728] {
        guard let action = try? MCPAction(message, version: version), let kept = message.understood(as: action) else {
            continue
        }
        let again = try? MCPMessage(parsing: CapabilityStripping.strip(kept).bytes, maximumBytes: 1 << 20)
        precondition(
            again.flatMap { try? MCPAction($0, version: version) } != nil, "what goes on is understood no more")
    }
}

/// In one piece and byte by byte.
private func same(_ bytes: [UInt8], _ read: ([ArraySlice<UInt8>]) -> [String]) {
    precondition(read([bytes[...]]) == read(bytes.indices.map { bytes[$0...$0] }), "read otherwise in pieces")
}

private func requests(_ pieces: [ArraySlice<UInt8>]) -> [String] {
    var parser = HTTPRequestParser(limits: HTTPLimits(bodyBytes: 1 << 16))
    var lines: [String] = []
    var body: [UInt8] = []
    do {
        for piece in pieces {
            var events = try parser.feed(piece)
            while !events.isEmpty {
                for event in events {
                    switch event {
                    case .head(let head): lines.append("\(head.method) \(head.target)")
                    case .body(let bytes): body += bytes
                    case .end:
                        lines.append("\(body)")
                        body = []
                    }
                }
                events = events.last == .end ? try parser.feed([]) : []
            }
        }
    } catch {
        // What came before it broke, and which of two faults was met first, is a matter of the cuts.
        return ["!"]
    }
    return lines
}

private func responses(_ pieces: [ArraySlice<UInt8>]) -> [String] {
    var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1 << 16))
    var lines: [String] = []
    var body: [UInt8] = []
    do {
        // Behind the end of an answer there is nothing that anybody reads.
        for piece in pieces where lines.last != "end" {
            for event in try parser.feed(piece) {
                switch event {
                case .head(let head): lines.append("\(head.status)")
                case .body(let bytes): body += bytes
                case .end: lines += ["\(body)", "end"]
                }
            }
        }
    } catch {
        // What came before it broke, and which of two faults was met first, is a matter of the cuts.
        return ["!"]
    }
    return lines
}

private func events(_ pieces: [ArraySlice<UInt8>]) -> [String] {
    var parser = SSEParser(eventLimit: 1 << 12)
    var lines: [String] = []
    do {
        for piece in pieces { lines += try parser.feed(piece).map { "\($0)" } }
    } catch {
        return ["!"]
    }
    return lines
}

private func arguments(_ bytes: [UInt8]) {
    guard case .object(let object)? = try? JSON(parsing: bytes, limits: .untrusted(maximumBytes: 1 << 16)) else {
        return
    }
    let names = ["a", "a.b", "a.0.b"]
    _ = ArgumentChecks.findings(
        [ArgumentCheck(.pathTraversal, arguments: names, then: .refuse)], tool: "t", arguments: object)
    _ = EgressRules.violation([Egress(arguments: names, to: ["https://**"])], tool: "t", arguments: object)
}
