import HubService
import Model
import Testing

@Suite struct RouteTableTests {
    @Test func everyNameHasOneRowAndNoTwoRowsMeet() throws {
        #expect(Routes.table.map(\.name) == RouteName.allCases)
        #expect(Set(Routes.table.map { "\($0.method.rawValue) \($0.path)" }).count == Routes.table.count)
        for route in Routes.table {
            let path = filled(route.path)
            let match = try Routes.match(route.method.rawValue, path, on: route.listener)
            #expect(match.route == route, "\(path) leads to \(match.route.name)")
        }
    }

    @Test func everyRowHasARateAndABodyLimit() {
        for route in Routes.table {
            #expect(route.path.hasPrefix("/v1/"))
            #expect(route.rate.requests > 0 && route.rate.per > Milliseconds(0), "\(route.name)")
            #expect((route.method == .post) == (route.bodyLimit > 0), "\(route.name)")
            #expect(route.bodyLimit <= 16 << 20)
        }
    }

    @Test func theFrontServesNewcomersOnly() {
        let front = Routes.table.filter { $0.listener == .front }
        #expect(Set(front.map(\.name)) == [.enrol, .health, .renewalNonce, .renewExpired, .crl])
        #expect(front.first { $0.name == .enrol }?.rate == .perMinute(20))
        for route in Routes.table where route.listener == .mutual {
            #expect(throws: HubError.self) { try Routes.match(route.method.rawValue, filled(route.path), on: .front) }
        }
    }

    @Test(arguments: [
        ("GET", "/", "no-route"), ("GET", "/v2/zones", "no-route"), ("GET", "/v1/zones/", "no-route"),
        ("DELETE", "/v1/zones", "wrong-method"), ("POST", "/v1/zones", "wrong-method"),
        ("GET", "/v1/bundles/finance", "no-route"), ("GET", "/v1/bundles/finance/..", "no-route"),
        ("GET", "/v1/bundles/fin%61nce/fin-1", "no-route"), ("GET", "/v1/bundles//fin-1", "no-route"),
        ("POST", "/v1/enroll", "no-route"),
    ])
    func whatHasNoRowIsRefused(method: String, path: String, expected: String) async {
        #expect(await code { try Routes.match(method, path, on: .mutual) } == expected)
    }

    /// Who reaches which row at all: the first half of every request, without a body.
    @Test func everyRowKeepsOutWhomItDoesNotName() async throws {
        let hub = try await TestHub.applied()
        let auditor = try await standing(hub, "aud@corp.example").identity
        let nobody = try await standing(hub, "eve@corp.example").identity
        let spoke = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        let lost = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-9")
        let client = try SPIFFEID("spiffe://analytics.corp.example/client/bot")
        let named: [(String, SPIFFEID)] = [
            ("owner", hub.owner.identity), ("auditor", auditor), ("nobody", nobody), ("spoke", spoke),
            ("lost", lost), ("client", client),
        ]
        for route in Routes.table where route.listener == .mutual {
            var admitted: Set<String> = []
            for (name, identity) in named {
                let call = Call(route: route, identity: identity, address: "127.0.0.1")
                if (try? hub.parts.handlers.admit(call)) != nil { admitted.insert(name) }
            }
            let expected: Set<String> =
                switch route.caller {
                case .anybody: []
                case .spoke: ["spoke"]
                case .client: ["owner", "auditor", "nobody", "client"]
                case .member: ["owner", "auditor", "nobody", "client", "spoke"]
                case .user(.auditor, _): ["owner", "auditor"]
                case .user(.reviewer, _), .user(.owner, _): ["owner"]
                }
            #expect(admitted == expected, "\(route.name)")
            let without = Call(route: route, address: "127.0.0.1")
            #expect(await code { try hub.parts.handlers.admit(without) } == "no-certificate", "\(route.name)")
        }
    }

    /// Whoever a row admits finds a handler: the request may be wrong, the table is not.
    @Test func everyRowHasAHandlerForItsCaller() async throws {
        let hub = try await TestHub.applied()
        let spoke = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        for route in Routes.table {
            var call = Call(
                route: route,
                parameters: [
                    "zone": "finance", "spoke": "fin-1", "server": "ledger", "id": "ar-1", "number": "1",
                    "serial": "00ff", "name": "finance",
                ],
                body: Array("{}".utf8), address: "127.0.0.1")
            switch route.caller {
            case .anybody: break
            case .spoke: call.identity = spoke
            case .client, .member, .user: call.identity = hub.owner.identity
            }
            let complete = call
            let outcome = await code {
                try await hub.parts.handlers.answer(complete, from: try hub.parts.handlers.admit(complete))
            }
            #expect(outcome != "internal", "\(route.name)")
        }
    }

    @Test func everyRowTakesTheQueryThatItNamesAndNoOther() async throws {
        let hub = try await TestHub.applied()
        let spoke = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        for route in Routes.table {
            var call = Call(route: route, address: "127.0.0.1")
            if route.listener == .mutual { call.identity = route.caller == .spoke ? spoke : hub.owner.identity }
            call.query = Query(Dictionary(route.query.map { ($0, "x") }) { first, _ in first })
            let complete = call
            #expect(await code { try hub.parts.handlers.admit(complete) } == nil, "\(route.name)")
            call.query = Query(["colour": "red"])
            let other = call
            #expect(await code { try hub.parts.handlers.admit(other) } == "unknown-parameter", "\(route.name)")
        }
    }

    private func filled(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { $0.hasPrefix("{") ? "name-1" : String($0) }
            .joined(separator: "/")
    }
}
