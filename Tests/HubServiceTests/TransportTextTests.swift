import Testing
import Transport

/// The parts of Transport that are texts and need no socket.
@Suite struct TransportTextTests {
    private let text =
        "event: manifest\ndata: {}\n\n: comment\nevent: delivery\r\nid: 7\r\ndata: a\r\ndata: b\r\n\r\nevent: ping\n\n"

    @Test(arguments: [1, 2, 3, 7, 1000])
    func eventsAreTheSameHoweverTheBytesArrive(size: Int) throws {
        var reader = EventStreamReader()
        var events: [ServerSentEvent] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            events += try reader.read(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(
            events == [
                ServerSentEvent(name: "manifest", id: nil, data: "{}"),
                ServerSentEvent(name: "delivery", id: "7", data: "a\nb"),
            ])
    }

    @Test func anEventThatNeverEndsIsRefused() {
        var reader = EventStreamReader()
        let line = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
        #expect(throws: TransportError.self) {
            for _ in 0...32 { _ = try reader.read(line) }
        }
    }

    @Test(arguments: [
        ("127.0.0.1:8443", "127.0.0.1", 8443), ("[::1]:1", "::1", 1),
        ("h1.hub.corp.example:443", "h1.hub.corp.example", 443),
    ])
    func addressesRoundTrip(text: String, host: String, port: Int) throws {
        let address = try HostPort(text)
        #expect(address == HostPort(host: host, port: port))
        #expect(address.description == text)
    }

    @Test(arguments: ["", "host", ":1", "host:", "host:65536", "host:-1", "a:b:1", "a b:1", "host:１", "u@host:1"])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: TransportError.self) { try HostPort(text) }
    }

    @Test func aHubsURLIsANameAndAPort() throws {
        #expect(try HubAddress(url: "https://h1.hub.corp.example:8443").port == 8443)
        #expect(try HubAddress(url: "https://h1.hub.corp.example/").port == 443)
        for wrong in ["http://h1.hub.corp.example", "https://localhost", "https://a.b/path", "https://"] {
            #expect(throws: TransportError.self) { try HubAddress(url: wrong) }
        }
    }

    @Test func aQueryKeepsWhatItCarries() {
        #expect(percentEncoded("a/b c&é~") == "a%2Fb%20c%26%C3%A9~")
    }
}
