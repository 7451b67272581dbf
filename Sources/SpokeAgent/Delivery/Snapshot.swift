import Model
import NIOConcurrencyHelpers
import Trust

/// Everything a decision rests on, of one moment. Read once per message, swapped whole; a class, as is what it holds of a
/// server, so that no message copies any of it.
package final class Snapshot: Sendable {
    package let delivery: VerifiedDelivery
    /// The servers placed here, by short name.
    package let servers: [String: PlacedServer]
    package let verifier: PeerVerifier
    /// Response headers that every server placed here has: what an answer bears that is no server's.
    package let commonHeaders: [String: String]

    package final class PlacedServer: Sendable {
        package let ruleset: Ruleset
        package let policy: EffectivePolicy

        fileprivate init(ruleset: Ruleset, policy: EffectivePolicy) {
            self.ruleset = ruleset
            self.policy = policy
        }

        /// Full name, `finance/ledger`.
        package var name: String { ruleset.server }
    }

    /// - Parameter ceiling: what the host's owner takes away from every server; the hub has no say in it.
    /// - Throws: `bad-anchor`, `bad-manifest`.
    package init(
        _ delivery: VerifiedDelivery, manifest: TrustManifest, ceiling: Ceiling? = nil
    ) throws(TrustError) {
        self.delivery = delivery
        let roots = try manifest.rootCertificates()
        let bundle = delivery.bundle
        var denied: [SPIFFEID: Instant] = [:]
        for revocation in bundle.revokedIdentities {
            denied[revocation.identity] = max(
                denied[revocation.identity] ?? revocation.issuedBefore, revocation.issuedBefore)
        }
        verifier = try PeerVerifier(
            anchors: Dictionary(bundle.domains.map { ($0, roots) }) { first, _ in first },
            denied: Set(bundle.revokedSerials), deniedIdentities: denied)
        var servers: [String: PlacedServer] = [:]
        let rulesets = bundle.rulesets
        for server in bundle.servers {
            guard let ruleset = rulesets[server.name] else { continue }
            servers[server.shortName] = PlacedServer(
                ruleset: ceiling?.over(ruleset).indexed() ?? ruleset,
                policy: ceiling?.over(server.policy) ?? server.policy)
        }
        self.servers = servers
        let headers = bundle.servers.map(\.policy.responseHeaders)
        commonHeaders = (headers.first ?? [:]).filter { field in headers.allSatisfy { $0[field.key] == field.value } }
    }

    package var revision: Int64 { delivery.bundle.revision }

    /// Whether rules speak of that identity as a workload: in this organization's domains only `/client/NAME`. What another
    /// organization calls its workloads is its own affair.
    package func isClient(_ id: SPIFFEID) -> Bool {
        let organization = delivery.bundle.organization
        guard id.trustDomain == organization || id.trustDomain.hasSuffix(".\(organization)") else { return true }
        return id.path.count == 2 && id.kind == "client"
    }

    /// Whether a peer that could connect under `other` could not under this one, or the reverse.
    func changesTrust(from other: Snapshot?) -> Bool {
        guard let other = other?.delivery.bundle else { return true }
        let bundle = delivery.bundle
        return bundle.domains != other.domains || bundle.revokedSerials != other.revokedSerials
            || bundle.revokedIdentities != other.revokedIdentities
    }
}

/// Where the snapshot in force is found; nil until the first good delivery.
package final class SnapshotBox: Sendable {
    private let box: NIOLockedValueBox<Snapshot?>
    private let began = NIOLockedValueBox<Instant?>(nil)

    package init(_ snapshot: Snapshot? = nil) { box = NIOLockedValueBox(snapshot) }

    package var current: Snapshot? { box.withLockedValue(\.self) }

    /// When the bundle in force came into force in this process; nil until one did.
    package var since: Instant? { began.withLockedValue(\.self) }

    /// A new lease for the bundle in force is no new bundle.
    func note(_ moment: Instant) { began.withLockedValue { $0 = moment } }

    /// - Returns: what was in force before.
    @discardableResult
    package func swap(_ snapshot: Snapshot) -> Snapshot? {
        box.withLockedValue { held in
            defer { held = snapshot }
            return held
        }
    }
}
