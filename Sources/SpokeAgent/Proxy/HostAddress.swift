import Model
import Trust

extension IPAddress {
    /// What one host has for itself: an IPv4 address, or the 64 bits of an IPv6 network (RFC 4291, section 2.5.4), in which it may
    /// take any address. What is limited by address is by this.
    var host: String { bytes.count == 16 ? Hex.encode(Array(bytes.prefix(8))) + "/64" : description }
}
