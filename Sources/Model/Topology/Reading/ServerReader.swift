import Foundation

extension TopologyDraft {
    func readServer(_ key: NodeReader, _ value: NodeReader, zone: String) -> Server? {
        guard let name = key.string("a name") else { return nil }
        let place = key.place
        let read = value.mapping("a server") { server in
            let classification = server.optional("classification") { $0.word(Classification.self) }
            return (
                server: Server(
                    zone: zone, name: name,
                    description: server.optional("description") { $0.string() },
                    owner: server.optional("owner") { principal($0, by: place) },
                    spokes: server.required("spokes") { $0.list { mention($0, "a spoke", by: place) } } ?? [],
                    endpoint: server.optional("endpoint") { readEndpoint($0) },
                    classification: classification ?? .public,
                    labels: server.optional("labels") { readLabels($0) },
                    policy: server.optional("policy") { readPolicy($0, by: place) },
                    enforcement: server.optional("enforcement") { readEnforcement($0, by: place) },
                    place: place),
                // A classification that was misspelt is no reason to judge another one.
                isClassified: server.has("classification"), isHere: isHere(server)
            )
        }
        guard let read else {
            return Server(zone: zone, name: name, spokes: [], classification: .public, place: place)
        }
        guard read.isHere else {
            elsewhere.servers.insert(read.server.fullName)
            return nil
        }
        if !read.isClassified { unclassified.insert(read.server.fullName) }
        return read.server
    }

    func readClient(_ key: NodeReader, _ value: NodeReader, zone: String) -> Client? {
        guard let name = key.string("a name") else { return nil }
        let place = key.place
        let read = value.mapping("a client") { client in
            (
                client: Client(
                    zone: zone, name: name,
                    owner: client.optional("owner") { principal($0, by: place) },
                    purpose: client.optional("purpose") { $0.string() },
                    until: client.optional("until") { $0.end() },
                    place: place),
                isHere: isHere(client)
            )
        }
        guard let read else { return Client(zone: zone, name: name, place: place) }
        if !read.isHere { elsewhere.clients.insert(read.client.fullName) }
        return read.isHere ? read.client : nil
    }

    /// `{ mode: observe, until: 2027-01-31, reason: FIN-1 }`
    private func readEnforcement(_ value: NodeReader, by owner: Place) -> Enforcement? {
        mentions.note("enforcement", by: owner, at: value.place)
        if case .string(let text, _) = value.node.value {
            value.fail(
                "wrong-type", "expected an enforcement (a mapping), found the text \(backticked(text))",
                hint: "as `{ mode: observe, until: 2027-01-31, reason: FIN-1234 }`; a server without it enforces")
            return nil
        }
        return value.mapping("an enforcement") { enforcement -> Enforcement? in
            let mode = enforcement.required("mode") { $0.word(Enforcement.Mode.self) }
            let until = enforcement.required("until") { $0.end() }
            let reason = enforcement.required("reason") { $0.string() }
            guard let mode, let until, let reason else { return nil }
            return Enforcement(mode: mode, until: until, reason: reason)
        }
    }

    private func readLabels(_ value: NodeReader) -> [String: String] {
        let pairs = value.entries(maximum: 64) { key, value -> (String, String)? in
            guard let name = key.label("the name of a label"),
                let text = value.string(maximumLength: Server.maximumLabelLength)
            else {
                return nil
            }
            return (name, text)
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    func readEndpoint(_ value: NodeReader) -> String? {
        value.parsed("an endpoint", hint: Server.endpointHint) { Server.isEndpoint($0) ? $0 : nil }
    }
}

extension Server {
    /// Bytes of a label's value.
    static let maximumLabelLength = 63

    static let endpointHint = "an https URL without user, query and fragment"

    static func isEndpoint(_ text: String) -> Bool {
        guard let parts = URLComponents(string: text), parts.scheme == "https", let host = parts.host else {
            return false
        }
        return !host.isEmpty && parts.user == nil && parts.password == nil && parts.query == nil
            && parts.fragment == nil
    }
}
