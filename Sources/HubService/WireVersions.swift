import Model

/// Which wire versions the spokes read, and whether a change asks one for more. A spoke refuses what it does not read, so it
/// would go on with its old bundle: better that the hub refuses the change.
package struct WireVersions: Hashable, Sendable {
    /// By full name, as each spoke reported last. Who never reported says nothing.
    private let read: [String: [Int64]]

    package init(read: [String: [Int64]]) { self.read = read }

    /// Spokes whose bundle the plan's objects may change and that do not read what it would be compiled to, sorted.
    package func unable(_ plan: Plan, _ desired: Topology) -> [String] {
        let scopes = Set(plan.changes.filter { $0.action != .move }.map(\.object.scope))
        return desired.spokes.filter { spoke in
            guard scopes.contains("organization") || scopes.contains(spoke.zone) else { return false }
            return read[spoke.fullName].map { !$0.contains(PolicyBundle.wireVersion) } ?? false
        }.map(\.fullName).sorted()
    }

    /// - Throws: `spoke-too-old`.
    func demandEnforceable(_ plan: Plan, _ desired: Topology) throws(HubError) {
        let unable = unable(plan, desired)
        guard !unable.isEmpty else { return }
        throw HubError(
            .conflict, "spoke-too-old",
            "\(unable.count) spokes cannot enforce this: they do not read wire version \(PolicyBundle.wireVersion)",
            hint: "upgrade nave-spoke there first",
            problems: unable.map { "\($0) reads \((read[$0] ?? []).map(String.init).joined(separator: ", "))" })
    }
}
