extension ObjectKind {
    /// The order in which objects are set, so that what is referred to exists first; removal goes the other way.
    var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension Topology {
    /// Every object that the files own, by name, as the ledger holds it.
    /// - Throws: `not-encodable`.
    package func objects() throws(ModelError) -> [ObjectName: JSON] {
        var objects: [ObjectName: JSON] = [:]
        objects[ObjectName(kind: .organization, name: organization.domain)] = try JSONCoding.encode(organization)
        for zone in zones { objects[ObjectName(kind: .zone, name: zone.name)] = try JSONCoding.encode(zone) }
        for spoke in spokes { objects[ObjectName(kind: .spoke, name: spoke.fullName)] = try JSONCoding.encode(spoke) }
        for client in clients {
            objects[ObjectName(kind: .client, name: client.fullName)] = try JSONCoding.encode(client)
        }
        for server in servers {
            objects[ObjectName(kind: .server, name: server.fullName)] = try JSONCoding.encode(server)
        }
        for rule in rules { objects[ObjectName(kind: .rule, name: rule.id)] = try JSONCoding.encode(rule) }
        return objects
    }

    /// The topology whose objects these are.
    /// - Returns: nil when there is no organization among them.
    /// - Throws: `unknown-key`, `wrong-type`, `missing-key`.
    package init?(objects: [(kind: ObjectKind, value: JSON)]) throws(ModelError) {
        guard let organization = objects.first(where: { $0.kind == .organization }) else { return nil }
        self.init(organization: try JSONCoding.decode(Organization.self, from: organization.value))
        for object in objects {
            switch object.kind {
            case .organization: break
            case .zone: zones.append(try JSONCoding.decode(Zone.self, from: object.value))
            case .spoke: spokes.append(try JSONCoding.decode(Spoke.self, from: object.value))
            case .client: clients.append(try JSONCoding.decode(Client.self, from: object.value))
            case .server: servers.append(try JSONCoding.decode(Server.self, from: object.value))
            case .rule: rules.append(try JSONCoding.decode(Rule.self, from: object.value))
            }
        }
        zones.sort { $0.name < $1.name }
        spokes.sort { $0.fullName < $1.fullName }
        clients.sort { $0.fullName < $1.fullName }
        servers.sort { $0.fullName < $1.fullName }
        rules.sort { $0.id < $1.id }
    }
}

/// The entries that bring the registry from one topology to another; empty when nothing differs.
/// - Parameters:
///   - digest: `sha256:…` of the desired topology's canonical JSON.
/// - Throws: `not-encodable`.
package func topologyEvents(
    from current: Topology?, to desired: Topology, digest: String
) throws(ModelError) -> [Event] {
    let before = try current?.objects() ?? [:]
    let after = try desired.objects()
    let set = after.filter { before[$0.key] != $0.value }.sorted {
        ($0.key.kind.rank, $0.key.name) < ($1.key.kind.rank, $1.key.name)
    }
    let removed = before.keys.filter { after[$0] == nil }.sorted {
        ($1.kind.rank, $0.name) < ($0.kind.rank, $1.name)
    }
    guard !set.isEmpty || !removed.isEmpty else { return [] }
    return [.topologyApplied(TopologyApplied(topology: digest, set: Int64(set.count), removed: Int64(removed.count)))]
        + set.map { .objectSet(ObjectSet(kind: $0.key.kind, name: $0.key.name, value: $0.value)) }
        + removed.map { .objectRemoved($0) }
}
