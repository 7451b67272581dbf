import Model
import Synchronization

/// The registry in memory as of one checkpoint: immutable, read by every request, swapped whole after a commit.
package struct Snapshot: Sendable {
    /// Entries in the ledger.
    package internal(set) var size: Int64
    /// The signed note of that size.
    package internal(set) var checkpoint: String
    package internal(set) var state: RegistryState
    /// Those of `state`, as they are looked up.
    package internal(set) var revocations: Revocations
    /// False before the first apply: then `state.topology` is an organization without zones.
    package internal(set) var hasTopology: Bool
    /// The newest certificate of every identity.
    package internal(set) var certificates: NewestCertificates
    /// Neither spent nor void; expired ones included.
    package internal(set) var invitations: [Invitation]
    /// Given by commands.
    package internal(set) var roles: [SPIFFEID: Set<Role>]
    /// A user's opaque id to their address.
    package internal(set) var addresses: [String: String]
    /// Who set each object last.
    package internal(set) var authors: [ObjectName: Author]
    package internal(set) var reviews: [String: Review]
    /// Oldest first.
    package internal(set) var authorities: [AuthorityRecord]
    /// The newest one; nil before any bundle was published.
    package internal(set) var publication: LoggedPublication?

    /// Reads everything.
    init(_ registry: Registry) throws {
        size = try registry.size()
        checkpoint = ""
        let topology = try registry.topology()
        hasTopology = topology != nil
        state = try Registry(registry.db, known: topology).state()
        revocations = Revocations(state)
        certificates = try registry.latestCertificates()
        invitations = try registry.openInvitations()
        roles = try registry.grantedRoles()
        addresses = try registry.addresses()
        authors = try registry.objectAuthors()
        reviews = try registry.reviews()
        authorities = try registry.authorities()
        publication = try registry.publication()
    }

    /// Reads again what the entries since could have changed.
    func updated(after events: [Event], _ registry: Registry) throws -> Snapshot {
        var next = self
        next.size = try registry.size()
        next.checkpoint = ""
        next.state.changes = try registry.changes()
        let parts = events.reduce(into: Set<SnapshotPart>()) { $0.formUnion($1.parts) }
        if parts.contains(.everything) { return try Snapshot(registry) }
        if parts.contains(.objects) {
            let topology = try registry.topology()
            next.hasTopology = topology != nil
            next.state.topology = try topology ?? registry.state().topology
            next.authors = try registry.objectAuthors()
        }
        if parts.contains(.invitations) {
            next.invitations = try registry.openInvitations()
            next.addresses = try registry.addresses()
        }
        if parts.contains(.trust) {
            next.state.revokedSerials = try registry.revokedSerials()
            next.state.revokedIdentities = try registry.revokedIdentities()
            next.revocations = Revocations(next.state)
        }
        if parts.contains(.authorities) {
            next.authorities = try registry.authorities()
            next.state.retiredKeys = try registry.retiredKeys()
        }
        if parts.contains(.roles) { next.roles = try registry.grantedRoles() }
        if parts.contains(.reviews) { next.reviews = try registry.reviews() }
        if parts.contains(.publications) { next.publication = try registry.publication() }
        if parts.contains(.pins) { next.state.pins = try registry.pins() }
        if parts.contains(.grants) { next.state.masks = try registry.masks() }
        for case .certificateIssued(let issued) in events { next.certificates.insert(issued) }
        return next
    }
}

/// What an entry can change of a snapshot.
private enum SnapshotPart {
    case everything, objects, invitations, trust, roles, reviews, grants, publications, authorities, pins
}

extension Event {
    fileprivate var parts: [SnapshotPart] {
        switch self {
        case .ledgerOpened, .personErased, .epochOpened: [.everything]
        case .roleGranted: [.roles]
        case .invitationCreated, .certificateIssued: [.invitations]
        case .certificateRevoked: [.trust]
        case .identityRevoked: [.trust, .invitations]
        case .topologyApplied, .manifestPublished, .journalsAnchored: []
        case .objectSet: [.objects]
        case .objectRemoved: [.objects, .pins]
        case .toolsApproved, .toolsWithdrawn: [.pins]
        case .grantRevoked, .grantReinstated: [.grants]
        case .reviewOpened, .reviewDecided, .reviewClosed: [.reviews, .grants]
        case .bundlesPublished: [.publications]
        case .authorityPrepared, .authorityActivated, .authorityTainted, .authorityRetired: [.authorities]
        }
    }
}

/// Holds the newest snapshot. The lock is held for a pointer's copy, never over a read of the database.
final class SnapshotBox: Sendable {
    private let value: Mutex<Snapshot>

    init(_ snapshot: Snapshot) { value = Mutex(snapshot) }

    var current: Snapshot { value.withLock { $0 } }
    func swap(_ snapshot: Snapshot) { value.withLock { $0 = snapshot } }
}
