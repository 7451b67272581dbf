import Model
import Transport
import Trust

extension OpenedContext {
    /// Follows the trust manifest, then renews the certificate where it is due or the hub asks for it: in this order, so that
    /// whoever shows a certificate under a new root believes that root.
    /// - Parameters:
    ///   - path: Of the context's file.
    ///   - time: Nil where something else renews.
    /// - Returns: The context as it is now; nil where nothing changed.
    /// - Throws: As `followManifest`.
    func caughtUp(
        at path: String, through client: HubClient, _ time: RenewalTime?, _ terminal: Terminal
    ) async throws -> OpenedContext? {
        let walked: OpenedContext?
        do {
            walked = try await followManifest(at: path, through: client, terminal)
        } catch {
            if let time { ContextRenewal.warn(self, ifDue: time, error, terminal, now: .now) }
            throw error
        }
        guard let time else { return walked }
        let opened = walked ?? self
        let renewed = await ContextRenewal.renewedIfDue(
            opened, at: path, time, isAsked: client.isAskedToRenew, terminal, now: .now)
        return renewed.identity.leaf == opened.identity.leaf ? walked : renewed
    }

    /// Follows the trust manifest to its newest version and keeps it in the context's file, before anything else is asked of
    /// the hub.
    /// - Parameter path: Of the context's file.
    /// - Returns: The context under it; nil where there is no newer version.
    /// - Throws: What `walked` throws: then the hub cannot prove where its keys came from.
    func followManifest(
        at path: String, through client: HubClient, _ terminal: Terminal
    ) async throws -> OpenedContext? {
        let links = try await client.get(
            "/v1/trust", query: query(("manifest", String(manifest.version))), as: ManifestLinks.self, proving: false)
        let seen = KeptCheckpoint.of(self)?.note.flatMap { try? Checkpoint(claimedBy: $0) }
        guard let newest = try walked(links, seen: seen), let envelope = links.manifests.last else { return nil }
        let opened = try ContextStore.change(path) { stored in
            // Another command may have walked further, or enrolled at another hub: never back.
            guard stored.organization == context.organization,
                try OpenedContext(stored).manifest.version < newest.version
            else { return }
            stored.manifest = envelope
            // A ledger's checkpoint is kept under its roots: it moves on with them.
            KeptCheckpoint.carry(from: self, to: try OpenedContext(stored))
        }
        terminal.say("the trust manifest is now version \(newest.version)")
        if newest.origin != manifest.origin, let start = newest.start {
            terminal.say(
                "THE HUB WENT BACK: its ledger goes on from \(start.size) entries as \(newest.origin); "
                    + "the manifest keys have signed for it")
        }
        return opened
    }

    /// - Parameter seen: The newest checkpoint that is known of the present epoch.
    /// - Returns: The manifest that the links lead to, nil for none. One that has ended is returned all the same: a newer one
    ///   can only be published through this hub.
    /// - Throws: What `TrustManifest.verifyLinks` throws; `split-view` for an epoch that contradicts what was seen.
    package func walked(_ links: ManifestLinks, seen: Checkpoint?) throws -> TrustManifest? {
        let envelopes = try links.manifests.map { try JSONCoding.decode(DSSEEnvelope.self, from: $0) }
        let manifests = try TrustManifest.verifyLinks(envelopes, from: manifest)
        try seen?.demandKept(by: manifests)
        return manifests.last
    }
}
