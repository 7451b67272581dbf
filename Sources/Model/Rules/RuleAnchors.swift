/// What rules are listed under by whom they name, and looked for by who calls. Every principal that may name a caller has an
/// anchor among the caller's.
struct PrincipalAnchor {
    enum Kind: UInt8 {
        case anyone, client, zone, domain, pattern, user, anyUser, group, anyGroup

        fileprivate var bit: UInt16 { 1 &<< UInt16(rawValue) }
    }

    /// Kinds that some rule of an effect is listed under.
    struct Kinds {
        private var bits: UInt16 = 0

        @inline(__always)
        func contains(_ kind: Kind) -> Bool { bits & kind.bit != 0 }
        mutating func insert(_ kind: Kind) { bits |= kind.bit }
        var containUsers: Bool { contains(.user) || contains(.group) }
    }

    let kind: Kind
    private var hash = ByteHash()

    var key: UInt64 { hash.value }

    init(_ kind: Kind, _ effect: Rule.Effect, _ text: UInt64 = 0, _ name: UInt64 = 0) {
        self.kind = kind
        hash.add(kind.rawValue << 1 | (effect == .deny ? 1 : 0))
        hash.add(word: text)
        hash.add(word: name)
    }

    /// Of rules that name this principal.
    static func forEach(
        of principal: Principal, _ effect: Rule.Effect, _ organization: String,
        _ body: (PrincipalAnchor) -> Void
    ) {
        switch principal {
        case .anyone: body(PrincipalAnchor(.anyone, effect))
        case .client(let zone, let name):
            body(
                PrincipalAnchor(.client, effect, ByteHash.of("\(zone).\(organization)"), ByteHash.of(name)))
        case .zone(let zone):
            body(PrincipalAnchor(.zone, effect, ByteHash.of("\(zone).\(organization)")))
        case .domain(let domain): body(PrincipalAnchor(.domain, effect, ByteHash.of(domain)))
        case .spiffe: body(PrincipalAnchor(.pattern, effect))
        // Whose address or groups are not known may be any of them.
        case .user(let address):
            body(PrincipalAnchor(.user, effect, ByteHash.of(address)))
            body(PrincipalAnchor(.anyUser, effect))
        case .group(let name):
            body(PrincipalAnchor(.group, effect, ByteHash.of(name)))
            body(PrincipalAnchor(.anyGroup, effect))
        }
    }

    func with(_ anchor: CapabilityAnchor) -> PrincipalAnchor {
        var copy = self
        copy.hash.add(word: anchor.hash)
        return copy
    }
}

/// The parts of a caller that each need an allow of their own, and what a workload is looked for by.
struct CallerParts {
    var hasWorkload: Bool
    var hasUser: Bool
    /// Hashes of the workload's trust domain and name.
    let domain: UInt64
    let name: UInt64

    fileprivate init(hasWorkload: Bool, hasUser: Bool, domain: UInt64, name: UInt64) {
        self.hasWorkload = hasWorkload
        self.hasUser = hasUser
        self.domain = domain
        self.name = name
    }

    /// One of them alone.
    func only(_ part: Caller.Part) -> CallerParts {
        var copy = self
        copy.hasWorkload = part == .workload
        copy.hasUser = part == .user
        return copy
    }
}

extension Request {
    /// A property, so that nothing of the request is copied.
    var callerParts: CallerParts {
        CallerParts(
            hasWorkload: caller.workload != nil, hasUser: caller.user != nil,
            domain: caller.workload?.domainHash ?? 0, name: caller.workload?.nameHash ?? 0)
    }
}

/// What rules are listed under by what they name: the bytes of a pattern before its first run.
struct CapabilityAnchor {
    /// A bit for each kind of anchor that a principal's rules have: for prefixes by their length, for whole names, for `*`.
    struct Kinds: OptionSet, Sendable { let rawValue: UInt64 }

    private static let wholeName = 63
    /// Longer prefixes are cut.
    private static let longestPrefix = 61

    let hash: UInt64
    let bit: Kinds

    static let everything = CapabilityAnchor(hash: 1, bit: 62)

    private init(hash: UInt64, bit: Int) {
        self.hash = hash
        self.bit = Kinds(rawValue: 1 << UInt64(bit))
    }

    private init(_ hash: ByteHash, bit: Int) {
        var hash = hash
        hash.add(UInt8(bit))
        self.init(hash: hash.value, bit: bit)
    }

    init(_ capability: CapabilityPattern) {
        guard let kind = capability.kind, let pattern = capability.pattern else {
            self = .everything
            return
        }
        var hash = ByteHash(kind)
        if pattern.isLiteral {
            for byte in pattern.description.utf8 { hash.add(byte) }
            self.init(hash, bit: Self.wholeName)
        } else {
            let length = min(pattern.literalLength, Self.longestPrefix)
            for byte in pattern.description.utf8.prefix(length) { hash.add(byte) }
            self.init(hash, bit: length)
        }
    }

    /// Those under which patterns that match a capability are listed, of the kinds that there are.
    static func forEach(
        of kind: CapabilityKind, _ name: String, among kinds: Kinds, _ body: (CapabilityAnchor) -> Void
    ) {
        if kinds.contains(everything.bit) { body(everything) }
        var hash = ByteHash(kind)
        var name = name
        name.withUTF8 { name in
            for length in 0...name.count {
                if length <= longestPrefix, kinds.rawValue & (1 << UInt64(length)) != 0 {
                    body(Self(hash, bit: length))
                }
                if length < name.count { hash.add(name[length]) }
            }
        }
        if kinds.rawValue & (1 << UInt64(wholeName)) != 0 { body(Self(hash, bit: wholeName)) }
    }
}

extension ByteHash {
    fileprivate init(_ kind: CapabilityKind) {
        self.init()
        switch kind {
        case .tool: add(1)
        case .resource: add(2)
        case .prompt: add(3)
        }
    }
}
