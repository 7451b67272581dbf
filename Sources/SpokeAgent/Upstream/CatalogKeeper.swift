import Logging
import MCP
import Model
import NIOCore
import Trust

/// Keeps one server's catalog current by a client session of the spoke's own: who may call what is decided on names that
/// the server has now. It also learns how the server answers for names that it does not have.
struct CatalogKeeper: Sendable {
    private static let maximumPages = 100

    let server: String
    let upstream: Upstream
    let views: ServerViews
    /// Rung when there is a reason to fetch again before the time.
    let bell: Wakeup
    let loop: any EventLoop
    let now: @Sendable () -> Instant
    let logger: Logger
    let onChange: @Sendable () -> Void
    /// Called after the first attempt, good or bad.
    let firstDone: @Sendable () -> Void

    /// What the server declared in one era.
    private struct Conversation {
        var version: ProtocolVersion
        var session: String?
        var capabilities: JSON
    }

    /// Runs until its task is cancelled.
    func run() async {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(30))
        var conversation: Conversation?
        var isFirst = true
        var diesOfDiscovery = false
        while !Task.isCancelled {
            do throws(SpokeError) {
                let current: Conversation
                if let conversation { current = conversation } else { current = try await begin(&diesOfDiscovery) }
                conversation = current
                let catalog = try await fetch(current)
                let moment = now()
                let before = views[server]
                let wasUp = before?.state == .up
                views.update(server) { view in
                    view.state = .up
                    view.detail = nil
                    view.take(catalog, in: current.version, at: moment)
                }
                if !wasUp {
                    logger.info("server is up", metadata: ["server": "\(server)", "tools": "\(catalog.tools.count)"])
                }
                if !wasUp || before?.catalog != catalog { onChange() }
                backoff.reset()
            } catch {
                conversation = nil
                let wasDown = views[server]?.state == .down
                views.update(server) { view in
                    view.state = .down
                    view.detail = "\(error.code): \(error.message)"
                }
                if !wasDown {
                    onChange()
                    logger.warning(
                        "server is down",
                        metadata: ["server": "\(server)", "code": "\(error.code)", "detail": "\(error.message)"])
                }
            }
            if isFirst { firstDone() }
            isFirst = false
            guard conversation != nil else {
                // One keeper a server, on its own host: nobody else comes back with it, so nothing is left to chance.
                do { try await Task.sleep(for: .milliseconds(backoff.next { $0 }.count)) } catch { return }
                continue
            }
            let fetched = ContinuousClock.now
            await bell.sleep(atMost: CatalogPace.regular)
            let elapsed = Milliseconds(Int64((ContinuousClock.now - fetched) / .milliseconds(1)))
            let hold = CatalogPace.hold(sinceLast: elapsed)
            do { try await Task.sleep(for: .milliseconds(hold.count)) } catch { return }
        }
    }

    /// Finds out which eras the server speaks and how it answers for unknown names in each; lists are fetched in the newest.
    ///
    /// - Parameter diesOfDiscovery: whether the last attempt ended the server's conversation: SDKs of 2024 end at a method that
    ///   they do not know. The next one then begins with the handshake, and the one after that as ever.
    private func begin(_ diesOfDiscovery: inout Bool) async throws(SpokeError) -> Conversation {
        var found: [Conversation] = []
        let skipsDiscovery = diesOfDiscovery
        diesOfDiscovery = false
        let discovered: UpstreamEvent =
            if skipsDiscovery {
                .refused(status: 404)
            } else {
                await upstream.ask(.discover, id: 1, version: .newest, session: nil, on: loop)
            }
        if case .response(let response) = discovered, case .result(_, let result) = response.message {
            let versions = result["supportedVersions"]?.array ?? []
            if versions.contains(.string(ProtocolVersion.newest.rawValue)) {
                found.append(Conversation(version: .newest, session: nil, capabilities: result["capabilities"] ?? [:]))
                upstream.bridge(false)
            }
        } else if case .failed(let error) = discovered, error.code != "bad-upstream" {
            diesOfDiscovery = error.code == "upstream-closed"
            throw error
        }
        let initialized = await upstream.ask(.initialize([]), id: 2, version: .newestHandshake, session: nil, on: loop)
        if case .response(let response) = initialized, case .result(_, let result) = response.message,
            let version = ProtocolVersion(negotiatedIn: result)
        {
            let conversation = Conversation(
                version: version, session: response.session, capabilities: result["capabilities"] ?? [:])
            _ = await upstream.ask(.initialized, id: 0, version: version, session: response.session, on: loop)
            let isBridged = found.isEmpty
            found.append(conversation)
            // How stateless callers are answered for what is not there is learned over the bridge that they take.
            if isBridged, upstream.isHTTP {
                upstream.bridge(true)
                found.append(
                    Conversation(version: .newest, session: nil, capabilities: conversation.capabilities))
            }
        } else if found.isEmpty {
            if case .failed(let error) = initialized {
                // Too soon for another process: what was due is still due.
                diesOfDiscovery = skipsDiscovery && error.code == "busy"
                throw error
            }
            throw SpokeError("bad-upstream", "the server speaks no version of MCP that is served")
        }
        for conversation in found { await probe(conversation) }
        for unused in found.dropFirst() {
            if let session = unused.session { upstream.end(session, unused.version, of: nil, on: loop) }
        }
        return found[0]
    }

    private func fetch(_ conversation: Conversation) async throws(SpokeError) -> Catalog {
        var catalog = Catalog()
        for kind in ListKind.allCases where declares(conversation, kind.capabilityKind) {
            var cursor: String?
            for page in 0... {
                guard page < Self.maximumPages else {
                    throw SpokeError("bad-upstream", "`\(kind.method)` has more than \(Self.maximumPages) pages")
                }
                let answer = await upstream.ask(
                    .list(kind, cursor: cursor), id: Int64(100 + page), version: conversation.version,
                    session: conversation.session, on: loop)
                guard let result = try result(answer, kind) else { break }
                do throws(MCPError) { cursor = try catalog.add(page: result, kind: kind) } catch {
                    throw SpokeError(error)
                }
                if cursor == nil { break }
            }
        }
        return catalog
    }

    /// Nil where the server does not know the method though it declared the capability, as for templates.
    private func result(_ answer: UpstreamEvent, _ kind: ListKind) throws(SpokeError) -> JSON? {
        switch answer {
        case .response(let response):
            switch response.message {
            case .result(_, let result):
                do throws(MCPError) { try ServerResult.check(result) } catch { throw SpokeError(error) }
                return result
            case .failure(_, let error):
                if error.code == JSONRPCErrors.methodNotFound { return nil }
                throw SpokeError("bad-upstream", "`\(kind.method)` was refused with code \(error.code)")
            case .request, .notification: throw SpokeError("bad-upstream", "`\(kind.method)` was not answered")
            }
        case .failed(let error): throw error
        case .refused(let status):
            throw SpokeError("bad-upstream", "`\(kind.method)` was refused with status \(status)")
        case .accepted, .opened, .notification, .request, .keepAlive, .ended:
            throw SpokeError("bad-upstream", "`\(kind.method)` was not answered")
        }
    }

    /// Asks once for a name of each kind that cannot exist.
    private func probe(_ conversation: Conversation) async {
        guard let random = try? Hex.encode(randomBytes(12)) else { return }
        for kind in CapabilityKind.allCases where declares(conversation, kind) {
            let name = kind == .resource ? "nave://probe-\(random)/none" : "nave-probe-\(random)"
            let answer = await upstream.ask(
                .probe(kind, name: name), id: 90, version: conversation.version, session: conversation.session, on: loop
            )
            guard case .response(let response) = answer,
                let unknown = UnknownAnswer(probe: name, status: response.status, answer: response.message)
            else { continue }
            views.update(server) { $0.unknown[conversation.version.era, default: [:]][kind] = unknown }
        }
    }

    private func declares(_ conversation: Conversation, _ kind: CapabilityKind) -> Bool {
        let key =
            switch kind {
            case .tool: "tools"
            case .resource: "resources"
            case .prompt: "prompts"
            }
        return conversation.capabilities[key]?.object != nil
    }
}
