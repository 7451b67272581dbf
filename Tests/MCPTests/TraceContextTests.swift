import MCP
import Testing

/// W3C Trace Context, sections 3.2 and 3.3.
@Suite struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let span = "b7ad6b7169203331"
    private static let parent = "00-\(trace)-\(span)-01"

    private static func continued(_ headers: [(String, String)]) -> TraceContext {
        TraceContext.continued(HTTPHeaders(headers)) { 0x1234 }
    }

    @Test("a valid trace goes on with a span of our own, its state untouched")
    func goesOn() {
        let context = Self.continued([("TraceParent", Self.parent), ("tracestate", "congo=t61rcWkgMzE,rojo=00f067")])
        #expect(context.parentHeader == "00-\(Self.trace)-0000000000001234-01")
        #expect(context.state == "congo=t61rcWkgMzE,rojo=00f067")
    }

    @Test(
        "what is no traceparent begins a new trace, not sampled, and loses its state",
        arguments: [
            "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-x",
            "ff-\(trace)-\(span)-01", "0-\(trace)-\(span)-001", "00-\(trace.uppercased())-\(span)-01",
            "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
            "00-\(trace)-\(span)-0g", "00_\(trace)-\(span)-01", "01-\(trace)-\(span)-01x", "0g-\(trace)-\(span)-01",
            "00-\(trace)-\(span)-01\u{0}",
        ])
    func begins(_ parent: String) {
        let context = Self.continued([("traceparent", parent), ("tracestate", "a=1")])
        #expect(context.parentHeader == "00-00000000000012340000000000001234-0000000000001234-02")
        #expect(context.state == nil)
    }

    @Test("two traceparents are none; a later version is read as far as it is known, its flags too")
    func versions() {
        let twice = Self.continued([("traceparent", Self.parent), ("traceparent", Self.parent)])
        #expect(twice.trace != Self.trace)
        let later = Self.continued([("traceparent", "cc-\(Self.trace)-\(Self.span)-ff-what-the-future-holds")])
        #expect(later.parentHeader == "00-\(Self.trace)-0000000000001234-03")
    }

    @Test(
        "a malformed tracestate is left out",
        arguments: [
            ("a=1", true), ("a=1, b=2 ,,c=3", true), ("tenant@system=x", true), ("1a=1", true), ("a=b c", true),
            ("a", false), ("=1", false), ("A=1", false), ("a=1,a=2", false), ("a=b=c", false), ("a=\u{7F}", false),
            ("a=", false), (",", false), (String(repeating: "a", count: 257) + "=1", false),
            ((0..<33).map { "k\($0)=1" }.joined(separator: ","), false),
            ((0..<32).map { "k\($0)=1" }.joined(separator: ","), true),
        ])
    func state(_ text: String, _ isKept: Bool) {
        let context = Self.continued([("traceparent", Self.parent), ("tracestate", text)])
        #expect(context.state == (isKept ? text : nil))
        #expect(context.trace == Self.trace)
    }

    @Test("fields of tracestate are one list; zero is no id")
    func joined() {
        let context = Self.continued([("traceparent", Self.parent), ("tracestate", "a=1"), ("tracestate", "b=2")])
        #expect(context.state == "a=1,b=2")
        #expect(TraceContext.continued(HTTPHeaders()) { 0 }.span == "0000000000000001")
    }
}
