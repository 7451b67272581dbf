import Model

/// Who an access token speaks for, and until when.
package struct AccessToken: Hashable, Sendable {
    package var user: Caller.User
    /// The issuer's skew included.
    package var expires: Instant

    package init(user: Caller.User, expires: Instant) {
        self.user = user
        self.expires = expires
    }
}

/// What a token must say before anybody asks for the key of its signature.
package struct TokenRules: Sendable {
    private let issuers: [TokenIssuer]
    private let scopes: [String]

    /// - Parameter scopes: what every token must bear.
    package init(issuers: [TokenIssuer], scopes: [String] = []) {
        self.issuers = issuers
        self.scopes = scopes
    }

    /// The order of the rules: what kind of token it is, whose, for whom, and when.
    /// - Throws: `token-type`, `unknown-issuer`, `algorithm-refused`, `wrong-audience`, `token-expired`,
    ///   `token-not-yet-valid`, `token-lives-too-long`, `sender-constrained`, `no-subject`, `insufficient-scope`.
    package func check(
        _ token: CompactToken, for resource: ProtectedResource, now: Instant
    ) throws(SpokeError) -> (issuer: TokenIssuer, algorithm: TokenAlgorithm, token: AccessToken) {
        try checkType(token)
        let issuer = try issuer(of: token)
        guard let algorithm = TokenAlgorithm(rawValue: token.algorithm), issuer.algorithms.contains(algorithm) else {
            throw SpokeError("algorithm-refused", "the token is not signed by an algorithm of its issuer's list")
        }
        try checkAudience(token, resource)
        let expires = try checkTime(token, issuer, now)
        // Bound to a key that the sender has to show (RFC 7800): whoever only holds it stole it.
        guard token.claims["cnf"] == nil else {
            throw SpokeError("sender-constrained", "the token is bound to a key that was not shown")
        }
        let user = try user(token, issuer)
        try checkScopes(token)
        return (issuer, algorithm, AccessToken(user: user, expires: expires))
    }

    /// An access token says so, or says nothing (RFC 9068, section 2.1). What else is signed by the same issuer, a grant for
    /// another server (`oauth-id-jag+jwt`), a logout or a proof of possession, is no access token.
    private func checkType(_ token: CompactToken) throws(SpokeError) {
        guard token.type.map(["jwt", "at+jwt"].contains) ?? true else {
            throw SpokeError("token-type", "the token is no access token")
        }
    }

    private func issuer(of token: CompactToken) throws(SpokeError) -> TokenIssuer {
        guard let name = token.claims["iss"]?.string,
            let issuer = issuers.first(where: { $0.issuer.utf8.elementsEqual(name.utf8) })
        else { throw SpokeError("unknown-issuer", "the token's issuer is not one that is believed here") }
        return issuer
    }

    private func checkAudience(_ token: CompactToken, _ resource: ProtectedResource) throws(SpokeError) {
        let named = token.claims["aud"].map { $0.array ?? [$0] } ?? []
        guard named.count <= 32, named.allSatisfy({ $0.string != nil }),
            named.contains(where: { $0.string.map { resource.isNamed(by: $0) } ?? false })
        else { throw SpokeError("wrong-audience", "the token is not for this server") }
    }

    private func checkTime(_ token: CompactToken, _ issuer: TokenIssuer, _ now: Instant) throws(SpokeError) -> Instant {
        guard let end = try moment(token.claims["exp"]) else {
            throw SpokeError("token-expired", "the token does not say when it expires")
        }
        guard now < end + issuer.skew else { throw SpokeError("token-expired", "the token has expired") }
        guard end <= now + issuer.lifetime + issuer.skew else {
            throw SpokeError("token-lives-too-long", "the token lives longer than is believed here")
        }
        for claim in ["nbf", "iat"] {
            guard let begin = try moment(token.claims[claim]), now < begin - issuer.skew else { continue }
            throw SpokeError("token-not-yet-valid", "the token is not valid yet")
        }
        return end + issuer.skew
    }

    /// A `NumericDate` (RFC 7519, section 2); nil where there is none.
    private func moment(_ value: JSON?) throws(SpokeError) -> Instant? {
        guard let value else { return nil }
        // Up to the year 9999.
        guard let seconds = value.number?.double, (0...253_402_300_799).contains(seconds) else {
            throw SpokeError("malformed-token", "the token names a time that is none")
        }
        return Instant(milliseconds: Int64(seconds * 1000))
    }

    private func user(_ token: CompactToken, _ issuer: TokenIssuer) throws(SpokeError) -> Caller.User {
        // ASCII, as OpenID Connect Core has it (section 2): two spellings of one letter are not two subjects.
        guard let subject = token.claims["sub"]?.string, (1...255).contains(subject.utf8.count), isVisible(subject)
        else {
            throw SpokeError("no-subject", "the token does not say whom it speaks for")
        }
        let client = (token.claims["client_id"] ?? token.claims["azp"]).map { $0.string ?? "" }
        guard client.map({ (1...255).contains($0.utf8.count) && isVisible($0) }) ?? true else {
            throw SpokeError("malformed-token", "the token names no client")
        }
        return Caller.User(
            issuer: issuer.issuer, subject: subject, address: address(token.claims, issuer),
            groups: groups(token.claims, issuer), client: client)
    }

    /// Nil, a missing fact, wherever the issuer did not name every group: a token with too many of them only says so
    /// (`_claim_names`, OpenID Connect Core section 5.6.2; Entra ID's `hasgroups`).
    private func groups(_ claims: JSONObject, _ issuer: TokenIssuer) -> Set<String>? {
        guard let declared = issuer.groups, let named = claims[declared.claim]?.array, named.count <= 1000,
            claims["hasgroups"].map({ $0 == .bool(false) }) ?? true
        else { return nil }
        if let elsewhere = claims["_claim_names"] {
            guard let elsewhere = elsewhere.object, elsewhere[declared.claim] == nil else { return nil }
        }
        var groups: Set<String> = []
        for name in named {
            // A rule can name what is visible ASCII only, so of another name nothing can be said that matters.
            guard let name = name.string else { return nil }
            if !name.isEmpty, isVisible(name) { groups.insert(declared.prefix + name) }
        }
        return groups
    }

    /// In lower case; only of people of whom the issuer may speak, and an `email` only when the issuer verified it.
    private func address(_ claims: JSONObject, _ issuer: TokenIssuer) -> String? {
        guard let declared = issuer.addresses, let written = claims[declared.claim]?.string,
            declared.claim != "email" || claims["email_verified"] == .bool(true), isVisible(written)
        else { return nil }
        // Only then: letters beyond ASCII have lower case within it (U+212A is a Kelvin, and a `k`).
        let address = written.lowercased()
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, declared.domains.contains(String(parts[1])) else { return nil }
        return address
    }

    private func checkScopes(_ token: CompactToken) throws(SpokeError) {
        guard !scopes.isEmpty else { return }
        let claim = token.claims["scope"] ?? token.claims["scp"]
        let granted =
            claim?.array?.compactMap(\.string) ?? claim?.string?.split(separator: " ").map(String.init) ?? []
        guard scopes.allSatisfy(granted.contains) else {
            throw SpokeError("insufficient-scope", "the token lacks a scope")
        }
    }

    private func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}
