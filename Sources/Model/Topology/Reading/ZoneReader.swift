extension TopologyDraft {
    /// `organization: corp.example`: who runs the hub, and the baseline for all.
    func readOrganization(_ file: MappingReader, domain: NodeReader) {
        let read = Organization(
            domain: domain.string("a domain") ?? "",
            name: file.optional("name") { $0.string() },
            environment: file.optional("environment") { $0.label("an environment") },
            roles: file.optional("roles") { readRoles($0, by: domain.place) },
            policy: file.optional("policy") { readPolicy($0, by: domain.place) },
            renewal: file.optional("renewal") { readRenewal($0) },
            place: domain.place)
        // Read before everything else: see `readSets`.
        _ = file.has("sets")
        if let value = file.value("overrides") { readOverrides(value) }
        readRules(file, of: .organization)
        readTests(file, zone: nil)
        if let organization {
            problems.add(
                "duplicate-name", "a second organization, \(backticked(read.domain))",
                hint: organization.place.map { "the first is at \($0)" }, at: domain.place)
        } else {
            organization = read
        }
    }

    /// `zone: finance`: a security zone, its spokes, and what it holds.
    func readZone(_ file: MappingReader, name: NodeReader) {
        let zone = name.string("a name")
        let place = name.place
        // What cannot be read stands for the most open value: a ceiling that is not known is not exceeded.
        let read = Zone(
            name: zone ?? "",
            description: file.optional("description") { $0.string() },
            region: file.optional("region") { $0.string(maximumLength: Zone.maximumRegionLength) },
            classification: file.required("classification") { $0.word(Classification.self) } ?? .restricted,
            networks: file.required("networks") { $0.list { readNetwork($0) } } ?? [],
            callers: file.optional("callers") { $0.list { readCaller($0, by: place) } },
            roles: file.optional("roles") { readRoles($0, by: place) },
            policy: file.optional("policy") { readPolicy($0, by: place) },
            renewal: file.optional("renewal") { readRenewal($0) },
            place: place)
        let spokes = file.optional("spokes") { value in
            value.entries { key, spoke in
                // A spoke has no settings of its own yet; the mapping keeps the place for them.
                _ = spoke.mapping("a spoke") { _ in }
                return key.string("a name").map { Spoke(zone: read.name, name: $0, place: key.place) }
            }
        }
        _ = file.has("sets")
        guard zone != nil else {
            readForMistakes(file, at: place)
            return
        }
        zones.append(read)
        self.spokes += spokes ?? []
        readContents(file, zone: read.name, at: place)
    }

    /// `in: finance`: a file that adds to a zone, so that a team owns its own.
    func readFragment(_ file: MappingReader, zone: NodeReader) {
        guard let name = zone.string("a zone") else {
            readForMistakes(file, at: zone.place)
            return
        }
        readContents(file, zone: name, at: zone.place)
    }

    /// A file whose zone is not known: its names belong nowhere, and what else is wrong in it is said all the same.
    private func readForMistakes(_ file: MappingReader, at place: Place) {
        let rest = TopologyDraft(problems)
        rest.environment = environment
        rest.sets = sets
        rest.isComplete = false
        rest.readContents(file, zone: "", at: place)
        isComplete = false
    }

    /// What both kinds of files hold: servers, clients, rules and tests of a zone named at `place`.
    private func readContents(_ file: MappingReader, zone: String, at place: Place) {
        let firstClient = clients.count
        let firstServer = servers.count
        let firstRule = rules.count
        if let value = file.value("clients") { clients += value.entries { readClient($0, $1, zone: zone) } }
        if let value = file.value("servers") { servers += value.entries { readServer($0, $1, zone: zone) } }
        readRules(file, of: .zone(zone))
        readTests(file, zone: zone)
        // An undeclared zone is a mistake of the file's first line, not of each object in it.
        let owners =
            clients[firstClient...].map(\.place) + servers[firstServer...].map(\.place)
            + rules[firstRule...].map(\.place)
        for case let owner? in owners { mentions.note("zone:\(zone)", by: owner, at: place) }
    }

    /// `analytics`, a zone of this organization, or `domain:billing.partner.example`.
    private func readCaller(_ value: NodeReader, by owner: Place) -> Principal? {
        let caller = value.parsed("a zone", hint: "its name, or `domain:DOMAIN` for another organization's") { text in
            if case .domain(let domain)? = try? Principal(text) { return Principal.domain(domain) }
            return isLabel(text) ? Principal.zone(text) : nil
        }
        if let caller { mentions.note(caller.description, by: owner, at: value.place) }
        return caller
    }

    func readNetwork(_ value: NodeReader) -> Network? {
        value.parsed("a network") { text throws(ModelError) in try Network(text) }
    }

    private func readRenewal(_ value: NodeReader) -> RenewalTerms? {
        value.mapping("the terms of renewal") { terms in
            RenewalTerms(expired: terms.optional("expired") { $0.bool() })
        }
    }

    private func readRoles(_ value: NodeReader, by owner: Place) -> Roles? {
        value.mapping("roles") { roles in
            Roles(
                owner: roles.optional("owner") { $0.list { principal($0, by: owner) } },
                reviewer: roles.optional("reviewer") { $0.list { principal($0, by: owner) } },
                auditor: roles.optional("auditor") { $0.list { principal($0, by: owner) } })
        }
    }
}
