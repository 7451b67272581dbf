import ArgumentParser
import Model
import Transport
import Trust

struct TrustShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows the versions of the trust manifest: roles, keys, thresholds, expiry.",
        discussion: """
            The chain is verified here, from the version that this context holds; `*` marks the one in force.

              nave trust show
              nave trust show -o json

            Exit status: 0; 1 when the hub's chain does not hold.
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let links = try await hub.hub { client in try await client.get("/v1/trust", as: ManifestLinks.self) }
        let rows = try Self.rows(links, held: try hub.opened().manifest)
        try Terminal.current.list(rows, as: output.output, "versions") { manifestTable(rows, now: .now).text($0) }
    }

    /// Every version, each one signed by the one before, and the one that is held among them.
    private static func rows(_ links: ManifestLinks, held: TrustManifest) throws -> [ManifestRow] {
        let envelopes = try links.manifests.map { try JSONCoding.decode(DSSEEnvelope.self, from: $0) }
        guard let opening = envelopes.first else { throw foreign }
        let first = try TrustManifest(selfSigned: opening)
        let manifests = [first] + (try TrustManifest.verifyLinks(Array(envelopes.dropFirst()), from: first))
        guard manifests.contains(held) else { throw foreign }
        return try zip(manifests, envelopes).map { manifest, envelope in
            try ManifestRow(manifest, envelope, isCurrent: manifest == manifests.last)
        }
    }

    private static let foreign = AdminError(
        "other-manifest", "the hub's chain of manifests does not lead over the one that this context holds",
        hint: "somebody may stand between you and the hub, or the hub was made anew")
}
