import Foundation
import Model
import TestSupport
import Testing
import YAMLFile

@Suite("the schema for editors")
struct TopologySchemaTests {
    private func read(_ text: String, _ file: String = "f.yaml") throws -> JSON {
        let problems = Problems()
        let node = try #require(YAMLFile.parse(Array(text.utf8), file: file, problems: problems))
        #expect(problems.all == [])
        return json(node)
    }

    private func json(_ node: Node) -> JSON {
        switch node.value {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .number(JSONNumber(value))
        case .string(let text, _): .string(text)
        case .sequence(let nodes): .array(nodes.map(json))
        case .mapping(let entries): .object(JSONObject(entries.map { ($0.key, json($0.value)) }))
        }
    }

    /// As much of JSON Schema as the schema uses; anything else in it fails.
    private func accepts(_ schema: JSON, _ value: JSON) -> Bool {
        guard let object = schema.object else { return schema != false }
        return object.pairs.allSatisfy { key, rule in
            switch key {
            case "$schema", "title", "description": return true
            case "type":
                let kinds: [String: Bool] = [
                    "string": value.string != nil, "integer": value.number?.integer != nil,
                    "boolean": value.bool != nil, "array": value.array != nil, "object": value.object != nil,
                ]
                return kinds[rule.string ?? ""] ?? false
            case "enum": return rule.array?.contains(value) ?? false
            case "pattern":
                return value.string.map { $0.range(of: rule.string ?? "", options: .regularExpression) != nil } ?? true
            case "maxLength": return (value.string?.utf8.count ?? 0) <= (rule.number?.integer).map(Int.init) ?? 0
            case "minimum": return (value.number?.integer ?? .max) >= (rule.number?.integer ?? .max)
            case "maximum": return (value.number?.integer ?? .min) <= (rule.number?.integer ?? .min)
            case "minItems": return (value.array?.count ?? .max) >= (rule.number?.integer).map(Int.init) ?? .max
            case "maxItems": return (value.array?.count ?? 0) <= (rule.number?.integer).map(Int.init) ?? 0
            case "items": return (value.array ?? []).allSatisfy { accepts(rule, $0) }
            case "required": return (rule.array ?? []).allSatisfy { value[$0.string ?? ""] != nil }
            case "properties":
                return (value.object?.pairs ?? []).allSatisfy { pair in
                    rule[pair.key].map { accepts($0, pair.value) } ?? true
                }
            case "additionalProperties":
                let known = Set(object["properties"]?.object?.keys ?? [])
                return (value.object?.pairs ?? []).allSatisfy { known.contains($0.key) || accepts(rule, $0.value) }
            case "anyOf": return (rule.array ?? []).contains { accepts($0, value) }
            case "allOf": return (rule.array ?? []).allSatisfy { accepts($0, value) }
            case "oneOf": return (rule.array ?? []).count { accepts($0, value) } == 1
            default: return false
            }
        }
    }

    @Test("takes every file of the example and of the policy page")
    func examples() throws {
        let schema = topologySchema
        var count = 0
        for path in try Checkout.files(below: "Topology", ending: ".yaml") {
            let text = try Checkout.text(path)
            #expect(text.hasPrefix("# yaml-language-server: $schema="), "\(path) does not name the schema")
            #expect(accepts(schema, try read(text, path)), "\(path)")
            count += 1
        }
        let page = try Checkout.text("Docs/Policy.md")
        for block in page.components(separatedBy: "```yaml\n").dropFirst().map({ $0.components(separatedBy: "```")[0] })
        where !block.hasPrefix("# spoke.yaml") {
            #expect(accepts(schema, try read(block)), "\(block)")
            count += 1
        }
        #expect(count > 12)
        let kept = try JSON(parsing: Array(try Checkout.text("Topology/schema.json").utf8))
        #expect(kept == schema, "`nave topology schema` prints what Topology/schema.json should hold")
    }

    @Test(
        "refuses what the reader refuses in one file",
        arguments: [
            "zone: a", "zone: a\nclassification: secret\nnetworks: []", "organization: a.b\nrule: []",
            "zone: a\nclassification: internal\nnetworks: 10.0.0.0/8", "in: a\nservers: { x: { labels: {} } }",
            "in: a\nrules: [{ id: r, to: [anyone] }]",
            "in: a\nrules: [{ id: r, allow: [\"*\"], deny: [\"*\"], to: [anyone] }]",
            "in: a\nrules: [{ id: r, allow: [], to: [anyone] }]", "in: a\nrules: [{ id: r, allow: [\"*\"], to: [1] }]",
            "in: a\nrules: [{ id: r, allow: [\"*\"], to: [anyone], when: { arguments: { a: 7 } } }]",
            "in: a\nrules: [{ id: r, allow: [\"*\"], to: [anyone], when: { readonly: true } }]",
            "in: a\nservers: { x: { spokes: [s], policy: { limits: { concurrency: 0 } } } }",
            "in: a\nservers: { x: { spokes: [s], policy: { limits: { requestBody: 1MB } } } }",
            "in: a\nservers: { x: { spokes: [s], policy: { stale: { after: 1h, then: allow } } } }",
            "in: a\ntests: [{ by: anyone, call: x, expect: maybe }]", "zone: a\nin: b", "servers: {}", "[]",
            "organization: a.b\nsets: { principals: { x: [] } }", "organization: a.b\noverrides: { rules: [] }",
        ])
    func refused(text: String) throws {
        #expect(!accepts(topologySchema, try read(text)))
        let problems = Problems()
        let node = YAMLFile.parse(Array(text.utf8), file: "f.yaml", problems: problems)
        #expect(!TopologyReader.read([("f.yaml", node)], problems: problems, now: TopologyFixture.now).errors.isEmpty)
    }

    /// Of each mapping of each file of the page: a key that the schema does not know, the reader does not, and the other way
    /// round.
    @Test("knows the keys of every mapping that the readers know, and no other")
    func keys() throws {
        let page = try Checkout.text("Docs/Policy.md")
        let blocks = page.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        let strange = Place(file: "f.yaml", line: 999_999, column: 1)
        var counts: [Bool: Int] = [:]
        for block in blocks where !block.hasPrefix("# spoke.yaml") {
            let node = try #require(YAMLFile.parse(Array(block.utf8), file: "f.yaml", problems: Problems()))
            for broken in grown(node, at: strange) {
                let problems = Problems()
                let reading = TopologyReader.read([("f.yaml", broken)], problems: problems, now: TopologyFixture.now)
                // That it is not declared is what only the files together say.
                let isRefused = reading.errors.contains {
                    $0.place?.line == strange.line && $0.code != "undeclared-name"
                }
                #expect(accepts(topologySchema, json(broken)) != isRefused, "\(json(broken)): \(reading.errors)")
                counts[isRefused, default: 0] += 1
            }
        }
        #expect((counts[true] ?? 0) > 100, "\(counts)")
    }

    /// The node with one key more in one of its mappings, for each of them.
    private func grown(_ node: Node, at place: Place) -> [Node] {
        switch node.value {
        case .mapping(let entries):
            let more = Node.Entry(key: "zzz", place: place, value: Node(.mapping([]), at: place))
            return [Node(.mapping(entries + [more]), at: node.place)]
                + entries.indices.flatMap { index in
                    grown(entries[index].value, at: place).map { value in
                        var entries = entries
                        entries[index].value = value
                        return Node(.mapping(entries), at: node.place)
                    }
                }
        case .sequence(let nodes):
            return nodes.indices.flatMap { index in
                grown(nodes[index], at: place).map { value in
                    var nodes = nodes
                    nodes[index] = value
                    return Node(.sequence(nodes), at: node.place)
                }
            }
        case .null, .bool, .integer, .string: return []
        }
    }
}
