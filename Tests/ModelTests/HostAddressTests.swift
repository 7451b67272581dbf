import Model
import Testing

@Test(
    "what is limited by address is by IPv4 address, and by /64 of IPv6",
    arguments: [
        ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.2", false), ("::ffff:10.0.0.1", "10.0.0.1", true),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true), ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
    ])
func addressesOfOneHost(one: String, other: String, isSame: Bool) throws {
    #expect((try #require(IPAddress(one)).host == (try #require(IPAddress(other))).host) == isSame)
}
