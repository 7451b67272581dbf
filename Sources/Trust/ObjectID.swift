/// Object identifiers as Nave writes and reads them in certificates: the contents of their DER.
enum ObjectID {
    static let commonName: [UInt8] = [0x55, 0x04, 0x03]
    static let organizationName: [UInt8] = [0x55, 0x04, 0x0a]
    static let subjectKeyIdentifier: [UInt8] = [0x55, 0x1d, 0x0e]
    static let keyUsage: [UInt8] = [0x55, 0x1d, 0x0f]
    static let subjectAlternativeName: [UInt8] = [0x55, 0x1d, 0x11]
    static let basicConstraints: [UInt8] = [0x55, 0x1d, 0x13]
    static let nameConstraints: [UInt8] = [0x55, 0x1d, 0x1e]
    static let authorityKeyIdentifier: [UInt8] = [0x55, 0x1d, 0x23]
    static let extendedKeyUsage: [UInt8] = [0x55, 0x1d, 0x25]
    static let ecdsaWithSHA256: [UInt8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]
    static let ed25519: [UInt8] = [0x2b, 0x65, 0x70]

    /// `2.5.29.17` of its contents; nil for what is no object identifier.
    static func dotted(_ contents: some BidirectionalCollection<UInt8>) -> String? {
        guard let last = contents.last, last < 0x80 else { return nil }
        var parts: [UInt64] = []
        var part: UInt64 = 0
        for byte in contents {
            // No leading zero digits, and nothing that overflows.
            guard part > 0 || byte != 0x80, part < 1 << 56 else { return nil }
            part = part << 7 | UInt64(byte & 0x7f)
            guard byte < 0x80 else { continue }
            if parts.isEmpty {
                parts = [min(part / 40, 2), part - min(part / 40, 2) * 40]
            } else {
                parts.append(part)
            }
            part = 0
        }
        return parts.map { String($0) }.joined(separator: ".")
    }
}
