import Model

/// What an invitation hands over, one line to paste: `nave-join:` and base64url of canonical JSON. It tells where the hub
/// is, pins the hub's root, names who joins, and holds the secret that is spent by joining.
package struct JoinToken: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Codable, CaseIterable, Sendable {
        case spoke, client, user
    }

    package static let prefix = "nave-join:"
    package static let maximumBytes = 4096
    /// A secret has this many random bytes.
    package static let secretByteCount = 32

    private struct Body: Codable, Hashable {
        var v: Int
        var hub: String
        var address: String
        var root: String
        var zone: String?
        var name: String
        var kind: Kind
        var secret: String
    }

    private let body: Body

    /// - Parameters:
    ///   - hub: The host name that the hub's front listener has a certificate for, `h1.hub.corp.example`.
    ///   - address: Where to dial, `host:port`; `[…]:port` for IPv6.
    ///   - root: `spkiDigest` of the key of the hub's root.
    ///   - zone: The zone of a spoke or a client; nil for a user, who is of the organization.
    ///   - secret: 32 random bytes.
    /// - Throws: `bad-join-token`.
    package init(
        hub: String, address: String, root: String, zone: String?, name: String, kind: Kind, secret: [UInt8]
    ) throws(TrustError) {
        body = Body(
            v: 1, hub: hub, address: address, root: root, zone: zone, name: name, kind: kind,
            secret: Base64.encodeURL(secret))
        try check()
    }

    /// Reads a token in its one spelling; space and line ends around it are taken off.
    /// - Throws: `bad-join-token`. The message never quotes the token, which holds a secret.
    package init(parsing text: String) throws(TrustError) {
        let trimmed = text.utf8.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed()
        let prefix = Array(Self.prefix.utf8)
        guard trimmed.count <= Self.maximumBytes, trimmed.starts(with: prefix),
            let json = Base64.decodeURL(String(decoding: trimmed.dropFirst(prefix.count), as: UTF8.self))
        else {
            throw TrustError(
                "bad-join-token", "this is not a join token", hint: "it is one line that begins with `\(Self.prefix)`")
        }
        do throws(ModelError) {
            body = try JSONCoding.decodeCanonical(Body.self, from: json)
        } catch {
            // The cause may quote the secret.
            throw TrustError(
                "bad-join-token", "the join token is damaged (\(error.code))", hint: "paste the whole line")
        }
        try check()
    }

    package var hub: String { body.hub }
    package var address: String { body.address }
    package var root: String { body.root }
    package var zone: String? { body.zone }
    package var name: String { body.name }
    package var kind: Kind { body.kind }
    /// Base64url of the secret bytes: what enrolment sends, after the pin was checked.
    package var secret: String { body.secret }

    /// `sha256:<hex>` of the secret's text: what the hub stores in its place.
    package var secretHash: String { Self.secretHash(of: body.secret) }

    package static func secretHash(of secret: String) -> String { digestText(of: Array(secret.utf8)) }

    /// The host and the port of `address`.
    package var endpoint: (host: String, port: Int) {
        Self.endpoint(body.address) ?? ("", 0)
    }

    /// The token itself: holds the secret, so never for a log.
    package func encoded() throws(TrustError) -> String {
        do throws(ModelError) {
            return Self.prefix + Base64.encodeURL(try JSONCoding.canonical(body))
        } catch {
            throw TrustError("bad-join-token", "cannot write the join token", because: error)
        }
    }

    /// For logs and messages: everything but the secret.
    package var description: String {
        "join token for \(body.kind.rawValue) \(body.zone.map { "\($0)/" } ?? "")\(body.name) at \(body.hub)"
    }

    private func check() throws(TrustError) {
        func demand(_ condition: Bool, _ what: String) throws(TrustError) {
            guard condition else { throw TrustError("bad-join-token", "the join token has \(what)") }
        }
        try demand(body.v == 1, "a version that is not known")
        try demand(isDomainName(body.hub), "no host name of a hub")
        try demand(Self.endpoint(body.address) != nil, "no address of the form `host:port`")
        try demand(isDigestText(body.root), "no digest of a root's key")
        try demand(isLabel(body.name), "no name")
        switch body.kind {
        case .spoke, .client: try demand(body.zone.map(isLabel) ?? false, "no zone")
        case .user: try demand(body.zone == nil, "a zone, which users do not have")
        }
        try demand(
            Base64.decodeURL(body.secret)?.count == Self.secretByteCount, "no secret of \(Self.secretByteCount) bytes")
    }

    private static func endpoint(_ address: String) -> (host: String, port: Int)? {
        guard address.utf8.count <= 260, let colon = address.lastIndex(of: ":") else { return nil }
        let portText = String(address[address.index(after: colon)...])
        guard let port = Int(portText), String(port) == portText, (1...65_535).contains(port) else { return nil }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":"), host.utf8.allSatisfy({ $0 == 0x3a || $0 == 0x2e || Hex.isDigit($0) }) else {
                return nil
            }
            return (host, port)
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard host.utf8.count <= 253, labels.allSatisfy({ isLabel(String($0)) }) else { return nil }
        return (host, port)
    }
}

extension JoinToken {
    /// The kind of invitation that the token stands for.
    package var invitationKind: Invitation.Kind {
        switch kind {
        case .spoke: .spoke
        case .client: .client
        case .user: .user
        }
    }
}
