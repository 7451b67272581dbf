import Model

/// Everything that the hub's API can do. A case without a row, or without a handler, does not compile.
package enum RouteName: String, CaseIterable, Sendable {
    case enrol, health
    case spokeStream, spokeReports
    case planTopology, applyTopology, exportTopology
    case invite, renew, revokeIdentity
    case renewalNonce, renewExpired, crl
    case certificates, certificate, revokeCertificate
    case zones, servers, spokes, clients, users, decisions, rollout, status, bundle
    case explain, accessList, usage, resolve
    case tools, tool, approveTools, withdrawTools
    case openReview, listReviews, showReview, reviewReport, decideItem, reinstateItem, closeReview
    case trust, rotateTrust, publishTrust
    case authorities, prepareAuthority, activateAuthority, taintAuthority, retireAuthority
    case erasePerson
    case ledgerEntries, ledgerLeaves, ledgerCheckpoint, ledgerJournals
}

/// One row of the API's table: who may call what how often with how much, and which filters it takes.
package struct Route: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable { case get = "GET", post = "POST" }

    package enum Caller: Hashable, Sendable {
        /// Anybody, on the front listener only.
        case anybody
        /// An enrolled spoke that the topology names.
        case spoke
        /// A registered client, or a person.
        case client
        /// Whoever the hub has enrolled: a registered spoke or client, or a person.
        case member
        /// A person who holds the role.
        case user(Role, Scope)
    }

    package enum Scope: Hashable, Sendable {
        /// Over the organization; checked before the handler runs.
        case organization
        /// Over the zone that the request names. The handler's service checks that; before it runs, the role must be held
        /// somewhere.
        case named
    }

    /// A token bucket for each caller, or on the front listener for each address.
    package struct Rate: Hashable, Sendable {
        package var requests: Int
        package var per: Milliseconds

        package static func perMinute(_ requests: Int) -> Rate { Rate(requests: requests, per: .seconds(60)) }
    }

    package var name: RouteName
    package var method: Method
    /// Segments in braces match anything but a slash.
    package var path: String
    package var caller: Caller
    package var rate: Rate
    /// Zero for requests without a body.
    package var bodyLimit: Int
    /// The names that its query may have; every other is refused.
    package var query: Set<String> = []

    package var listener: Listener { caller == .anybody ? .front : .mutual }
}

package enum Listener: String, Hashable, Sendable {
    /// Requires a client certificate.
    case mutual
    /// Never asks for one.
    case front
}

/// The one table. No row, no route.
package enum Routes {
    package static let table: [Route] = RouteName.allCases.map(row)

    static func row(_ name: RouteName) -> Route {
        switch name {
        case .enrol: post(name, "/v1/enroll", .anybody, .perMinute(20), 16 << 10)
        case .health: get(name, "/v1/health", .anybody, .perMinute(120))

        case .spokeStream: get(name, "/v1/spoke/stream", .spoke, .perMinute(30), ["manifest"])
        case .spokeReports: post(name, "/v1/spoke/reports", .spoke, .perMinute(240), Report.maximumBytes)

        case .planTopology: post(name, "/v1/topology/plan", .user(.auditor, .named), .perMinute(240), 16 << 20)
        case .applyTopology: post(name, "/v1/topology/apply", .user(.owner, .named), .perMinute(120), 16 << 20)
        case .exportTopology: get(name, "/v1/topology", .user(.auditor, .organization), .perMinute(60))

        case .invite: post(name, "/v1/invitations", .user(.owner, .named), .perMinute(60), 16 << 10)
        case .renew: post(name, "/v1/certificates/renew", .member, .perMinute(10), 16 << 10)
        case .revokeIdentity: post(name, "/v1/identities/revoke", .user(.owner, .named), .perMinute(60), 16 << 10)

        case .renewalNonce: post(name, "/v1/certificates/nonce", .anybody, .perMinute(20), 1 << 10)
        case .renewExpired: post(name, "/v1/certificates/renew-expired", .anybody, .perMinute(20), 32 << 10)
        case .crl: get(name, "/v1/crl/{zone}", .anybody, .perMinute(60))
        case .certificates:
            get(
                name, "/v1/certificates", .user(.auditor, .named), .perMinute(240), ["zone", "expiring", "limit"])
        case .certificate: get(name, "/v1/certificates/{serial}", .user(.auditor, .named), .perMinute(240))
        case .revokeCertificate:
            post(name, "/v1/certificates/revoke", .user(.owner, .named), .perMinute(60), 16 << 10)

        case .zones: get(name, "/v1/zones", .user(.auditor, .named), .perMinute(240))
        case .servers:
            get(name, "/v1/servers", .user(.auditor, .named), .perMinute(240), ["zone", "label", "limit"])
        case .spokes: get(name, "/v1/spokes", .user(.auditor, .named), .perMinute(240), ["zone", "limit"])
        case .clients: get(name, "/v1/clients", .user(.auditor, .named), .perMinute(240), ["zone", "limit"])
        case .users: get(name, "/v1/users", .user(.auditor, .organization), .perMinute(240), ["limit"])
        case .decisions:
            get(
                name, "/v1/decisions", .user(.auditor, .named), .perMinute(240),
                ["zone", "server", "caller", "verdict", "since", "limit"])
        case .rollout: get(name, "/v1/rollout", .user(.auditor, .named), .perMinute(600), ["zone"])
        case .status: get(name, "/v1/status", .user(.auditor, .named), .perMinute(240))
        case .bundle: get(name, "/v1/bundles/{zone}/{spoke}", .user(.auditor, .named), .perMinute(120))

        case .explain: post(name, "/v1/access/explain", .user(.auditor, .named), .perMinute(240), 1 << 20)
        case .accessList: post(name, "/v1/access/list", .user(.auditor, .named), .perMinute(60), 16 << 10)
        case .usage: get(name, "/v1/usage/{zone}/{server}", .user(.auditor, .named), .perMinute(60), ["since"])
        case .resolve: get(name, "/v1/resolve/{zone}/{server}", .client, .perMinute(120))

        case .tools:
            get(name, "/v1/tools", .user(.auditor, .named), .perMinute(240), ["zone", "server", "state", "limit"])
        case .tool: get(name, "/v1/tools/{zone}/{server}", .user(.auditor, .named), .perMinute(240), ["tool"])
        case .approveTools: post(name, "/v1/tools/approve", .user(.owner, .named), .perMinute(60), 1 << 20)
        case .withdrawTools: post(name, "/v1/tools/withdraw", .user(.owner, .named), .perMinute(60), 256 << 10)

        case .openReview: post(name, "/v1/reviews", .user(.owner, .named), .perMinute(30), 16 << 10)
        case .listReviews: get(name, "/v1/reviews", .user(.auditor, .named), .perMinute(240), ["zone", "limit"])
        case .showReview: get(name, "/v1/reviews/{id}", .user(.auditor, .named), .perMinute(240))
        case .reviewReport: get(name, "/v1/reviews/{id}/report", .user(.auditor, .named), .perMinute(120))
        case .reinstateItem:
            post(
                name, "/v1/reviews/{id}/items/{number}/reinstate", .user(.reviewer, .named), .perMinute(60), 16 << 10)
        case .decideItem:
            post(name, "/v1/reviews/{id}/items/{number}", .user(.reviewer, .named), .perMinute(600), 16 << 10)
        case .closeReview: post(name, "/v1/reviews/{id}/close", .user(.reviewer, .named), .perMinute(30), 16 << 10)

        case .ledgerEntries:
            get(
                name, "/v1/ledger/entries", .user(.auditor, .organization), .perMinute(240), ["since", "type", "limit"])
        case .ledgerLeaves:
            get(
                name, "/v1/ledger/leaves", .user(.auditor, .organization), .perMinute(600), ["since", "size", "limit"])
        case .ledgerCheckpoint: get(name, "/v1/ledger/checkpoint", .user(.auditor, .named), .perMinute(240), ["since"])
        case .ledgerJournals:
            get(
                name, "/v1/ledger/journals", .user(.auditor, .named), .perMinute(120), ["spoke", "journal", "limit"])
        case .trust: get(name, "/v1/trust", .member, .perMinute(600), ["manifest"])
        case .rotateTrust: post(name, "/v1/trust/rotate", .user(.owner, .organization), .perMinute(30), 16 << 10)
        case .publishTrust: post(name, "/v1/trust/publish", .user(.owner, .organization), .perMinute(30), 1 << 20)
        case .authorities: get(name, "/v1/authorities", .user(.auditor, .named), .perMinute(60))
        case .prepareAuthority:
            post(name, "/v1/authorities/{name}/prepare", .user(.owner, .named), .perMinute(30), 32 << 10)
        case .activateAuthority:
            post(name, "/v1/authorities/{name}/activate", .user(.owner, .named), .perMinute(30), 1 << 20)
        case .taintAuthority:
            post(name, "/v1/authorities/{name}/taint", .user(.owner, .named), .perMinute(30), 16 << 10)
        case .retireAuthority:
            post(name, "/v1/authorities/{name}/retire", .user(.owner, .named), .perMinute(30), 16 << 10)
        case .erasePerson: post(name, "/v1/persons/erase", .user(.owner, .organization), .perMinute(6), 16 << 10)
        }
    }

    private static func get(
        _ name: RouteName, _ path: String, _ caller: Route.Caller, _ rate: Route.Rate, _ query: Set<String> = []
    ) -> Route {
        Route(name: name, method: .get, path: path, caller: caller, rate: rate, bodyLimit: 0, query: query)
    }

    private static func post(
        _ name: RouteName, _ path: String, _ caller: Route.Caller, _ rate: Route.Rate, _ bodyLimit: Int
    ) -> Route {
        Route(name: name, method: .post, path: path, caller: caller, rate: rate, bodyLimit: bodyLimit)
    }

    /// The row for a request on a listener, and what its braces stand for.
    /// - Throws: `no-route`, `wrong-method`.
    package static func match(
        _ method: String, _ path: String, on listener: Listener
    ) throws(HubError) -> (route: Route, parameters: [String: String]) {
        var known = false
        for route in table where route.listener == listener {
            guard let parameters = parameters(path, of: route.path) else { continue }
            if route.method.rawValue == method { return (route, parameters) }
            known = true
        }
        throw known
            ? HubError(.wrongMethod, "wrong-method", "\(quoted(path)) does not take \(quoted(method))")
            : HubError(
                .notFound, "no-route", "there is nothing at \(quoted(path))",
                hint: "Docs/openapi.yaml lists what there is")
    }

    private static func parameters(_ path: String, of pattern: String) -> [String: String]? {
        let given = path.split(separator: "/", omittingEmptySubsequences: false)
        let wanted = pattern.split(separator: "/", omittingEmptySubsequences: false)
        guard given.count == wanted.count else { return nil }
        var parameters: [String: String] = [:]
        for (text, part) in zip(given, wanted) {
            guard part.hasPrefix("{") else {
                if text != part { return nil }
                continue
            }
            // Names and ids need no percent-encoding, so nothing is decoded here.
            guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy(isPlain) else { return nil }
            parameters[String(part.dropFirst().dropLast())] = String(text)
        }
        return parameters
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
