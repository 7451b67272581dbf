/// Who makes a call: a workload, a user, or a user through a workload.
package struct Caller: Hashable, Sendable {
    package var workload: SPIFFEID?
    package var user: User?

    package init(workload: SPIFFEID? = nil, user: User? = nil) {
        self.workload = workload
        self.user = user
    }

    /// A person as an identity provider asserts them. A class for the reason that ``SPIFFEID`` is one.
    package final class User: Hashable, Sendable {
        package let issuer: String
        package let subject: String
        package let address: String?
        /// Nil when the identity provider did not say (group overage): a missing fact, which denies match and allows do not.
        package let groups: Set<String>?
        /// The OAuth client that acts for them; nil where nobody said.
        package let client: String?

        package init(
            issuer: String, subject: String, address: String? = nil, groups: Set<String>? = nil, client: String? = nil
        ) {
            self.issuer = issuer
            self.subject = subject
            self.address = address
            self.groups = groups
            self.client = client
        }

        package static func == (left: User, right: User) -> Bool {
            left.issuer == right.issuer && left.subject == right.subject && left.address == right.address
                && left.groups == right.groups && left.client == right.client
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(issuer)
            hasher.combine(subject)
            hasher.combine(client)
        }

        /// `ISSUER#SUBJECT`: no two people have one spelling.
        fileprivate var account: String { "\(issuer)#\(escaped(subject))" }
        /// `ISSUER#SUBJECT` or `ISSUER#SUBJECT@CLIENT`.
        fileprivate var key: String { account + (client.map { "@\(escaped($0))" } ?? "") }
    }

    /// What sessions, tasks and processes belong to: another client of the same person has none of them.
    package var key: String { spelling(user?.key) }

    /// What is counted by: the same for all clients of a person, who may have as many of them as the issuer registers.
    package var account: String { spelling(user?.account) }

    private func spelling(_ user: String?) -> String {
        guard let user else { return workload?.description ?? "" }
        return workload.map { "\($0)+\(user)" } ?? user
    }

    /// Reads a key back: a person without address and groups, which are not in it.
    /// - Returns: nil for a text that is none, as where nobody was known.
    package init?(key: String) {
        var rest = key.unicodeScalars[...]
        if key.hasPrefix("spiffe://") {
            let id = rest.prefix { $0 != "+" }
            guard let workload = try? SPIFFEID(String(id)) else { return nil }
            self.workload = workload
            rest = rest[id.endIndex...].dropFirst()
            guard id.endIndex < key.endIndex else { return }
        }
        // Only the issuer may hold another one.
        guard let hash = rest.lastIndex(of: "#"), hash > rest.startIndex else { return nil }
        let names = rest[rest.index(after: hash)...].split(
            separator: "@", maxSplits: 1, omittingEmptySubsequences: false
        ).map { unescaped($0) }
        user = User(issuer: String(rest[..<hash]), subject: names[0], client: names.count > 1 ? names[1] : nil)
    }

    /// A part that needs an allow of its own.
    package enum Part: Hashable, Sendable { case workload, user }

    package var parts: [Part] { (workload == nil ? [] : [.workload]) + (user == nil ? [] : [.user]) }
}

/// Without the characters that separate the parts of a key.
private func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
        switch character {
        case "%": escaped += "%25"
        case "#": escaped += "%23"
        case "@": escaped += "%40"
        case "+": escaped += "%2B"
        default: escaped.unicodeScalars.append(character)
        }
    }
    return escaped
}

private func unescaped(_ text: Substring.UnicodeScalarView) -> String {
    var (plain, rest) = (String.UnicodeScalarView(), text)
    while let first = rest.first {
        let separator: Unicode.Scalar? =
            switch String(rest.prefix(3)) {
            case "%25": "%"
            case "%23": "#"
            case "%40": "@"
            case "%2B": "+"
            default: nil
            }
        plain.append(separator ?? first)
        rest = rest.dropFirst(separator == nil ? 1 : 3)
    }
    return String(plain)
}

/// Whether something holds, does not, or cannot be known because a fact is missing.
package enum Truth: Hashable, Sendable {
    case yes, no, missing
}

extension Principal {
    /// Whether the principal names that part of a caller.
    package func names(_ part: Caller.Part, of caller: Caller, organization: String) -> Truth {
        switch self {
        case .anyone: return .yes
        case .client(let zone, let name):
            guard part == .workload, let id = caller.workload, id.kind == "client", id.path.count == 2 else {
                return .no
            }
            return id.name == name && id.isOf(zone: zone, in: organization) ? .yes : .no
        case .zone(let zone):
            guard part == .workload, let id = caller.workload, id.kind == "client" else { return .no }
            return id.isOf(zone: zone, in: organization) ? .yes : .no
        case .domain(let domain):
            return part == .workload && caller.workload?.trustDomain == domain ? .yes : .no
        case .spiffe(let pattern):
            guard part == .workload, let id = caller.workload else { return .no }
            return pattern.matches(id.description) ? .yes : .no
        case .user(let address):
            guard part == .user, let user = caller.user else { return .no }
            guard let known = user.address else { return .missing }
            return sameBytes(known, address) ? .yes : .no
        case .group(let name):
            guard part == .user, let user = caller.user else { return .no }
            guard let groups = user.groups else { return .missing }
            return groups.contains { sameBytes($0, name) } ? .yes : .no
        }
    }
}

extension SPIFFEID {
    /// Whether its trust domain is that of the zone, `ZONE.ORGANIZATION`.
    fileprivate func isOf(zone: String, in organization: String) -> Bool {
        guard trustDomain.utf8.count == zone.utf8.count + 1 + organization.utf8.count else { return false }
        return withBytes(trustDomain, zone) { domain, zone in
            sameBytes(UnsafeBufferPointer(rebasing: domain[..<zone.count]), zone)
                && domain[zone.count] == UInt8(ascii: ".")
        }
            && withBytes(trustDomain, organization) { domain, organization in
                sameBytes(UnsafeBufferPointer(rebasing: domain.suffix(organization.count)), organization)
            }
    }
}
