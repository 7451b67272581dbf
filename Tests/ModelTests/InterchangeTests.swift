import Foundation
import Model
import Testing

@Suite("JSON of others in the form of RFC 8785")
struct InterchangeTests {
    private func text(_ json: String) throws -> String {
        String(decoding: try JSON(parsing: Array(json.utf8)).interchangeBytes, as: UTF8.self)
    }

    /// RFC 8785, appendix B, and what else people write for the same number.
    @Test(arguments: [
        ("0", "0"), ("-0", "0"), ("-0.0", "0"), ("5e-324", "5e-324"), ("-5e-324", "-5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"), ("9007199254740992", "9007199254740992"),
        ("295147905179352830000", "295147905179352830000"), ("9.999999999999997e22", "9.999999999999997e+22"),
        ("1e23", "1e+23"), ("1.0000000000000001e23", "1.0000000000000001e+23"),
        ("999999999999999700000.0", "999999999999999700000"), ("333333333.3333332", "333333333.3333332"),
        ("333333333.33333329", "333333333.3333333"), ("0.0000033333333333333333", "0.0000033333333333333333"),
        ("1424953923781206.2", "1424953923781206.2"), ("1.0", "1"), ("10e-1", "1"), ("1E3", "1000"), ("0.10", "0.1"),
        ("1e21", "1e+21"), ("1e20", "100000000000000000000"), ("0.000001", "0.000001"), ("1e-7", "1e-7"),
        ("-12.50", "-12.5"), ("1.5e300", "1.5e+300"),
        // No double holds these two; they stay two.
        ("9007199254740993", "9007199254740993"), ("90071992547409930000001", "90071992547409930000001"),
        ("295147905179352825856", "295147905179352825856"), ("-9007199254740993", "-9007199254740993"),
        // What ECMAScript writes as the same integer is one with its other spellings.
        ("1e22", "1e+22"), ("10000000000000000000000", "1e+22"), ("-1000000000000000000000", "-1e+21"),
        ("100000000000000000000", "100000000000000000000"), ("1000000000000000", "1000000000000000"),
    ])
    func numbers(_ written: String, _ expected: String) throws { #expect(try text(written) == expected) }

    @Test("spelling, order and white space change nothing, content does")
    func equal() throws {
        let one = #"{"name":"a","inputSchema":{"minimum":1.0,"type":"number"},"x":["\u0041",null]}"#
        let other = "{ \"x\" : [\"A\", null],\n \"inputSchema\": {\"type\":\"number\",\"minimum\":1}, \"name\":\"a\" }"
        #expect(try text(one) == text(other))
        #expect(try text(one) != text(other.replacingOccurrences(of: "\"A\"", with: "\"a\"")))
    }
}
