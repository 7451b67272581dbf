/// Finds, among many rules, the few that can speak about a call: by whom they name, then by what they name.
///
/// Keys are fingerprints, 64 bits of a hash. Two that fall together cost a look at a rule more, never a verdict: whoever asks
/// holds each rule that is found here against the call itself.
final class RuleIndex: Sendable {
    /// Positions of rules, list after list, each ascending.
    private let positions: [Int32]
    private let lists: FingerprintTable
    private let allows: PrincipalAnchor.Kinds
    private let denies: PrincipalAnchor.Kinds

    /// So few rules of one principal are all looked at.
    private static let few = 4

    init(_ rules: [Rule], organization: String) {
        var (allows, denies) = (PrincipalAnchor.Kinds(), PrincipalAnchor.Kinds())
        var postings: [Posting] = []
        postings.reserveCapacity(rules.count * 4)
        for (position, rule) in rules.enumerated() {
            let anchors = rule.capabilities.map { CapabilityAnchor($0) }
            let kinds = anchors.reduce(into: CapabilityAnchor.Kinds()) { $0.formUnion($1.bit) }
            func add(_ principal: PrincipalAnchor) {
                if rule.effect == .allow {
                    allows.insert(principal.kind)
                } else {
                    denies.insert(principal.kind)
                }
                postings.append(Posting(key: principal.key, position: Int32(position), anchors: kinds))
                for anchor in anchors {
                    postings.append(Posting(key: principal.with(anchor).key, position: Int32(position)))
                }
            }
            for principal in rule.to {
                PrincipalAnchor.forEach(of: principal, rule.effect, organization, add)
            }
        }
        postings.sort()
        var lists = FingerprintTable(capacity: postings.count)
        var positions: [Int32] = []
        positions.reserveCapacity(postings.count)
        var start = 0
        var kinds = CapabilityAnchor.Kinds()
        for (offset, posting) in postings.enumerated() {
            if positions.count == start || positions[positions.count - 1] != posting.position {
                positions.append(posting.position)
            }
            kinds.formUnion(posting.anchors)
            if offset + 1 == postings.count || postings[offset + 1].key != posting.key {
                let list = FingerprintTable.List(
                    start: Int32(start), end: Int32(positions.count), anchors: kinds)
                lists.insert(posting.key, list)
                start = positions.count
                kinds = []
            }
        }
        self.lists = lists
        self.positions = positions
        (self.allows, self.denies) = (allows, denies)
    }

    /// A rule in the list of a key.
    private struct Posting: Comparable {
        var key: UInt64
        var position: Int32
        /// Of a principal's own list: under what its rules are listed besides.
        var anchors = CapabilityAnchor.Kinds()

        static func < (left: Posting, right: Posting) -> Bool {
            left.key == right.key ? left.position < right.position : left.key < right.key
        }
    }

    /// The rules of that effect that could speak about the aim of one of these parts of a caller.
    func candidates(_ effect: Rule.Effect, _ parts: CallerParts, _ request: Request) -> RuleCandidates {
        let kinds = effect == .allow ? allows : denies
        var found = RuleCandidates(positions)
        if kinds.contains(.anyone) { add(PrincipalAnchor(.anyone, effect), request, effect, to: &found) }
        if parts.hasWorkload {
            if kinds.contains(.domain) {
                add(PrincipalAnchor(.domain, effect, parts.domain), request, effect, to: &found)
            }
            if kinds.contains(.pattern) { add(PrincipalAnchor(.pattern, effect), request, effect, to: &found) }
            if kinds.contains(.zone) {
                add(PrincipalAnchor(.zone, effect, parts.domain), request, effect, to: &found)
            }
            if kinds.contains(.client) {
                add(PrincipalAnchor(.client, effect, parts.domain, parts.name), request, effect, to: &found)
            }
        }
        if parts.hasUser, kinds.containUsers { addUser(request, effect, to: &found) }
        found.close()
        return found
    }

    private func addUser(_ request: Request, _ effect: Rule.Effect, to found: inout RuleCandidates) {
        guard let user = request.caller.user else { return }
        let address = user.address.map { PrincipalAnchor(.user, effect, ByteHash.of($0)) }
        add(address ?? PrincipalAnchor(.anyUser, effect), request, effect, to: &found)
        guard let groups = user.groups else {
            return add(PrincipalAnchor(.anyGroup, effect), request, effect, to: &found)
        }
        for group in groups {
            add(PrincipalAnchor(.group, effect, ByteHash.of(group)), request, effect, to: &found)
        }
    }

    /// The lists of one principal's rules that can cover the aim.
    private func add(
        _ principal: PrincipalAnchor, _ request: Request, _ effect: Rule.Effect, to found: inout RuleCandidates
    ) {
        guard let all = lists.find(principal.key) else { return }
        guard all.end - all.start > Self.few else { return found.add(all) }
        switch request.aim {
        // Only a deny of everything closes a conversation.
        case .reach where effect == .deny:
            if let list = lists.find(principal.with(.everything).key) { found.add(list) }
        case .reach, .template, .completion: found.add(all)
        case .use(let capability):
            add(principal, all.anchors, capability.kind, capability.name, to: &found)
        case .subscription(let uri): add(principal, all.anchors, .resource, uri, to: &found)
        case .task(let tool): add(principal, all.anchors, .tool, tool, to: &found)
        }
    }

    private func add(
        _ principal: PrincipalAnchor, _ anchors: CapabilityAnchor.Kinds, _ kind: CapabilityKind, _ name: String,
        to found: inout RuleCandidates
    ) {
        CapabilityAnchor.forEach(of: kind, name, among: anchors) { anchor in
            if let list = lists.find(principal.with(anchor).key) { found.add(list) }
        }
    }
}

/// Positions of rules, ascending: those of a few lists of an index together.
struct RuleCandidates {
    private struct Run {
        var next: Int32 = 0
        var end: Int32 = 0
    }

    private var positions: [Int32]
    private var runs = InlineArray<16, Run>(repeating: Run())
    private var count = 0
    /// Of the lists beyond the sixteenth.
    private var others: [Int32] = []

    /// Of an index, none of its lists yet.
    fileprivate init(_ positions: [Int32]) { self.positions = positions }

    /// All of these.
    init(all positions: [Int32]) {
        self.positions = positions
        runs[0] = Run(next: 0, end: Int32(positions.count))
        count = 1
    }

    fileprivate mutating func add(_ list: FingerprintTable.List) {
        if count < runs.count {
            runs[count] = Run(next: list.start, end: list.end)
            count += 1
        } else {
            others += positions[Int(list.start)..<Int(list.end)]
        }
    }

    /// Nothing is added any more. Many lists become one.
    fileprivate mutating func close() {
        guard !others.isEmpty else { return }
        for run in runs.indices { others += positions[Int(runs[run].next)..<Int(runs[run].end)] }
        self = RuleCandidates(all: Set(others).sorted())
    }

    mutating func next() -> Int? {
        var next = Int32.max
        for index in 0..<count where runs[index].next < runs[index].end {
            next = min(next, positions[Int(runs[index].next)])
        }
        guard next < .max else { return nil }
        for index in 0..<count
        where runs[index].next < runs[index].end && positions[Int(runs[index].next)] == next {
            runs[index].next += 1
        }
        return Int(next)
    }
}
