import AdminCLI
import Model
import Testing
import Transport

@Suite struct EndpointPlaceTests {
    private func place(_ url: String, _ address: String? = nil) throws -> EndpointPlace {
        let identity = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        return try EndpointPlace(Resolution.Endpoint(url: url, address: address, identity: identity))
    }

    @Test func theAddressIsDialledAndTheURLIsAskedFor() throws {
        let place = try place("https://fin-1.finance.corp.example:9443/ledger/mcp", "127.0.0.1:40001")
        #expect(place.address == HostPort(host: "127.0.0.1", port: 40001))
        #expect(place.authority == "fin-1.finance.corp.example:9443" && place.path == "/ledger/mcp")
    }

    @Test func withoutAnAddressTheURLIsDialled() throws {
        #expect(try place("https://a.example/x/mcp").address == HostPort(host: "a.example", port: 443))
    }

    @Test(arguments: [
        "http://a.example/x", "https:///x", "https://a.example", "https://u@a.example/x", "https://a.example/x?y",
    ])
    func otherURLsAreRefused(url: String) { #expect(throws: AdminError.self) { try place(url) } }
}
