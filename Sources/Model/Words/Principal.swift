/// Whom a rule names. Written and sent as its text.
package enum Principal: Hashable, Sendable, Codable, CustomStringConvertible {
    /// A registered client of a zone of this organization: `client:analytics/reporting-bot`.
    case client(zone: String, name: String)
    /// Every registered client of a zone: `zone:analytics`.
    case zone(String)
    /// A person: `user:ana@corp.example`.
    case user(String)
    /// Members of a group that the organization's identity provider asserts: `group:finance-analysts`.
    case group(String)
    /// Every workload of another organization's trust domain: `domain:billing.partner.example`.
    case domain(String)
    /// Workloads by SPIFFE ID: `spiffe://billing.partner.example/client/*`.
    case spiffe(Pattern)
    /// Every authenticated caller.
    case anyone

    /// - Throws: `bad-principal`.
    package init(_ text: String) throws(ModelError) {
        var text = text
        let read = text.withUTF8 { bytes -> Principal? in
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), isPlain(bytes[(colon + 1)...]) else {
                return bytes.elementsEqual("anyone".utf8) ? .anyone : nil
            }
            let name = bytes[(colon + 1)...]
            // The five words differ in their first letters.
            switch bytes[0] {
            case UInt8(ascii: "c") where bytes[..<colon].elementsEqual("client".utf8):
                guard let slash = name.firstIndex(of: UInt8(ascii: "/")), isLabel(name[..<slash]),
                    isLabel(name[(slash + 1)...])
                else { return nil }
                return .client(
                    zone: String(decoding: name[..<slash], as: UTF8.self),
                    name: String(decoding: name[(slash + 1)...], as: UTF8.self))
            case UInt8(ascii: "z") where bytes[..<colon].elementsEqual("zone".utf8) && isLabel(name):
                return .zone(String(decoding: name, as: UTF8.self))
            case UInt8(ascii: "u") where bytes[..<colon].elementsEqual("user".utf8):
                return .user(String(decoding: name, as: UTF8.self))
            case UInt8(ascii: "g") where bytes[..<colon].elementsEqual("group".utf8):
                return .group(String(decoding: name, as: UTF8.self))
            case UInt8(ascii: "d") where bytes[..<colon].elementsEqual("domain".utf8) && isDomainName(name):
                return .domain(String(decoding: name, as: UTF8.self))
            default: return nil
            }
        }
        if let read {
            self = read
        } else if text.hasPrefix("spiffe://") {
            self = .spiffe(try Pattern(text, segmented: true))
        } else {
            throw Self.problem(text)
        }
    }

    private static func problem(_ text: String) -> ModelError {
        ModelError(
            "bad-principal", "`\(text.prefix(100))` names no principal",
            hint:
                "`client:ZONE/NAME`, `zone:NAME`, `user:ADDRESS`, `group:NAME`, `domain:DOMAIN`, `spiffe://…` or `anyone`"
        )
    }

    package var description: String {
        switch self {
        case .client(let zone, let name): "client:" + zone + "/" + name
        case .zone(let name): "zone:\(name)"
        case .user(let address): "user:\(address)"
        case .group(let name): "group:\(name)"
        case .domain(let name): "domain:\(name)"
        case .spiffe(let pattern): pattern.description
        case .anyone: "anyone"
        }
    }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A user's address or a group's name: 1 to 254 visible ASCII bytes, no space, no `*`.
private func isPlain(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    (1...254).contains(text.count) && text.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "*") }
}
