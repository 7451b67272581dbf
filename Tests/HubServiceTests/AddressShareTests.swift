import HubService
import Model
import Testing

@Suite struct AddressShareTests {
    @Test("an address has its share, an IPv6 network of 64 bits one together, and gets it back")
    func shares() throws {
        let share = AddressShare(maximum: 2)
        func enter(_ text: String) throws -> Bool { share.enter(try #require(IPAddress(text))) }
        func leave(_ text: String) throws { share.leave(try #require(IPAddress(text))) }

        #expect(try enter("10.0.0.1") && enter("::ffff:10.0.0.1"))
        #expect(try !enter("10.0.0.1"))
        #expect(try enter("10.0.0.2"), "another address has a share of its own")
        try leave("10.0.0.1")
        #expect(try enter("10.0.0.1"))
        #expect(try !enter("10.0.0.1"), "who was refused holds nothing")

        #expect(try enter("2001:db8:0:1::1") && enter("2001:db8:0:1:ffff::2"))
        #expect(try !enter("2001:db8:0:1::3"))
        #expect(try enter("2001:db8:0:2::1"))
    }

    @Test func whoLeavesMoreOftenThanItEnteredGainsNothing() throws {
        let share = AddressShare(maximum: 1)
        let address = try #require(IPAddress("10.0.0.1"))
        share.leave(address)
        #expect(share.enter(address))
        #expect(!share.enter(address))
    }
}
