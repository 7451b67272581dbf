import COpenSSL
import Model

/// One name of a subject alternative name extension or of a name constraint (RFC 5280, section 4.2.1.6).
package struct GeneralName: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        case other, email, dns, x400, directory, ediParty, uri, ip, registeredID
    }

    package var kind: Kind
    /// The text of an e-mail, DNS or URI name; the bytes in hexadecimal of an IP address; empty for the other kinds.
    package var value: String

    package init(_ kind: Kind, _ value: String) {
        self.kind = kind
        self.value = value
    }

    package var description: String { "\(kind.rawValue):\(value)" }
}

extension GeneralName {
    /// - Throws: `bad-certificate` for a text name that is not printable ASCII: an embedded NUL ends a C string early.
    init(reading name: UnsafeMutableRawPointer) throws(TrustError) {
        let name = name.assumingMemoryBound(to: GENERAL_NAME.self)
        var type: Int32 = 0
        let value = GENERAL_NAME_get0_value(name, &type)
        switch type {
        case GEN_OTHERNAME: self.init(.other, "")
        case GEN_EMAIL: self.init(.email, try Self.text(value))
        case GEN_DNS: self.init(.dns, try Self.text(value))
        case GEN_X400: self.init(.x400, "")
        case GEN_DIRNAME: self.init(.directory, "")
        case GEN_EDIPARTY: self.init(.ediParty, "")
        case GEN_URI: self.init(.uri, try Self.text(value))
        case GEN_IPADD: self.init(.ip, Hex.encode(contentBytes(value?.assumingMemoryBound(to: ASN1_STRING.self))))
        default: self.init(.registeredID, "")
        }
    }

    private static func text(_ value: UnsafeMutableRawPointer?) throws(TrustError) -> String {
        let bytes = contentBytes(value?.assumingMemoryBound(to: ASN1_STRING.self))
        guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw TrustError("bad-certificate", "a name in the certificate is not printable ASCII")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Only the kinds that Nave writes exist.
    /// - Throws: `bad-template`, also for a text that is not ASCII (IA5String).
    func write(to writer: inout DERWriter) throws(TrustError) {
        let number: UInt8? =
            switch kind {
            case .email: 1
            case .dns: 2
            case .uri: 6
            case .ip: 7
            case .other, .x400, .directory, .ediParty, .registeredID: nil
            }
        let bytes = kind == .ip ? Hex.decode(value) ?? [] : Array(value.utf8)
        guard let number, !bytes.isEmpty, kind == .ip || bytes.allSatisfy({ $0 < 0x80 }) else {
            throw TrustError("bad-template", "cannot write the name \(backticked(description))")
        }
        writer.add(DERReader.Tag.context(number), bytes)
    }
}

/// The name constraints of a CA (RFC 5280, section 4.2.1.10).
package struct NameConstraints: Hashable, Sendable, CustomStringConvertible {
    package var permitted: [GeneralName]
    package var excluded: [GeneralName]

    package init(permitted: [GeneralName], excluded: [GeneralName]) {
        self.permitted = permitted
        self.excluded = excluded
    }

    /// What an intermediate of Nave may sign: URI, DNS and e-mail names of one domain, and no IP address. Every type that a
    /// leaf could hold is mentioned, because a type that is not mentioned is allowed.
    package init(domain: String) {
        permitted = [GeneralName(.uri, domain), GeneralName(.dns, domain), GeneralName(.email, domain)]
        excluded = Self.anyAddress
    }

    /// What a root may sign that others signed: the same of an organization's domain and of every domain below it. A URI's
    /// host and an e-mail's are matched whole unless the constraint begins with a dot; a DNS name's is not.
    package init(organization: String) {
        permitted = [
            GeneralName(.uri, organization), GeneralName(.uri, ".\(organization)"), GeneralName(.dns, organization),
            GeneralName(.email, organization), GeneralName(.email, ".\(organization)"),
        ]
        excluded = Self.anyAddress
    }

    private static let anyAddress = [
        GeneralName(.ip, String(repeating: "00", count: 8)), GeneralName(.ip, String(repeating: "00", count: 32)),
    ]

    package var description: String {
        let any = Dictionary(uniqueKeysWithValues: zip(Self.anyAddress, ["any IPv4", "any IPv6"]))
        func text(_ names: [GeneralName]) -> String {
            names.isEmpty ? "nothing" : names.map { any[$0] ?? $0.description }.joined(separator: ", ")
        }
        return "permitted \(text(permitted)); excluded \(text(excluded))"
    }

    /// The hosts that URI names are permitted for.
    package var uriDomains: [String] { permitted.filter { $0.kind == .uri }.map(\.value) }
}

extension NameConstraints {
    init(reading constraints: UnsafePointer<NAME_CONSTRAINTS>) throws(TrustError) {
        func names(_ stack: OpaquePointer?) throws(TrustError) -> [GeneralName] {
            var names: [GeneralName] = []
            for element in elements(of: stack) {
                let subtree = element.assumingMemoryBound(to: GENERAL_SUBTREE.self)
                guard let base = subtree.pointee.base else { continue }
                names.append(try GeneralName(reading: UnsafeMutableRawPointer(base)))
            }
            return names
        }
        self.init(
            permitted: try names(constraints.pointee.permittedSubtrees),
            excluded: try names(constraints.pointee.excludedSubtrees))
    }
}
