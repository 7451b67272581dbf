import MCP
import Model
import SpokeAgent
import Trust

/// What libFuzzer calls with bytes of its making: the first says which reader gets the others. A reader may refuse anything; it
/// may not crash, read past its bytes, read otherwise when they come one by one, or write what it reads back as something else.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = bytes.first else { return 0 }
    let input = Array(bytes.dropFirst())
    switch choice % 9 {
    case 0: message(input)
    case 1: same(input) { requests($0) }
    case 2: same(input) { responses($0) }
    case 3: same(input) { events($0) }
    case 4: _ = try? ResourceURI.validate(String(decoding: input, as: UTF8.self))
    case 5: arguments(input)
    case 6: same(input) { lines($0) }
    case 7: token(String(decoding: input, as: UTF8.self))
    default: token(encoding: input)
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
        var meant = action
        if case .initialize(let requested, _) = action {
            meant = .initialize(requested: requested, capabilities: JSONObject())
        }
        let again = try? MCPMessage(parsing: CapabilityStripping.strip(kept).bytes, maximumBytes: 1 << 20)
        let goesOn = again.flatMap { try? MCPAction($0, version: version) }
        precondition(goesOn == meant, "what goes on means something else")
    }
}

/// What was made of some pieces.
private struct Reading {
    var events: [String] = []
    /// Of all messages, one behind the other; each end is an event, and says how much there was.
    var body: [UInt8] = []
    /// The piece in which the bytes were refused.
    var fault: Int?

    init(_ pieces: [ArraySlice<UInt8>], _ take: (inout Reading, ArraySlice<UInt8>) throws -> Void) {
        for (number, piece) in pieces.enumerated() {
            do { try take(&self, piece) } catch {
                fault = number
                return
            }
        }
    }

    mutating func add<Head>(_ event: HTTPEvent<Head>, _ name: (Head) -> String) {
        switch event {
        case .head(let head): events.append(name(head))
        case .body(let bytes): body += bytes
        case .end: events.append("end \(body.count)")
        }
    }
}

/// In one piece and byte by byte.
private func same(_ bytes: [UInt8], _ read: ([ArraySlice<UInt8>]) -> Reading) {
    let whole = read([bytes[...]])
    let single = read(bytes.indices.map { bytes[$0...$0] })
    // Which of two faults is met first is a matter of the cuts.
    precondition((whole.fault == nil) == (single.fault == nil), "refused in one way, read in the other")
    // What stood before the fault in its piece is lost with it, so that much is read again on its own.
    let sound = single.fault.map { read([bytes[..<$0]]) } ?? whole
    precondition(
        sound.fault == nil && sound.events == single.events && sound.body == single.body, "read otherwise in pieces")
}

private func requests(_ pieces: [ArraySlice<UInt8>]) -> Reading {
    var parser = HTTPRequestParser(limits: HTTPLimits(bodyBytes: 1 << 16))
    return Reading(pieces) { reading, piece in
        var events = try parser.feed(piece)
        while !events.isEmpty {
            for event in events { reading.add(event) { "\($0.method) \($0.target)" } }
            events = events.last == .end ? try parser.feed([]) : []
        }
    }
}

private func responses(_ pieces: [ArraySlice<UInt8>]) -> Reading {
    var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: 1 << 16))
    var hasEnded = false
    return Reading(pieces) { reading, piece in
        // Behind the end of an answer there is nothing that anybody reads.
        guard !hasEnded else { return }
        let events = try parser.feed(piece)
        for event in events { reading.add(event) { "\($0.status)" } }
        hasEnded = events.last == .end
    }
}

private func events(_ pieces: [ArraySlice<UInt8>]) -> Reading {
    var parser = SSEParser(eventLimit: 1 << 12)
    return Reading(pieces) { reading, piece in reading.events += try parser.feed(piece).map { "\($0)" } }
}

private func lines(_ pieces: [ArraySlice<UInt8>]) -> Reading {
    var parser = LineParser(lineLimit: 1 << 8)
    return Reading(pieces) { reading, piece in reading.events += try parser.feed(piece).map { "\($0)" } }
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

/// What strangers show at the listener for tokens: one that is read has that one spelling.
private func token(_ text: String) {
    guard let token = try? CompactToken(text) else { return }
    let spelling = token.signed + [UInt8(ascii: ".")] + Base64.encodeURL(token.signature).utf8
    precondition(text.utf8.elementsEqual(spelling), "a token was read otherwise than it is spelt")
}

/// Header, claims and signature, a line each, in the encoding that random bytes rarely are.
private func token(encoding bytes: [UInt8]) {
    let parts = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    token(parts.map { Base64.encodeURL(Array($0)) }.joined(separator: "."))
}
