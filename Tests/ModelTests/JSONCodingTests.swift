import Model
import Testing

@Suite struct JSONCodingTests {
    /// What is written by hand, because nearly every entry has it, is what the coder makes.
    @Test(arguments: [nil, "in-1"])
    func anEntryOfACertificateIsWrittenAsTheCoderDoes(invitation: String?) throws {
        let identity = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        let issued = CertificateIssued(
            identity: identity, serial: "01\u{e9}", notBefore: Instant(milliseconds: 0),
            notAfter: Instant(milliseconds: 1),
            key: "sha256:00", certificate: "MII=", invitation: invitation)
        for author in [Author.hub, Author(requester: identity, approver: identity), Author()] {
            let entry = try Entry(at: Instant(milliseconds: 7), by: author, event: .certificateIssued(issued)).json()
            #expect(try entry["body"] == JSONCoding.encode(issued))
            #expect(try entry["by"] == JSONCoding.encode(author))
            #expect(entry.bytes == entry.canonicalBytes)
            #expect(try Entry(entry).event == .certificateIssued(issued))
        }
    }

    enum Kind: String, Codable { case small, large }

    enum Shape: Codable, Equatable {
        case dot
        case line(length: Int, kind: Kind)
        case wrapped(String)
    }

    struct Inner: Codable, Equatable {
        var id: Int64
        var note: String?
    }

    struct Sample: Codable, Equatable {
        var name: String
        var kind: Kind
        var inner: Inner
        var list: [Inner]
        var table: [String: Inner]
        var maybe: Inner?
        var shapes: [Shape]
        var free: JSON
        var bytes: [UInt8]
        var flags: [Bool?]
    }

    struct Span: Codable, Equatable {
        var count: Int

        init(count: Int) { self.count = count }

        init(from decoder: any Decoder) throws {
            count = try decoder.singleValueContainer().decode(Int.self)
            guard count >= 0 else { throw ModelError("bad-span", "a span of \(count) is negative") }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(count)
        }
    }

    static let sample = Sample(
        name: "n", kind: .large, inner: Inner(id: 1, note: nil), list: [Inner(id: 2, note: "x")],
        table: ["k": Inner(id: 3)], maybe: nil,
        shapes: [.dot, .line(length: 4, kind: .small), .wrapped("w")], free: ["any": [1.5, nil]],
        bytes: [1, 255], flags: [true, nil])

    static let canonical = """
        {"bytes":[1,255],"flags":[true,null],"free":{"any":[1.5,null]},"inner":{"id":1},"kind":"large",\
        "list":[{"id":2,"note":"x"}],"name":"n",\
        "shapes":[{"dot":{}},{"line":{"kind":"small","length":4}},{"wrapped":{"_0":"w"}}],"table":{"k":{"id":3}}}
        """

    @Test func roundTrips() throws {
        #expect(String(decoding: try JSONCoding.canonical(Self.sample), as: UTF8.self) == Self.canonical)
        #expect(try JSONCoding.decodeCanonical(Sample.self, from: Array(Self.canonical.utf8)) == Self.sample)
    }

    @Test(arguments: [
        (#""name":"n""#, #""name":"n","nmae":1"#, "unknown-key", "$"),
        (#""inner":{"id":1}"#, #""inner":{"id":1,"x":1}"#, "unknown-key", "$.inner"),
        (#""note":"x""#, #""note":"x","y":null"#, "unknown-key", "$.list[0]"),
        (#"{"k":{"id":3}}"#, #"{"k":{"id":3,"x":1}}"#, "unknown-key", "$.table.k"),
        (#"{"dot":{}}"#, #"{"dot":{},"foo":{}}"#, "unknown-key", "$.shapes[0]"),
        (#"{"dot":{}}"#, #"{"dot":{"x":1}}"#, "unknown-key", "$.shapes[0].dot"),
        (#"{"dot":{}}"#, #"{"fot":{}}"#, "wrong-type", "$.shapes[0]"),
        (#""length":4"#, #""length":4,"x":1"#, "unknown-key", "$.shapes[1].line"),
        (#""name":"n""#, #""name":1"#, "wrong-type", "$.name"), (#""name":"n","#, "", "missing-key", "$"),
        (#""kind":"large""#, #""kind":"Large""#, "unknown-value", "$.kind"),
        (#"[1,255]"#, "[1,256]", "wrong-type", "$.bytes[1]"), (#"[1,255]"#, "[1,2.0]", "wrong-type", "$.bytes[1]"),
        (#""inner":{"id":1}"#, #""inner":[]"#, "wrong-type", "$.inner"),
        (#""id":2"#, #""id":true"#, "wrong-type", "$.list[0].id"),
    ])
    func refuses(part: String, replacement: String, code: String, path: String) throws {
        let text = Self.canonical.replacing(part, with: replacement)
        #expect(text != Self.canonical)
        do {
            _ = try JSONCoding.decode(Sample.self, from: Array(text.utf8))
            Issue.record("decoded \(text)")
        } catch {
            #expect(error.code == code)
            #expect(error.message.hasPrefix(path + ":"), "\(error)")
        }
    }

    @Test func suggestsTheKeyThatWasMeant() {
        do {
            _ = try JSONCoding.decode(Inner.self, from: ["id": 1, "noet": "x"])
            Issue.record("decoded")
        } catch {
            #expect(error.hint == "did you mean `note`?")
        }
    }

    @Test func typesOwnErrorsKeepTheirCode() {
        do {
            _ = try JSONCoding.decode([String: [Span]].self, from: ["a": [1, -1]])
            Issue.record("decoded")
        } catch {
            #expect(error.code == "bad-span")
            #expect(error.message.hasPrefix("$.a[1]: "))
        }
        #expect(throws: ModelError.self) { try JSONCoding.decode(Instant.self, from: "yesterday") }
    }

    @Test(arguments: [
        #"{ "id":1}"#, #"{"note":"x","id":1}"#, #"{"id":-0}"#, #"{"id":1,"note":null}"#, #"{"id":1,"note":"\u0041"}"#,
        #"{"id":1} "#,
    ])
    func canonicalDecodingDemandsTheOneForm(text: String) throws {
        _ = try JSONCoding.decode(Inner.self, from: Array(text.utf8))
        do {
            _ = try JSONCoding.decodeCanonical(Inner.self, from: Array(text.utf8))
            Issue.record("decoded \(text)")
        } catch {
            #expect(error.code == "not-canonical")
        }
    }

    /// A case of an enum, a key of a set, an address: all are compared as Swift's strings by whoever decodes.
    @Test func textThatIsDearToCompareIsNotOurs() throws {
        let marks = String(repeating: "\u{301}", count: 15) + String(repeating: "\u{316}", count: 15)
        let inner = try JSONCoding.decode(Inner.self, from: ["id": 1, "note": .string("a\(marks)b\(marks)")])
        #expect(inner.note == "a\(marks)b\(marks)")
        let tooMany: [(String, () throws -> Void)] = [
            (
                "$.note",
                { _ = try JSONCoding.decode(Inner.self, from: ["id": 1, "note": .string("a\(marks)\u{301}")]) }
            ),
            ("$[0]", { _ = try JSONCoding.decode([String].self, from: [.string("a\(marks)\u{301}")]) }),
            ("$", { _ = try JSONCoding.decode(Kind.self, from: .string("small\(marks)\(marks)")) }),
        ]
        for (path, decode) in tooMany {
            do {
                try decode()
                Issue.record("decoded at \(path)")
            } catch let error as ModelError {
                #expect(error.code == "unknown-value")
                #expect(error.message == "\(path): the text holds more than 30 combining marks in a row")
            }
        }
        #expect(try JSONCoding.decode(JSON.self, from: .string(marks + marks)) == .string(marks + marks))
    }

    @Test func fractionsAndHugeNumbersAreNotOurs() {
        #expect(throws: ModelError.self) { try JSONCoding.encode(1.5) }
        #expect(throws: ModelError.self) { try JSONCoding.encode([Float(1)]) }
        #expect(throws: ModelError.self) { try JSONCoding.encode(UInt64.max) }
        #expect(throws: ModelError.self) { try JSONCoding.decode(Double.self, from: 1) }
    }
}
