import Model
import Transport
import Trust

extension OpenedContext {
    /// Follows the trust manifest to its newest version and keeps it in the context's file, before anything else is asked of
    /// the hub.
    /// - Parameter path: Of the context's file.
    /// - Returns: The context as the file states it now.
    /// - Throws: What `TrustManifest.verifyLinks` throws: then the hub cannot prove where its keys came from.
    func followManifest(
        at path: String, through client: HubClient, _ terminal: Terminal
    ) async throws -> OpenedContext {
        let links = try await client.get(
            "/v1/trust", query: query(("manifest", String(manifest.version))), as: ManifestLinks.self)
        guard let newest = try newest(of: links, ifAnyAfter: manifest), let envelope = links.manifests.last else {
            return self
        }
        // The file may have changed since it was read, by a command at the same time: only the manifest is ours.
        var stored = try ContextStore.load(path)
        stored.manifest = envelope
        try ContextStore.save(stored, at: path)
        terminal.say("the trust manifest is now version \(newest.version)")
        return try OpenedContext(stored)
    }

    /// - Returns: The manifest that the links lead to, nil for none. One that has ended is returned all the same: a newer one
    ///   can only be published through this hub.
    package func newest(
        of links: ManifestLinks, ifAnyAfter current: TrustManifest
    ) throws -> TrustManifest? {
        let envelopes = try links.manifests.map { try JSONCoding.decode(DSSEEnvelope.self, from: $0) }
        return try TrustManifest.verifyLinks(envelopes, from: current).last
    }
}
