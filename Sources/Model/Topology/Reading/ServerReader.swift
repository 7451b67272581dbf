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
                    place: place),
                // A classification that was misspelt is no reason to judge another one.
                isClassified: server.has("classification")
            )
        }
        guard let read else {
            return Server(zone: zone, name: name, spokes: [], classification: .public, place: place)
        }
        if !read.isClassified { unclassified.insert(read.server.fullName) }
        return read.server
    }

    func readClient(_ key: NodeReader, _ value: NodeReader, zone: String) -> Client? {
        guard let name = key.string("a name") else { return nil }
        let place = key.place
        let client = value.mapping("a client") { client in
            Client(
                zone: zone, name: name,
                owner: client.optional("owner") { principal($0, by: place) },
                purpose: client.optional("purpose") { $0.string() },
                until: client.optional("until") { $0.end() },
                place: place)
        }
        return client ?? Client(zone: zone, name: name, place: place)
    }

    private func readLabels(_ value: NodeReader) -> [String: String] {
        let pairs = value.entries(maximum: 64) { key, value -> (String, String)? in
            guard let name = key.label("the name of a label"), let text = value.string(maximumLength: 63) else {
                return nil
            }
            return (name, text)
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    private func readEndpoint(_ value: NodeReader) -> String? {
        value.parsed("an endpoint", hint: "an https URL without user, query and fragment") { text in
            guard let parts = URLComponents(string: text), parts.scheme == "https", let host = parts.host,
                !host.isEmpty,
                parts.user == nil, parts.password == nil, parts.query == nil, parts.fragment == nil
            else { return nil }
            return text
        }
    }
}
