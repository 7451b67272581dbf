/// Finds, among many rules, the few that can speak about a call: by whom they name, then by what they name.
///
/// Keys are fingerprints, 64 bits of a hash. Two that fall together cost a look at a rule more, never a verdict: whoever asks
/// holds each rule that is found here against the call itself.
final class RuleIndex: Sendable {
    /// Positions of rules, list after list, each ascending.
    private let positions: [Int32]
    private let lists: FingerprintTable
    /// Whether some rule bounds what it allows.
    let hasLimits: Bool
    private let allows: PrincipalAnchor.Kinds
    private let denies: PrincipalAnchor.Kinds

    /// How many lists one question merges at most; for more, every rule is looked at.
    private static let maximumLists = 64
    /// So few rules of one principal are all looked at.
    private static let few = 4

    init(_ rules: [Rule], organization: String) {
        hasLimits = rules.contains { $0.limits != nil }
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
            // A refusal may name an allow that ended as the nearest, whomever it was for.
            if rule.effect == .allow, rule.until != nil { add(PrincipalAnchor(.ending, .allow)) }
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

    /// Calls back with the positions of rules that could speak about the aim of some part of the caller, ascending, until the
    /// body returns false.
    /// - Returns: false when there are too many lists to merge; then nothing was called.
    func visit(_ effect: Rule.Effect, _ parts: CallerParts, _ aim: Aim, _ body: (Int) -> Bool) -> Bool {
        merge(aim, effect) { collect in
            let kinds = effect == .allow ? allows : denies
            parts.each { part in PrincipalAnchor.forEach(of: part, effect, among: kinds, collect) }
        } _: {
            body($0)
        }
    }

    /// As `visit`, of allows that have an end.
    func visitEnding(_ aim: Aim, _ body: (Int) -> Bool) -> Bool {
        merge(aim, .allow) { collect in
            collect(PrincipalAnchor(.ending, .allow))
        } _: {
            body($0)
        }
    }

    private func merge(
        _ aim: Aim, _ effect: Rule.Effect, _ principals: ((PrincipalAnchor) -> Void) -> Void,
        _ body: (Int) -> Bool
    ) -> Bool {
        withUnsafeTemporaryAllocation(of: FingerprintTable.List.self, capacity: Self.maximumLists) {
            cursors in
            var count = 0
            var isTooMuch = false
            principals { principal in
                forEachList(of: principal, aim, effect) { list in
                    if count < cursors.count {
                        cursors[count] = list
                        count += 1
                    } else {
                        isTooMuch = true
                    }
                }
            }
            if isTooMuch { return false }
            positions.withUnsafeBufferPointer { positions in
                while true {
                    var next = Int32.max
                    for cursor in 0..<count where cursors[cursor].start < cursors[cursor].end {
                        next = min(next, positions[Int(cursors[cursor].start)])
                    }
                    guard next < .max, body(Int(next)) else { return }
                    for cursor in 0..<count
                    where cursors[cursor].start < cursors[cursor].end
                        && positions[Int(cursors[cursor].start)] == next
                    {
                        cursors[cursor].start += 1
                    }
                }
            }
            return true
        }
    }

    /// The lists of one principal's rules that can cover the aim.
    private func forEachList(
        of principal: PrincipalAnchor, _ aim: Aim, _ effect: Rule.Effect,
        _ body: (FingerprintTable.List) -> Void
    ) {
        guard let all = lists.find(principal.key) else { return }
        guard all.end - all.start > Self.few else { return body(all) }
        // Only a deny of everything closes a conversation.
        if aim == .reach, effect == .deny {
            if let list = lists.find(principal.with(.everything).key) { body(list) }
            return
        }
        guard let subject = aim.subject else { return body(all) }
        CapabilityAnchor.forEach(of: subject, among: all.anchors) { anchor in
            if let list = lists.find(principal.with(anchor).key) { body(list) }
        }
    }
}
