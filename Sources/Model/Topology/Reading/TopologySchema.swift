/// JSON Schema (draft 2020-12) of a topology file, for editors: asked of the readers themselves, so that it knows every key
/// that they know and no other. What only the files together can say (names that are not declared) is `topology check`'s.
package var topologySchema: JSON {
    let kinds = [
        shape("a file of the organization", "organization") { $0.readOrganization($1, domain: $2) },
        shape("a zone", "zone") { $0.readZone($1, name: $2) },
        shape("what a team adds to a zone", "in") { $0.readFragment($1, zone: $2) },
    ]
    return [
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A topology file of Nave",
        "oneOf": .array(kinds.map(\.schema)),
    ]
}

private func shape(
    _ title: String, _ kind: String, _ read: (TopologyDraft, MappingReader, NodeReader) -> Void
) -> Shape {
    let shape = Shape()
    let draft = TopologyDraft(Problems())
    draft.environment = "x"
    _ = NodeReader(noting: shape).mapping(title) { file in
        guard let value = file.required(kind, { $0 }) else { return }
        read(draft, file, value)
    }
    // Sets are read before everything else, from the nodes.
    if let sets = shape.keys.first(where: { $0.name == "sets" })?.shape {
        draft.readSets(NodeReader(noting: sets), zone: nil)
    }
    return shape
}
