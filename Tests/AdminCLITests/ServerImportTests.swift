import AdminCLI
import Model
import Testing
import YAMLFile

@Suite struct ServerImportTests {
    private func imported(_ text: String, _ file: String) throws -> ServerImport {
        var imported = ServerImport(zone: "finance", spokes: ["fin-1"])
        try imported.add(Array(text.utf8), named: file)
        return imported
    }

    /// What `nave topology check` says of the written file beside the zone that it adds to.
    private func reading(_ servers: [Server]) throws -> TopologyReading {
        let written = yamlText(zoneFragment(zone: "finance", servers: servers), keepsOrder: true)
        let files = [
            "organization.yaml": "organization: corp.example\n",
            "finance.yaml":
                "zone: finance\nclassification: confidential\nnetworks: [10.0.0.0/8]\nspokes: { fin-1: {}, fin-2: {} }\n",
            "imported.yaml": written,
        ]
        let problems = Problems()
        let nodes = files.map { ($0, YAMLFile.parse(Array($1.utf8), file: $0, problems: problems)) }
        return TopologyReader.read(nodes, problems: problems, now: Instant(milliseconds: 1_800_000_000_000))
    }

    @Test func aClientsConfigurationGivesServersWithoutCommandsAndSecrets() throws {
        let text = """
            { "mcpServers": {
                "Git Hub": { "command": "npx", "args": ["-y", "server-github"], "env": { "TOKEN": "hunter2" } },
                "ledger": { "url": "https://ledger.example/mcp", "headers": { "Authorization": "Bearer hunter2" } },
                "yes": { "command": "no" }, "???": { "command": "x" } } }
            """
        let found = try imported(text, "mcp.json")
        #expect(found.servers.map(\.name) == ["git-hub", "ledger", "yes"])
        #expect(found.notes.contains { $0.hasPrefix("left out `???`") })
        #expect(!found.notes.joined().contains("hunter2"))
        let reading = try reading(found.servers)
        #expect(reading.errors == [])
        #expect(reading.topology.servers.map(\.fullName) == ["finance/git-hub", "finance/ledger", "finance/yes"])
        #expect(reading.topology.servers.allSatisfy { $0.spokes == ["fin-1"] && $0.endpoint == nil })
        let code = try imported(#"{ "servers": { "git": { "type": "stdio", "command": "git-mcp" } } }"#, "mcp.json")
        #expect(code.servers.map(\.name) == ["git"])
    }

    @Test func aDescriptionOfTheRegistryGivesItsServer() throws {
        let text = #"""
            { "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
              "name": "io.github.example/ledger-reader", "description": "Reads: \"ledgers\" # all of them",
              "version": "1.0.2", "packages": [{ "registryType": "pypi", "identifier": "ledger-reader", "version": "1.0.2",
              "transport": { "type": "stdio" } }], "remotes": [{ "type": "streamable-http", "url": "https://x.example/mcp" }] }
            """#
        let found = try imported(text, "server.json")
        #expect(found.servers.map(\.name) == ["ledger-reader"])
        #expect(found.notes.count == 2)
        let reading = try reading(found.servers)
        #expect(reading.errors == [])
        #expect(reading.topology.servers.first?.description == "Reads: \"ledgers\" # all of them")
    }

    @Test func aTableGivesARowAServer() throws {
        let text =
            "Name,Description,Owner,Classification,Spokes,Endpoint,tier\r\n"
            + "ledger,\"General, \"\"main\"\" ledger\",group:fin,confidential,fin-1 fin-2,https://l.example/ledger/mcp,gold\r\n"
            + "git,,ana@corp.example,,,,\n\n"
        let found = try imported(text, "servers.CSV")
        let reading = try reading(found.servers)
        #expect(reading.errors == [])
        let servers = reading.topology.servers
        #expect(servers.map(\.fullName) == ["finance/git", "finance/ledger"])
        #expect(servers[1].description == "General, \"main\" ledger" && servers[1].labels == ["tier": "gold"])
        #expect(servers[1].spokes == ["fin-1", "fin-2"] && servers[1].classification == .confidential)
        #expect(servers[0].owner == .user("ana@corp.example") && servers[0].spokes == ["fin-1"])
    }

    @Test(arguments: [
        ("{", "mcp.json"), ("{}", "mcp.json"), ("[]", "server.json"), ("name\n\"a", "t.csv"), ("title\na", "t.csv"),
        ("name,owner\na", "t.csv"), ("name,owner\na,client:x/y", "t.csv"), ("name,classification\na,secret", "t.csv"),
        ("name,spokes\na,Fin", "t.csv"), ("name,endpoint\na,http://x", "t.csv"), ("name,Ti er\na,b", "t.csv"),
    ])
    func whatDescribesNoServersIsRefused(text: String, file: String) {
        #expect { try imported(text, file) } throws: { ($0 as? AdminError)?.code == "bad-import" }
    }
}
