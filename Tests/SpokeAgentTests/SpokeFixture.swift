import MCP
import Model
import SpokeAgent
import TestSupport
import Trust

/// A spoke `finance/fin-1` in front of `ledger` and `vault`, with deliveries signed as the hub signs them.
struct SpokeFixture {
    static let now = TestPKI.now
    static let bot = "spiffe://analytics.corp.example/client/reporting-bot"

    /// One for all, so that peers are of its root.
    private static let shared = Result { try TestPKI() }

    let pki: TestPKI
    let manifest: TrustManifest
    let spoke: SPIFFEID

    init() throws {
        pki = try Self.shared.get()
        manifest = try pki.manifest()
        spoke = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
    }

    var verifier: DeliveryVerifier { DeliveryVerifier(manifest: manifest, spoke: spoke) }

    func key(_ role: TrustRole) throws -> PrivateKey {
        guard let key = pki.signingKeys[role] else { throw TrustError("no-key", "the test PKI has no such key") }
        return key
    }

    static func rule(
        _ id: String, _ capabilities: [String], to: [String], effect: Rule.Effect = .allow, when: Conditions? = nil
    ) throws -> Rule {
        Rule(
            id: "finance/\(id)", effect: effect, capabilities: try capabilities.map { try CapabilityPattern($0) },
            servers: ["finance/ledger"], to: try to.map { try Principal($0) }, when: when)
    }

    func bundle(
        revision: Int64 = 10, rules: [Rule]? = nil, policy: Policy = Policy(), networks: [String] = ["127.0.0.0/8"],
        revokedIdentities: [IdentityRevocation] = []
    ) throws -> PolicyBundle {
        let policy = EffectivePolicy(layers: [policy])
        let servers = try ["finance/ledger", "finance/vault"].map {
            BundleServer(
                name: $0, classification: .confidential, networks: try networks.map { try Network($0) }, policy: policy)
        }
        return PolicyBundle(
            organization: "corp.example", origin: "corp.example/nave/1", spoke: spoke, revision: revision,
            domains: ["corp.example", "finance.corp.example", "analytics.corp.example"], servers: servers,
            rules: try rules
                ?? [
                    Self.rule("no-deletes", ["tool:delete_*"], to: ["anyone"], effect: .deny),
                    Self.rule(
                        "read", ["tool:read_*", "resource:ledger://reports/**"], to: ["client:analytics/reporting-bot"]),
                ],
            masks: [], revokedSerials: [], revokedIdentities: revokedIdentities)
    }

    /// Everything that a delivery is made of, so that a test can spoil one part.
    struct Parts {
        var bundle: PolicyBundle
        var bundlePayload: [UInt8]?
        var bundleKeys: [PrivateKey]
        var lease: Lease?
        var leaseIssued = SpokeFixture.now
        var leaseKeys: [PrivateKey]
        var size: Int64 = 20
        /// Of the publication's entry.
        var published: Int64 = 12
        /// Entries that are not the fixture's own, by index.
        var entries: [Int64: [UInt8]] = [:]
        /// Which history the other entries are of.
        var history = "one"
        /// Sizes from which consistency is proved; nil for none at all.
        var from: [Int64]?
        var spoilProof: @Sendable (inout DeliveryProof) throws -> Void = { _ in }
        var hasProof = true
        /// Under what name the publication holds the bundle; the spoke's own place then has another one.
        var placedAs: String?
        var origin = "corp.example/nave/1"
        var checkpointKeys: [PrivateKey]
    }

    func parts(_ bundle: PolicyBundle? = nil) throws -> Parts {
        Parts(
            bundle: try bundle ?? self.bundle(), bundleKeys: [try key(.bundle)], leaseKeys: [try key(.lease)],
            checkpointKeys: [try key(.checkpoint)])
    }

    func delivery(_ parts: Parts) throws -> Delivery {
        let payload = try parts.bundlePayload ?? JSONCoding.canonical(parts.bundle)
        let lease =
            parts.lease ?? Lease(spoke: parts.bundle.spoke, bundle: digestText(of: payload), issued: parts.leaseIssued)
        let (checkpoint, proof) = try ledger(parts, digest: digestText(of: payload))
        return Delivery(
            bundle: try envelope(payload, PolicyBundle.payloadType, parts.bundleKeys),
            lease: try envelope(try JSONCoding.canonical(lease), Lease.payloadType, parts.leaseKeys),
            checkpoint: try checkpoint.signed(by: parts.checkpointKeys), proof: parts.hasProof ? proof : nil)
    }

    /// A ledger that holds the publication of that bundle among two others, and the proofs.
    func ledger(_ parts: Parts, digest: String) throws -> (Checkpoint, DeliveryProof) {
        let zone = "spiffe://finance.corp.example/spoke/"
        var leaves: [String: [UInt8]] = [:]
        for (name, content) in [
            ("fin-0", digestText(of: [0])), ("fin-1", digestText(of: [1])), ("fin-2", digestText(of: [2])),
        ] {
            let leaf = try PublishedBundle(digest: content, spoke: SPIFFEID(zone + name)).leaf
            leaves[zone + name] = MerkleTree.leafHash(leaf)
        }
        let name = parts.placedAs ?? spoke.description
        leaves[name] = MerkleTree.leafHash(try PublishedBundle(digest: digest, spoke: spoke).leaf)
        let tree = try SlotTree(leaves)
        let place = tree.proof(of: name)
        let entry = try Self.publication(root: tree.root, count: tree.count)
        let hashes = (0..<parts.size).map { index in
            MerkleTree.leafHash(
                index == parts.published
                    ? entry : parts.entries[index] ?? Array("\(parts.history) \(index)".utf8))
        }
        var proof = DeliveryProof(
            leaf: DeliveryProof.Leaf(index: place.index, path: ProofText.encode(place.path)),
            entry: Base64.encode(entry), index: parts.published,
            inclusion: ProofText.encode(
                try MerkleTree.inclusionProof(index: Int(parts.published), leaves: hashes)),
            consistency: try parts.from?.map { size in
                ConsistencyProof(
                    size: size,
                    path: ProofText.encode(try MerkleTree.consistencyProof(size: Int(size), leaves: hashes)))
            })
        try parts.spoilProof(&proof)
        return (
            try Checkpoint(origin: parts.origin, size: parts.size, root: MerkleTree.root(of: hashes)), proof
        )
    }

    /// A ledger entry as the hub writes it.
    static func publication(root: [UInt8], count: Int64 = 1 << 32) throws -> [UInt8] {
        let event = Event.bundlesPublished(BundlesPublished(revision: 10, root: digestText(root), count: count))
        return try Entry(at: now, by: .hub, event: event).json().canonicalBytes
    }

    func bytes(_ parts: Parts) throws -> [UInt8] { try JSONCoding.canonical(try delivery(parts)) }

    private func envelope(_ payload: [UInt8], _ type: String, _ keys: [PrivateKey]) throws -> JSON {
        guard !keys.isEmpty else {
            return try JSONCoding.encode(
                DSSEEnvelope(payloadType: type, payload: Base64.encode(payload), signatures: []))
        }
        return try JSONCoding.encode(try DSSE.sign(payload, payloadType: type, keys: keys))
    }

    func verified(_ parts: Parts) throws -> VerifiedDelivery {
        try verifier.verify(try bytes(parts), held: nil, now: Self.now)
    }

    func snapshot(_ bundle: PolicyBundle? = nil) throws -> Snapshot {
        try Snapshot(try verified(try parts(bundle)), manifest: manifest)
    }

    // MARK: requests

    static func peer(_ id: String = bot, notBefore: Instant = now - .hours(1)) throws -> VerifiedPeer {
        VerifiedPeer(
            id: try SPIFFEID(id), serial: "0a", notBefore: notBefore, notAfter: now + .days(7), dns: [],
            issuers: ["0b", try shared.get().root.certificate.serial])
    }

    static func exchange(
        _ method: String, _ params: JSONObject = JSONObject(), name: String? = nil, target: String = "/ledger/mcp",
        peer: VerifiedPeer? = nil, address: String? = "127.0.0.1", id: JSON? = 1, headers: [(String, String)] = []
    ) throws -> Exchange {
        var params = params
        params["_meta"] = [
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": ["sampling": [:]],
        ]
        var message = JSONObject([("jsonrpc", "2.0"), ("method", .string(method)), ("params", .object(params))])
        message["id"] = id
        var fields = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method)]
        if let name { fields.append(("Mcp-Name", name)) }
        return try raw(
            JSON.object(message).bytes, headers: fields + headers, target: target, peer: peer, address: address)
    }

    static func call(_ tool: String, _ arguments: JSON = .object(JSONObject())) throws -> Exchange {
        try exchange("tools/call", JSONObject([("name", .string(tool)), ("arguments", arguments)]), name: tool)
    }

    static func raw(
        _ body: [UInt8], headers: [(String, String)] = [], method: String = "POST", target: String = "/ledger/mcp",
        peer: VerifiedPeer? = nil, address: String? = "127.0.0.1", type: String? = "application/json"
    ) throws -> Exchange {
        var fields = [("Host", "fin-1.finance.corp.example:9443")] + headers
        if let type { fields.append(("Content-Type", type)) }
        let request = try HTTPWriter.request(method: method, target: target, headers: HTTPHeaders(fields), body: body)
        var parser = HTTPRequestParser(limits: HTTPLimits(bodyBytes: 1 << 20))
        guard case .head(let head)? = try parser.feed(request).first else {
            throw MCPError(.badRequestLine, "the request of a test is none")
        }
        return Exchange(
            credential: .certificate(try peer ?? Self.peer()), address: address.flatMap { IPAddress($0) }, head: head,
            body: body)
    }

    /// A view of the ledger whose catalog was fetched.
    static func view() throws -> ServerView {
        var catalog = Catalog()
        let tools: JSON = [
            "tools": [
                ["name": "read_entry", "inputSchema": ["type": "object"], "annotations": ["readOnlyHint": true]],
                ["name": "write_entry", "inputSchema": ["type": "object"]],
                ["name": "delete_entry", "inputSchema": ["type": "object"]],
            ]
        ]
        _ = try catalog.add(page: tools, kind: .tools)
        return ServerView(state: .up, catalog: catalog, catalogAt: now)
    }

    static func tables() throws -> Tables {
        let tables = try Tables()
        tables.views["ledger"] = try view()
        tables.views["vault"] = try view()
        return tables
    }
}

extension Step {
    var answer: Answer? { if case .answer(let answer) = self { answer } else { nil } }
    var forwarding: Forwarding? { if case .forward(_, let forwarding) = self { forwarding } else { nil } }
}
