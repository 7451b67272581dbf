import Foundation
import Model
import Transport
import Trust

/// Spends a join token: makes a key, has it certified, and keeps both with what the hub must be believed by.
package enum Enrolment {
    /// - Throws: What `FrontClient.enrol` throws; `unexpected-answer` when the hub certified something else.
    static func spend(_ token: JoinToken) async throws -> HubContext {
        let key = try PrivateKey.generateP256()
        let answer = try await FrontClient.enrol(
            token, csr: try CertificateRequest.make(key: key), now: { Instant.now })
        return try context(from: answer, for: token, key: key, now: .now)
    }

    /// Checks that the answer is for this token and key, under the pinned root, before any of it is kept.
    package static func context(
        from answer: EnrolAnswer, for token: JoinToken, key: PrivateKey, now: Instant
    ) throws -> HubContext {
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: answer.manifest)
        let manifest = try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: token.root)
        let context = HubContext(
            organization: manifest.organization, environment: answer.environment, identity: answer.identity,
            hub: answer.hub, address: answer.address,
            front: token.kind == .client ? token.address : nil, key: try key.pem, chain: answer.chain,
            manifest: answer.manifest)
        // Refuses a leaf of another key.
        let opened = try OpenedContext(context)
        let peer = try opened.verifier(zones: token.zone.map { [$0] } ?? [])
            .verify(chainDER: opened.identity.chain.map(\.der), purpose: .client, now: now)
        let domain = token.zone.map { "\($0).\(manifest.organization)" } ?? manifest.organization
        let expected = try SPIFFEID(trustDomain: domain, path: [token.kind.rawValue, token.name])
        guard peer.id == expected, answer.identity == expected else {
            throw AdminError(
                "unexpected-answer",
                "the hub's certificate is for \(backticked(peer.id.description)), "
                    + "the token for \(backticked(expected.description))"
            )
        }
        return context
    }
}

/// What `-o json` shows of an enrolment.
private struct Enrolled: Encodable {
    var identity: SPIFFEID
    var until: Instant?
    var file: String?
    /// Its name, where it lies with the others.
    var context: String?
}

extension TokenOptions {
    /// Enrols and writes the context.
    /// - Parameters:
    ///   - kinds: whom the command is for.
    ///   - standardName: of the context, from the token, where `--as` does not say.
    ///   - becomesCurrent: whether commands use it from now on; the first context of a machine always does.
    func enrol(_ kinds: Set<JoinToken.Kind>, standardName: (HubContext) -> String, becomesCurrent: Bool) async throws {
        let terminal = Terminal.current
        let token = try read(terminal)
        guard kinds.contains(token.kind) else {
            throw AdminError("wrong-token", "this is a \(token)", hint: token.kind.command)
        }
        // Found out before the token is spent.
        let store = contextFile == nil ? try ContextStore(environment: ProcessInfo.processInfo.environment) : nil
        let context = try await Enrolment.spend(token)
        let expiry = try Certificate.chain(pem: context.chain).first?.notAfter
        let until = expiry.map { " until \(minute($0))" } ?? ""
        var enrolled = Enrolled(identity: context.identity, until: expiry)
        if let contextFile {
            try ContextStore.save(context, at: contextFile)
            enrolled.file = contextFile
            terminal.say("enrolled as \(context.identity)\(until); context written to \(contextFile)")
        } else if let store {
            let name = name ?? standardName(context)
            try ContextStore.save(context, at: store.path(of: name))
            if becomesCurrent || store.current() == nil { try store.use(name) }
            enrolled.file = store.path(of: name)
            enrolled.context = name
            terminal.say("enrolled as \(context.identity)\(until); context \(name)")
        }
        try terminal.showForPrograms(enrolled, as: output.output)
    }
}

extension JoinToken.Kind {
    fileprivate var command: String {
        switch self {
        case .spoke: "`nave-spoke enroll` takes it"
        case .client: "`nave client enroll` takes it"
        case .user: "`nave login` takes it"
        }
    }
}
