import Logging
import Model
import Storage
import Trust

/// Takes in what spokes sign of their journals, and puts it into the ledger: one root over all spokes, at most one entry at each
/// turn, and none when nothing changed.
///
/// The order of a turn is prepare, append, settle:
/// - Dead between prepare and append: the next turn finds the root nowhere in the ledger, forgets it and makes a new one.
/// - Dead between append and settle: the next turn finds it there and says so.
package struct JournalAnchoring: Sendable {
    private let ledger: HubLedger
    private let usage: UsageStore
    private let now: @Sendable () -> Instant
    private let log: Logger

    package init(ledger: HubLedger, usage: UsageStore, now: @escaping @Sendable () -> Instant, log: Logger) {
        self.ledger = ledger
        self.usage = usage
        self.now = now
        self.log = log
    }

    // MARK: reports

    /// Judges a head that came with a report. What is wrong with it does not hold the report up: a head that contradicts the
    /// one before is an alarm with both as evidence, any other that does not hold is logged and left out.
    package func take(_ envelope: JSON, journal: String, from spoke: Member, organization: String) async {
        let source = "spoke \(spoke.fullName)"
        do {
            let checkpoint = try await verified(envelope, journal: journal, spoke, organization)
            let head = ReportedHead(spoke: spoke.fullName, checkpoint: checkpoint, envelope: envelope)
            if let held = try await usage.head(spoke: spoke.fullName, journal: journal),
                let problem = try Self.contradiction(of: checkpoint, to: held)
            {
                log.error(
                    "alarm: a spoke's journal was rewritten",
                    metadata: ["by": "\(source)", "problem": "\(problem)"])
                _ = try await usage.keep(
                    LedgerContradiction(
                        at: now(), source: source, code: LedgerContradiction.journalRewritten, problem: problem,
                        seen: "\(envelope)", ours: "\(held)"))
                // From here on it is held against what it says now, or every report would be the same alarm.
                try await usage.keep(head: head, replaces: true)
                return
            }
            try await usage.keep(head: head)
        } catch {
            log.error("a journal's head is not taken in", error: error, metadata: ["by": "\(source)"])
        }
    }

    private func verified(
        _ json: JSON, journal: String, _ spoke: Member, _ organization: String
    ) async throws -> JournalCheckpoint {
        let identity = try spoke.identity(organization: organization)
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: json)
        let signer = JournalCheckpoint.signer(of: envelope)
        // The one before a renewal signs too, until the spoke shows the new one.
        let certificates = try await ledger.read { try $0.certificates(identity) }
        guard let issued = certificates.last(where: { $0.key == signer }), let der = Base64.decode(issued.certificate)
        else {
            throw HubError(.invalid, "unknown-key", "no certificate of `\(identity)` has the key \(quoted(signer))")
        }
        let checkpoint = try JournalCheckpoint.verified(envelope, key: Certificate(der: der).publicKey)
        guard checkpoint.spoke == identity, checkpoint.journal == journal else {
            throw HubError(
                .invalid, "bad-journal-head", "it is of \(quoted(checkpoint.journal)) of `\(checkpoint.spoke)`")
        }
        return checkpoint
    }

    /// A report whose answer was lost may come again after a later one; what was said later must go on from what was said before.
    private static func contradiction(of new: JournalCheckpoint, to held: JSON) throws -> String? {
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: held)
        let old = try JournalCheckpoint(claimedBy: envelope)
        if new.line == old.line, new.head != old.head {
            return "line \(new.line) of its journal \(new.journal) had another hash before"
        }
        if new.line < old.line, new.at > old.at {
            return "its journal \(new.journal) ends with line \(new.line), it had \(old.line) before"
        }
        return nil
    }

    // MARK: the ledger

    /// One turn. Not to be run twice at a time.
    /// - Returns: the ledger index of the new entry; nil when nothing changed.
    @discardableResult
    package func anchor() async throws -> Int64? {
        for root in try await usage.pendingRoots() { try await settle(root) }
        var leaves: [AnchorLeaf] = []
        for (spoke, json) in try await usage.headsToAnchor() {
            let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: json)
            let checkpoint = try JournalCheckpoint(claimedBy: envelope)
            leaves.append(
                AnchorLeaf(head: ReportedHead(spoke: spoke, checkpoint: checkpoint, envelope: json), path: []))
        }
        guard !leaves.isEmpty else { return nil }
        let root = try Self.prove(&leaves)
        let body = JournalsAnchored(root: digestText(root), count: Int64(leaves.count))
        try await usage.prepare(root: body.root, leaves, now: now())
        try await ledger.append(by: .hub) { registry in
            try registry.anchor(root: body.root) == nil ? [.journalsAnchored(body)] : []
        }
        return try await settle(body.root)
    }

    /// Gives every leaf its path to the root over all of them.
    /// - Returns: That root.
    private static func prove(_ leaves: inout [AnchorLeaf]) throws -> [UInt8] {
        var tree = MerkleFrontier()
        var nodes: [MerkleNode: [UInt8]] = [:]
        for leaf in leaves {
            tree.append(leafHash: MerkleTree.leafHash(try leaf.head.checkpoint.leaf())) { nodes[$0] = $1 }
        }
        for index in leaves.indices {
            let proof = try MerkleNodes.inclusionProof(index: Int64(index), size: tree.size)
            leaves[index].path = ProofText.encode(
                try proof.map { fold in
                    try fold.hash { node in
                        guard let hash = nodes[node] else {
                            throw HubError(.broken, "internal", "a proof is of nodes that the tree does not have")
                        }
                        return hash
                    }
                })
        }
        return tree.root
    }

    @discardableResult
    private func settle(_ root: String) async throws -> Int64? {
        let index = try await ledger.read { registry in try registry.anchor(root: root) }
        try await usage.settle(root: root, at: index, now: now())
        return index
    }

    // MARK: proofs

    /// What shows offline what the ledger holds of a spoke's journals, newest first.
    /// - Throws: `bad-query`, `forbidden`.
    package func anchors(_ query: Query, _ standing: Standing) async throws -> [JournalAnchor] {
        guard let spoke = query["spoke"], let zone = spoke.split(separator: "/").first else {
            throw HubError(.invalid, "bad-query", "the query names no `spoke`", hint: "spoke=ZONE/NAME")
        }
        try standing.require(.auditor, in: String(zone))
        return try await usage.anchors(
            spoke: spoke, journal: query["journal"], limit: try query.limit(standard: 1000, maximum: 20_000))
    }
}
