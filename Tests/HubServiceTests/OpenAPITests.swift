import Foundation
import HubService
import Model
import TestSupport
import Testing

@Suite("Docs/openapi.yaml")
struct OpenAPITests {
    @Test("names every row of the route table with its caller, rate, body limit and query, and nothing else")
    func complete() throws {
        var documented: Set<String> = []
        var path = ""
        var method = ""
        var facts: [String] = []
        var queries: [String: Set<String>] = [:]
        for line in try Checkout.text("Docs/openapi.yaml").components(separatedBy: "\n") {
            if line.hasPrefix("  /v1/") {
                path = String(line.dropFirst(2).dropLast())
            } else if line == "    get:" || line == "    post:" {
                method = line.trimmingCharacters(in: CharacterSet(charactersIn: " :")).uppercased()
                facts = []
            } else if let parameter = line.wholeMatch(of: #/ +- \{ name: (\w+), in: query, .*\}/#) {
                let isNew = queries["\(method) \(path)", default: []].insert(String(parameter.1)).inserted
                #expect(isNew, "\(method) \(path): \(line)")
            } else if line.hasPrefix("      x-nave-") {
                facts.append(line.trimmingCharacters(in: .whitespaces))
                if facts.count == 3 { documented.insert("\(method) \(path) \(facts.joined(separator: " "))") }
            }
        }
        let wanted = Routes.table.map { route in
            let caller =
                switch route.caller {
                case .user(let role, _): "\(role.rawValue)"
                default: "\(route.caller)"
                }
            return "\(route.method.rawValue) \(route.path) x-nave-caller: \(caller) x-nave-rate: "
                + "\(route.rate.requests) per \(route.rate.per) x-nave-body-limit: \(route.bodyLimit)"
        }
        #expect(documented == Set(wanted))
        let takers = Routes.table.filter { !$0.query.isEmpty }.map { ("\($0.method.rawValue) \($0.path)", $0.query) }
        #expect(queries == Dictionary(uniqueKeysWithValues: takers))
    }

    @Test("names no body that is not a type of the model")
    func titles() throws {
        let titles = try Checkout.text("Docs/openapi.yaml").matches(of: /schema: \{ title: (\w+),/).map(\.output.1)
        #expect(titles.count > Routes.table.count)
        let model = Checkout.root.appending(path: "Sources/Model").path
        let sources = try FileManager.default.subpathsOfDirectory(atPath: model).filter { $0.hasSuffix(".swift") }
        var types: Set<Substring> = []
        for source in sources {
            let text = try Checkout.text("Sources/Model/\(source)")
            types.formUnion(text.matches(of: /(?m)^package struct (\w+):.*Codable/).map(\.output.1))
        }
        #expect(Set(titles).subtracting(types) == [])
    }
}
