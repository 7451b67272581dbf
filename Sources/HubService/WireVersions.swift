import Model
import Storage
import Trust

/// Which wire versions the spokes read, and whether a change asks one for more. A spoke refuses what it does not read, so it
/// would go on with its old bundle: better that the hub refuses the change.
package struct WireVersions: Hashable, Sendable {
    /// By full name, as each spoke reported last.
    private let reported: [String: [Int64]]

    package init(reported: [String: [Int64]]) { self.reported = reported }

    /// A spoke that could not enforce what a change makes of its bundle.
    package struct Unable: Hashable, Sendable, CustomStringConvertible {
        package var spoke: String
        package var reads: [Int64]
        package var needs: Int64
        /// What needs it, with its place: ``limits.sessions` of server `finance/ledger` (servers.yaml:4:3)``.
        package var causes: [String]

        package var description: String {
            let read = reads.map(String.init).joined(separator: ", ")
            let causes = causes.isEmpty ? "" : " for " + causes.joined(separator: ", ")
            return "\(spoke) reads \(read), its bundle would need \(needs)\(causes)"
        }
    }

    /// What a spoke reads. One that enrolled and never reported may be of any build, so nothing but version 1 is taken for
    /// granted.
    /// - Returns: Nil for a spoke that nobody enrolled as, or whose identity is revoked: it holds nothing up, and enforces
    ///   nothing before it reported or refused.
    private func versions(readBy spoke: Spoke, _ desired: Topology, _ snapshot: Snapshot) -> [Int64]? {
        let member = Member(kind: .spoke, zone: spoke.zone, name: spoke.name)
        let identity = try? member.identity(organization: desired.organization.domain)
        let certificate = identity.flatMap { snapshot.certificates[$0] }
        if let before = identity.flatMap({ snapshot.revocations.identities[$0] }),
            certificate.map({ CertificateAuthority.wasIssued(from: $0.notBefore, before: before) }) ?? true
        {
            return nil
        }
        return reported[spoke.fullName] ?? (certificate == nil ? nil : [WireVersion.first])
    }

    /// Spokes whose bundle the plan's objects may change and that do not read what it would be compiled to, sorted.
    package func unable(_ plan: Plan, _ desired: Topology, _ snapshot: Snapshot) -> [Unable] {
        let scopes = Set(plan.changes.filter { $0.action != .move }.map(\.object.scope))
        var state = snapshot.state
        state.topology = desired
        return desired.spokes.compactMap { spoke -> Unable? in
            guard scopes.contains("organization") || scopes.contains(spoke.zone),
                let reads = versions(readBy: spoke, desired, snapshot),
                // Who reads everything is not compiled for: in most fleets that is everybody.
                !Set(WireVersion.read).isSubset(of: reads),
                let bundle = compileBundle(spoke: spoke, from: state), !reads.contains(bundle.v)
            else { return nil }
            let features = WireVersion.features.filter { !reads.contains($0.version) && $0.isUsed(by: bundle) }
            let causes = features.flatMap { feature in
                feature.users(in: bundle, of: desired).map { "`\(feature.name)` of \($0)" }
            }
            return Unable(spoke: spoke.fullName, reads: reads, needs: bundle.v, causes: causes)
        }.sorted { $0.spoke < $1.spoke }
    }

    /// - Throws: `spoke-too-old`.
    func demandEnforceable(_ plan: Plan, _ desired: Topology, _ snapshot: Snapshot) throws(HubError) {
        let unable = unable(plan, desired, snapshot)
        guard !unable.isEmpty else { return }
        throw HubError(
            .conflict, "spoke-too-old",
            unable.count == 1 ? "one spoke cannot enforce this" : "\(unable.count) spokes cannot enforce this",
            hint: "upgrade nave-spoke there first, or leave out what needs it",
            problems: unable.map(\.description))
    }
}
