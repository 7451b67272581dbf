import Model
import Storage
import Trust

/// Under which intermediate the newest certificate of each identity hangs, if it is neither revoked nor ended. Finding an
/// issuer checks a signature, so what was found is kept.
struct HolderIndex {
    private var known: [String: String] = [:]

    mutating func issuers(_ snapshot: Snapshot, now: Instant) throws -> [SPIFFEID: String] {
        // Read for the first leaf that is not known yet: nearly always all are.
        var authorities: [(serial: String, certificate: Certificate)]?
        var next: [String: String] = [:]
        var found: [SPIFFEID: String] = [:]
        for issued in snapshot.certificates.values {
            guard issued.notAfter > now, !snapshot.revocations.contains(issued) else { continue }
            let issuer: String?
            if let before = known[issued.serial] {
                issuer = before
            } else {
                let leaf = try Certificate(der: Base64.decode(issued.certificate) ?? [])
                let candidates = try authorities ?? Self.intermediates(snapshot)
                authorities = candidates
                issuer = candidates.first { leaf.isIssued(by: $0.certificate) }?.serial
            }
            guard let issuer else { continue }
            next[issued.serial] = issuer
            found[issued.identity] = issuer
        }
        known = next
        return found
    }

    /// The newest first.
    private static func intermediates(_ snapshot: Snapshot) throws -> [(serial: String, certificate: Certificate)] {
        try snapshot.authorities.reversed().filter { $0.name != AuthorityName.root }.map {
            ($0.serial, try $0.decoded())
        }
    }
}

extension Snapshot {
    /// Serial numbers and keys of the intermediates under which nobody should be any more: those that are tainted, or whose
    /// root is.
    package var taintedIssuers: [String] {
        // On every answer; nearly always there are none.
        guard authorities.contains(where: { $0.state == .tainted }) else { return [] }
        let tainted = Set(authorities.filter { $0.state == .tainted }.map(\.serial))
        return authorities.filter { record in
            record.name != AuthorityName.root && record.state != .retired
                && (tainted.contains(record.serial) || tainted.contains(record.issuer))
        }.flatMap { [$0.serial, $0.key] }.sorted()
    }

    /// One line for each authority that is between two steps.
    package func rotations(_ standing: Standing) -> [String] {
        authorities.filter {
            [.prepared, .tainted].contains($0.state) && standing.may(.auditor, in: AuthorityName($0.name).zone)
        }.map { "\($0.name) (\($0.state.rawValue))" }
    }

    /// Zones that cannot have members: no authority signs for them.
    package var zonesWithoutAuthority: [String] {
        let active = Set(authorities.filter { $0.state == .active }.map(\.name))
        return state.topology.zones.map(\.name).filter { !active.contains($0) }.sorted()
    }
}
