import Foundation
import MCP
import Model
import Testing

/// Sessions of the reference SDK, recorded on the wire; what it says must be understood, and come out as it went in.
@Suite struct CaptureTests {
    struct Exchange {
        var headers: HTTPHeaders
        var message: MCPMessage
        var status: Int
        var answers: [ServerMessage]
    }

    /// Bodies as they were sent.
    static func recorded(_ version: String) throws -> [(body: [UInt8], answer: String, type: String)] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Captures/http-\(version).jsonl")
        return try Data(contentsOf: file).split(separator: 0x0A).map { line in
            let json = try JSON(parsing: line)
            return (
                Array(try #require(json["request"]?["body"]?.string).utf8),
                json["response"]?["body"]?.string ?? "", json["response"]?["contentType"]?.string ?? ""
            )
        }
    }

    static func exchanges(_ version: String) throws -> [Exchange] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Captures/http-\(version).jsonl")
        return try Data(contentsOf: file).split(separator: 0x0A).map { line in
            let json = try JSON(parsing: line)
            let headers = json["request"]?["headers"]?.array ?? []
            let body = try #require(json["request"]?["body"]?.string)
            let answer = try #require(json["response"]?["body"]?.string)
            return Exchange(
                headers: HTTPHeaders(headers.map { ($0[0]?.string ?? "", $0[1]?.string ?? "") }),
                message: try MCPMessage(parsing: Array(body.utf8), maximumBytes: 1 << 20),
                status: Int(try #require(json["response"]?["status"]?.integer)),
                answers: try answers(answer, json["response"]?["contentType"]?.string ?? ""))
        }
    }

    static func answers(_ body: String, _ contentType: String) throws -> [ServerMessage] {
        if body.isEmpty { return [] }
        guard contentType.hasPrefix("text/event-stream") else {
            return [ServerMessage(parsing: Array(body.utf8), maximumBytes: 1 << 20)]
        }
        var parser = SSEParser(eventLimit: 1 << 20)
        return try parser.feed(Array(body.utf8)).filter(\.carriesMessage)
            .map { ServerMessage(parsing: $0.data ?? [], maximumBytes: 1 << 20) }
    }

    static let versions = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]

    @Test(arguments: versions) func everyMessageIsUnderstood(version: String) throws {
        let negotiated = try #require(ProtocolVersion(rawValue: version))
        let exchanges = try Self.exchanges(version)
        #expect(exchanges.count >= 30)
        var kinds: Set<String> = []
        for exchange in exchanges {
            let isFirst = exchange.message.method == "initialize"
            let told = try EraRules.version(
                of: exchange.message, headers: exchange.headers,
                negotiated: isFirst || negotiated.era == .stateless ? nil : negotiated)
            #expect(told == (isFirst ? .assumed : negotiated))
            let action = try MCPAction(exchange.message, version: told)
            if case .unknown(let method) = action { Issue.record("\(method) is unknown") }
            kinds.insert(exchange.message.method ?? "answer")
            #expect(exchange.message.understood(as: action) == exchange.message)
            #expect(try MCPMessage(parsing: exchange.message.bytes, maximumBytes: 1 << 20) == exchange.message)
        }
        #expect(
            kinds.isSuperset(of: ["tools/list", "tools/call", "resources/read", "prompts/get", "completion/complete"]))
    }

    @Test(arguments: versions) func everyAnswerIsTold(version: String) throws {
        var answered = 0
        for exchange in try Self.exchanges(version) {
            for answer in exchange.answers {
                switch answer {
                case .response(let id, let message):
                    #expect(id == exchange.message.id)
                    #expect(try MCPMessage(parsing: message.bytes, maximumBytes: 1 << 20) == message)
                    answered += 1
                case .request(_, let method, _):
                    #expect(["sampling/createMessage", "elicitation/create", "roots/list"].contains(method))
                case .notification(let method, _): #expect(method.hasPrefix("notifications/"))
                case .invalid(let error): Issue.record("\(error)")
                }
            }
        }
        #expect(answered >= 24)
    }

    @Test(arguments: versions) func listsAreFilteredAndNothingElseChanges(version: String) throws {
        let era = try #require(ProtocolVersion(rawValue: version)).era
        var seen: Set<ListKind> = []
        for exchange in try Self.exchanges(version) {
            guard let kind = ListKind(rawValue: exchange.message.method ?? ""),
                case .response(_, .result(_, let result))? = exchange.answers.last
            else { continue }
            seen.insert(kind)
            // The reference server says `private` and 0 already, so that nothing is left to change.
            #expect(try ListFilter.filter(result, kind: kind, era: era, ttlCap: 1000) { _, _ in true } == result)
            let none = try ListFilter.filter(result, kind: kind, era: era, ttlCap: 1000) { _, _ in false }
            #expect(none[kind.itemsKey] == [])
            var catalog = Catalog()
            _ = try catalog.add(page: result, kind: kind)
            if kind == .tools { #expect(catalog.tools.count == result["tools"]?.array?.count) }
        }
        #expect(seen.count == 4)
    }

    /// The headers made from the body and the catalog are those that the SDK itself sent.
    @Test func statelessHeadersAreTheSDKs() throws {
        let exchanges = try Self.exchanges("2026-07-28")
        var catalog = Catalog()
        for exchange in exchanges where exchange.message.method == "tools/list" {
            guard case .response(_, .result(_, let result))? = exchange.answers.last else { continue }
            _ = try catalog.add(page: result, kind: .tools)
        }
        var mirrored = 0
        for exchange in exchanges {
            let action = try MCPAction(exchange.message, version: .v20260728)
            var tool: Catalog.Tool?
            if case .callTool(let name, let arguments, _) = action {
                tool = catalog.tool(name)
                if let tool {
                    try EraRules.checkParameters(exchange.headers, arguments: arguments, mirrored: tool.mirrored)
                }
            }
            let made = EraRules.upstreamHeaders(
                for: action, message: exchange.message, version: .v20260728, mirrored: tool?.mirrored)
            #expect(
                Set(made.map { "\($0.0.lowercased()): \($0.1)" })
                    == Set(exchange.headers.fields.map { "\($0.name.lowercased()): \($0.value)" }))
            mirrored += made.count { $0.0.hasPrefix("Mcp-Param-") }
        }
        #expect(mirrored == 2)
    }

    /// Our default for an unknown name is what the reference server answered.
    @Test(arguments: versions) func unknownNamesAreAnsweredLikeTheSDK(version: String) throws {
        let era = try #require(ProtocolVersion(rawValue: version)).era
        var compared = 0
        for exchange in try Self.exchanges(version) {
            let kind: CapabilityKind
            let name: String
            switch try MCPAction(exchange.message, version: era == .stateless ? .v20260728 : .v20251125) {
            case .callTool("no_such_tool", _, _): (kind, name) = (.tool, "no_such_tool")
            case .readResource("note://none"): (kind, name) = (.resource, "note://none")
            default: continue
            }
            let id = try #require(exchange.message.id)
            let ours = UnknownAnswer.assumed(kind, era: era).answer(name: name, id: id)
            #expect(ours.status == exchange.status)
            guard case .response(_, let theirs)? = exchange.answers.last else {
                Issue.record("no answer")
                continue
            }
            let probed = try #require(UnknownAnswer(probe: name, status: exchange.status, answer: theirs))
            #expect(probed.answer(name: name, id: id).message == theirs)
            let other = probed.answer(name: "other", id: id).message
            #expect(!String(decoding: other.bytes, as: UTF8.self).contains(name))
            compared += 1
            // Older SDKs word it otherwise; the newest one is the model.
            guard era == .stateless else { continue }
            switch (ours.message, theirs) {
            case (.result(_, let ours), .result(_, var theirs)):
                if case .object(var object) = theirs {
                    object["_meta"] = nil
                    theirs = .object(object)
                }
                #expect(ours == theirs)
            default: #expect(ours.message == theirs)
            }
        }
        #expect(compared == 2)
    }

    /// What the SDK's servers asked, in the ways of both eras, passes where policy allows it and nowhere else.
    @Test(arguments: [("2025-06-18", 1), ("2025-11-25", 3), ("2026-07-28", 3)])
    func whatServersAskIsTold(version: String, least: Int) throws {
        let version = try #require(ProtocolVersion(rawValue: version))
        var asked = 0
        for exchange in try Self.exchanges(version.rawValue) {
            for answer in exchange.answers {
                if case .request(_, let method, let params) = answer {
                    let kind = try #require(ServerRequestKind(method: method))
                    #expect(kind.problem(params) == nil)
                    asked += 1
                }
                guard case .response(_, .result(_, let result)) = answer, result["inputRequests"] != nil else {
                    continue
                }
                let action = try MCPAction(exchange.message, version: version)
                let kind = try ServerResult.kind(
                    result, of: action, era: version.era, allowing: ServerRequestKind.allCases)
                guard case .inputRequired(let input) = kind else {
                    Issue.record("\(kind)")
                    continue
                }
                #expect(input.kinds.count == 1 && input.state != nil)
                #expect(
                    refusal { try ServerResult.kind(result, of: action, era: version.era, allowing: []) }
                        == "bad-upstream")
                asked += 1
            }
        }
        #expect(asked >= least)
    }

    @Test func mutatedMessagesNeverCrash() throws {
        var generator = SeededGenerator(state: 23)
        let exchanges = try Self.exchanges("2026-07-28")
        var understood = 0
        for round in 0..<5000 {
            let exchange = exchanges[round % exchanges.count]
            let bytes = generator.mutated(exchange.message.bytes)
            guard let message = try? MCPMessage(parsing: bytes, maximumBytes: 1 << 20) else { continue }
            _ = try? EraRules.version(of: message, headers: exchange.headers)
            guard let action = try? MCPAction(message, version: .v20260728) else { continue }
            understood += 1
            _ = CapabilityStripping.strip(message.understood(as: action) ?? message).bytes
        }
        #expect(understood > 100)
    }
}
