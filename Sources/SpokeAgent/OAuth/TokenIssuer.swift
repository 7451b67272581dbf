import Model
import Transport

/// An authorization server whose access tokens are believed, and what of them.
package struct TokenIssuer: Hashable, Sendable {
    /// As `iss` has it, byte for byte.
    package var issuer: String
    /// Where its public keys are (RFC 7517): `https://…`, or `http://` on loopback. Fetched from there alone.
    package var keys: String
    /// PEM file of the roots that this server's certificate hangs on; nil for the host's.
    package var roots: String?
    package var algorithms: [TokenAlgorithm] = [.es256, .rs256, .ps256, .edDSA]
    package var groups: GroupClaim?
    package var addresses: AddressClaim?
    /// How far its clock may be from ours.
    package var skew = Milliseconds.seconds(60)
    /// The longest time from now in which a token may end.
    package var lifetime = Milliseconds.hours(24)
    /// After which its keys are fetched again when somebody needs them; after twice that, before anybody is believed by them.
    package var refresh = Milliseconds.minutes(10)

    package init(issuer: String, keys: String) {
        self.issuer = issuer
        self.keys = keys
    }

    /// Where a token names the groups of its user.
    package struct GroupClaim: Hashable, Sendable {
        package var claim: String
        /// Stands before every name, so that no issuer can speak of another's groups.
        package var prefix: String

        package init(claim: String = "groups", prefix: String) {
            self.claim = claim
            self.prefix = prefix
        }

        static func read(_ value: NodeReader) -> GroupClaim? {
            return value.mapping("groups") { groups -> GroupClaim? in
                let claim = groups.optional("claim") { $0.string("a claim's name", maximumLength: 100) } ?? "groups"
                let prefix = groups.required("prefix") { value in
                    value.string("a prefix", maximumLength: 100, allowsEmpty: true)
                }
                return prefix.map { GroupClaim(claim: claim, prefix: $0) }
            }
        }
    }

    /// Where a token names its user's address.
    package struct AddressClaim: Hashable, Sendable {
        package var claim: String
        /// Behind the `@`, lower case: of whose people this issuer may speak.
        package var domains: [String]

        package init(claim: String = "email", domains: [String]) {
            self.claim = claim
            self.domains = domains
        }

        static func read(_ value: NodeReader) -> AddressClaim? {
            return value.mapping("addresses") { addresses -> AddressClaim? in
                let claim = addresses.optional("claim") { $0.string("a claim's name", maximumLength: 100) } ?? "email"
                let domains = addresses.required("domains") { value in
                    value.list(minimum: 1, maximum: 64) {
                        $0.parsed("a domain in lower case", { isDomainName($0) ? $0 : nil })
                    }
                }
                return domains.map { AddressClaim(claim: claim, domains: $0) }
            }
        }
    }

    static func read(_ value: NodeReader) -> TokenIssuer? {
        return value.mapping("an issuer") { entry -> TokenIssuer? in
            let issuer = entry.required("issuer") { value in
                value.parsed(
                    "an issuer's identifier",
                    { $0.utf8.count <= 500 && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? $0 : nil })
            }
            let keys = entry.required("keys") { value in
                value.parsed(
                    "where its keys are: `https://…`, or `http://` on loopback",
                    { DocumentClient.isAllowed($0) ? $0 : nil })
            }
            let roots = entry.optional("roots") { value in
                value.parsed("an absolute path", { $0.hasPrefix("/") && !$0.contains("\0") ? $0 : nil })
            }
            let algorithms = entry.optional("algorithms") { value in
                value.list(minimum: 1, maximum: 10) { $0.word(TokenAlgorithm.self) }
            }
            let groups = entry.optional("groups", GroupClaim.read)
            let addresses = entry.optional("addresses", AddressClaim.read)
            let skew = entry.optional("skew") { $0.duration() }
            let lifetime = entry.optional("lifetime") { $0.duration() }
            let refresh = entry.optional("refresh") { $0.duration() }
            if let refresh, !(.seconds(1) ... .hours(24)).contains(refresh) {
                entry.problems.add("bad-value", "`refresh` is not 1 s to 24 h", at: entry.place(of: "refresh"))
            }
            if let skew, skew > .minutes(5) {
                entry.problems.add("bad-value", "`skew` is more than 5 m", at: entry.place(of: "skew"))
            }
            guard let issuer, let keys else { return nil }
            var read = TokenIssuer(issuer: issuer, keys: keys)
            read.roots = roots
            read.algorithms = algorithms ?? read.algorithms
            read.groups = groups
            read.addresses = addresses
            read.skew = skew ?? read.skew
            read.lifetime = lifetime ?? read.lifetime
            read.refresh = refresh ?? read.refresh
            return read
        }
    }

    /// No two of one name, and none who could speak of another's groups or people.
    static func check(_ issuers: [TokenIssuer], at place: Place, _ problems: Problems) {
        for (index, issuer) in issuers.enumerated() {
            for other in issuers[..<index] {
                if issuer.issuer == other.issuer {
                    problems.add("duplicate-issuer", "the issuer \(backticked(issuer.issuer)) is here twice", at: place)
                }
                if let one = issuer.groups?.prefix, let two = other.groups?.prefix,
                    one.hasPrefix(two) || two.hasPrefix(one)
                {
                    problems.add(
                        "bad-value", "the prefixes \(backticked(one)) and \(backticked(two)) can name the same group",
                        hint: "each issuer needs a prefix that no other one begins with", at: place)
                }
                let shared = Set(issuer.addresses?.domains ?? []).intersection(other.addresses?.domains ?? [])
                if let domain = shared.min() {
                    problems.add("bad-value", "two issuers speak of the people of \(backticked(domain))", at: place)
                }
            }
        }
    }
}

/// Signatures by a key pair (RFC 7518, section 3.1; RFC 8037). None by a shared secret, and not `none`.
package enum TokenAlgorithm: String, CaseIterable, Hashable, Sendable {
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case edDSA = "EdDSA"
}
