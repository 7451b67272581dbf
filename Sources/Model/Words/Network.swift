import Foundation

/// An IPv4 or IPv6 address. An IPv4 address mapped into IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
package struct IPAddress: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 4 or 16 bytes, network order.
    package let bytes: [UInt8]
    package let description: String

    package init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
            description = text
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            let all = withUnsafeBytes(of: six) { Array($0) }
            if all[0..<10].allSatisfy({ $0 == 0 }), all[10] == 0xFF, all[11] == 0xFF {
                bytes = Array(all[12...])
                description = bytes.map(String.init).joined(separator: ".")
            } else {
                bytes = all
                description = text
            }
        } else {
            return nil
        }
    }

    /// Of 4 or 16 bytes.
    fileprivate init?(_ bytes: [UInt8]) {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard bytes.count == 4 || bytes.count == 16,
            inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil
        else { return nil }
        self.init(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    /// What one host has for itself: an IPv4 address, or the 64 bits of an IPv6 network (RFC 4291, section 2.5.4), in which it may
    /// take any address. What is limited by address is by this.
    package var host: String {
        guard bytes.count == 16, let first = IPAddress(bytes.prefix(8) + [UInt8](repeating: 0, count: 8)) else {
            return description
        }
        return "\(first)/64"
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = IPAddress(text) else { throw ModelError("bad-address", "`\(text)` is not an IP address") }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A network in CIDR form, `10.20.0.0/16` or `2001:db8::/32` (RFC 4632). Bits below the prefix must be zero.
package struct Network: Hashable, Sendable, Codable, CustomStringConvertible {
    package let address: IPAddress
    package let prefix: Int

    /// - Throws: `bad-network`.
    package init(_ text: String) throws(ModelError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let address = IPAddress(parts[0]), let prefix = Int(parts[1]),
            String(prefix) == parts[1], (0...address.bytes.count * 8).contains(prefix)
        else {
            throw ModelError("bad-network", "`\(text.prefix(60))` is not a network", hint: "CIDR form, as 10.20.0.0/16")
        }
        self.address = address
        self.prefix = prefix
        guard contains(address) else {
            throw ModelError("bad-network", "`\(text)` has bits set below its prefix")
        }
    }

    package var description: String { "\(address)/\(prefix)" }

    package func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        for index in address.bytes.indices where mask(index) & other.bytes[index] != address.bytes[index] {
            return false
        }
        return true
    }

    package func contains(_ other: Network) -> Bool { prefix <= other.prefix && contains(other.address) }

    package func overlaps(_ other: Network) -> Bool { contains(other.address) || other.contains(address) }

    /// The first address beyond; nil beyond the last of all.
    package var following: IPAddress? {
        guard prefix > 0 else { return nil }
        var bytes = address.bytes
        var index = (prefix - 1) / 8
        let step = UInt8(1) << UInt8(7 - (prefix - 1) % 8)
        let (sum, overflow) = bytes[index].addingReportingOverflow(step)
        bytes[index] = sum
        var carry = overflow
        while carry {
            guard index > 0 else { return nil }
            index -= 1
            let (sum, overflow) = bytes[index].addingReportingOverflow(1)
            bytes[index] = sum
            carry = overflow
        }
        return IPAddress(bytes)
    }

    /// The bits of that byte which the prefix covers.
    private func mask(_ index: Int) -> UInt8 {
        let bits = min(8, max(0, prefix - index * 8))
        return bits == 0 ? 0 : 0xFF << UInt8(8 - bits)
    }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension [Network] {
    /// Whether the address lies in one of them.
    func contain(_ address: IPAddress) -> Bool {
        let networks = span
        for index in networks.indices where networks[index].contains(address) { return true }
        return false
    }
}
