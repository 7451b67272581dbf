/// One leaf of the ledger: what was decided, when, by whom and why.
///
/// Its bytes are canonical JSON `{at, body, by, type, v, why?}`, encoded once, stored and hashed as they are, never
/// re-encoded. An unknown `type` or `v` stops replay at its index. Old decoders stay for ever.
package struct Entry: Sendable, Hashable {
    package static let version: Int64 = 1

    package var at: Instant
    package var by: Author
    /// The requester's reason; free text, so the leaf holds only a commitment to it.
    package var why: String?
    package var event: Event

    package init(at: Instant, by: Author, why: String? = nil, event: Event) {
        self.at = at
        self.by = by
        self.why = why
        self.event = event
    }

    /// The JSON before personal values are replaced by commitments (see `PersonalData`).
    /// - Throws: `not-encodable`.
    package func json() throws(ModelError) -> JSON {
        // In the order of the canonical form.
        var object = JSONObject(unique: [
            ("at", .string(at.description)), ("body", try event.body()), ("by", by.json),
            ("type", .string(event.type)), ("v", .number(JSONNumber(Self.version))),
        ])
        if let why { object["why"] = .string(why) }
        return .object(object)
    }

    /// Reads an entry whose commitments have been resolved.
    /// - Throws: `unknown-entry` for a version or type this program does not know; `unknown-key`, `wrong-type`, `missing-key`.
    package init(_ json: JSON) throws(ModelError) {
        guard let object = json.object, object["v"]?.integer == Self.version, let type = object["type"]?.string,
            let at = object["at"]?.string.flatMap({ Instant($0) }), let by = object["by"], let body = object["body"]
        else { throw ModelError("unknown-entry", "not a ledger entry of version \(Self.version)") }
        if let key = object.keys.first(where: { !["v", "type", "at", "by", "body", "why"].contains($0) }) {
            throw ModelError("unknown-key", "a ledger entry has no `\(key)`")
        }
        self.at = at
        self.by = try JSONCoding.decode(Author.self, from: by)
        why = object["why"]?.string
        event = try Event(type: type, body: body)
    }
}

/// Who stands behind an entry. SPIFFE IDs are opaque, so they may stand in a leaf.
package struct Author: Hashable, Sendable, Codable {
    /// Who asked for it.
    package var requester: SPIFFEID?
    package var approver: SPIFFEID?
    /// The program that did it by itself: `hub` for what follows from a rule.
    package var robot: String?

    package init(requester: SPIFFEID? = nil, approver: SPIFFEID? = nil, robot: String? = nil) {
        self.requester = requester
        self.approver = approver
        self.robot = robot
    }

    package static let hub = Author(robot: "hub")

    /// What `JSONCoding` makes of it, by hand: it stands in every entry.
    var json: JSON {
        .texts([("approver", approver?.description), ("requester", requester?.description), ("robot", robot)])
    }
}
