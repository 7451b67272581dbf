import MCP
import Model
import SpokeAgent
import TestSupport
import Trust

/// Everything that a spoke does with a call before it writes the decision line and forwards, from the HTTP body's bytes on:
/// identity, limits, strict parse, catalog, decision, stripping. Under 1,000 rules, without a socket.
enum GateFigures {
    private static let rounds = 5
    private static let count = 20_000

    static func measure(_ tell: (String) -> Void) throws -> [Figure] {
        tell("the gate")
        let pki = try TestPKI()
        let world = PolicyWorld(count: 1000)
        let snapshot = try Snapshot(
            try DeliveryVerifier(
                manifest: pki.manifest(), spoke: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
            ).verify(JSONCoding.canonical(try delivery(of: world.bundle(), pki)), held: nil, now: PolicyWorld.now),
            manifest: try pki.manifest())
        let requests = try world.requests()
        let tables = try Tables()
        tables.views["ledger"] = try view(of: requests)
        let exchanges = try requests.map { try exchange($0, pki) }
        var times: [Double] = []
        for round in 0..<rounds {
            times.append(
                DecisionFigures.microseconds(count) { number in
                    // A caller who calls ten times a second, so that nobody's attempts run out.
                    let now =
                        PolicyWorld.now + Milliseconds(Int64(round * count + number) * 100 / Int64(exchanges.count))
                    // Taken apart where it is returned: a copy of it would be the figure's own work.
                    switch judge(exchanges[number % exchanges.count], under: snapshot, tables, now: now) {
                    case .forward(_, let forwarding):
                        forwarding.ticket.release()
                        return true
                    case .answer, .batch, .post: return false
                    }
                })
        }
        return [
            Figure(
                name: "gate-of-a-tool-call", value: median(times), unit: "us", clock: .processor,
                target: .valueAtMost(10))
        ]
    }

    /// As the hub makes it, from a ledger of this one publication.
    private static func delivery(of bundle: PolicyBundle, _ pki: TestPKI) throws -> Delivery {
        func envelope(_ payload: [UInt8], _ type: String, _ role: TrustRole) throws -> JSON {
            let keys = pki.signingKeys[role].map { [$0] } ?? []
            return try JSONCoding.encode(try DSSE.sign(payload, payloadType: type, keys: keys))
        }
        let payload = try JSONCoding.canonical(bundle)
        let digest = digestText(of: payload)
        let name = bundle.spoke.description
        let tree = try SlotTree(
            [name: MerkleTree.leafHash(try PublishedBundle(digest: digest, spoke: bundle.spoke).leaf)])
        let publication = BundlesPublished(revision: bundle.revision, root: digestText(tree.root), count: tree.count)
        let entry = try Entry(at: PolicyWorld.now, by: .hub, event: .bundlesPublished(publication)).json()
            .canonicalBytes
        let place = tree.proof(of: name)
        let checkpoint = try Checkpoint(origin: bundle.origin, size: 1, root: MerkleTree.leafHash(entry))
        return Delivery(
            bundle: try envelope(payload, PolicyBundle.payloadType, .bundle),
            lease: try envelope(
                JSONCoding.canonical(Lease(spoke: bundle.spoke, bundle: digest, issued: PolicyWorld.now)),
                Lease.payloadType, .lease),
            checkpoint: try checkpoint.signed(by: pki.signingKeys[.checkpoint].map { [$0] } ?? []),
            proof: DeliveryProof(
                leaf: DeliveryProof.Leaf(index: place.index, path: ProofText.encode(place.path)),
                entry: Base64.encode(entry), index: 0, inclusion: [], consistency: nil))
    }

    private static func view(of requests: [Request]) throws -> ServerView {
        let tools = requests.compactMap(\.aim.tool).map { tool in
            JSON.object(
                JSONObject([
                    ("name", .string(tool)), ("inputSchema", ["type": "object"]),
                    ("annotations", ["readOnlyHint": true]),
                ]))
        }
        var catalog = Catalog()
        _ = try catalog.add(page: .object(JSONObject([("tools", .array(tools))])), kind: .tools)
        return ServerView(state: .up, catalog: catalog, catalogAt: PolicyWorld.now)
    }

    private static func exchange(_ request: Request, _ pki: TestPKI) throws -> Exchange {
        guard let tool = request.aim.tool, let workload = request.caller.workload else {
            throw TimedOut(description: "a call of the world is none of a tool")
        }
        let body = JSON.object(
            JSONObject([
                ("jsonrpc", "2.0"), ("id", 1), ("method", "tools/call"),
                (
                    "params",
                    [
                        "name": .string(tool), "arguments": ["account": "4711", "amount": 250],
                        "_meta": [
                            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                            "io.modelcontextprotocol/clientCapabilities": [:],
                        ],
                    ]
                ),
            ])
        ).bytes
        let headers = HTTPHeaders([
            ("Host", "fin-1.finance.corp.example:9443"), ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"), ("Mcp-Name", tool), ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ])
        var parser = HTTPRequestParser(limits: HTTPLimits(bodyBytes: 1 << 20))
        let written = try HTTPWriter.request(method: "POST", target: "/ledger/mcp", headers: headers, body: body)
        guard case .head(let head)? = try parser.feed(written).first else {
            throw TimedOut(description: "a request of the world is none")
        }
        let peer = VerifiedPeer(
            id: workload, serial: "0a", notBefore: PolicyWorld.now - .hours(1), notAfter: PolicyWorld.now + .days(7),
            dns: [], issuers: ["0b", pki.root.certificate.serial])
        return Exchange(
            credential: .certificate(peer), address: request.facts.address, head: head, body: body)
    }
}
