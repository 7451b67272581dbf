import Foundation
import TestSupport
import Testing

/// Holds every import to the table of Docs/Architecture.md. SwiftPM alone lets a target import what it reaches transitively.
@Suite("arrows between targets")
struct ArrowTests {
    private static let platform: Set<String> = ["Foundation", "Glibc", "Synchronization", "Dispatch"]
    private static let nio: Set<String> = ["NIOCore", "NIOPosix", "NIOConcurrencyHelpers", "NIOSSL"]

    private static let arrows: [String: Set<String>] = [
        "COpenSSL": [], "CYAML": [],
        "Model": [],
        "MCP": ["Model"],
        "Trust": ["Model", "COpenSSL"],
        "YAMLFile": ["Model", "CYAML"],
        "Transport": nio.union(["Model", "Trust", "AsyncHTTPClient", "Logging", "NIOHTTP1", "NIOTLS"]),
        "Storage": ["Model", "Trust", "GRDB", "GRDBSQLite"],
        "HubService": nio.union([
            "Model", "Trust", "Transport", "Storage", "Hummingbird", "HummingbirdCore", "HTTPTypes", "ServiceLifecycle",
            "UnixSignals", "Logging", "Metrics",
        ]),
        "SpokeAgent": nio.union([
            "Model", "MCP", "Trust", "Transport", "YAMLFile", "JWTKit", "Subprocess", "ServiceLifecycle",
            "UnixSignals", "Logging", "Metrics", "SystemPackage",
        ]),
        "AdminCLI": nio.union(["Model", "MCP", "Trust", "Transport", "YAMLFile", "ArgumentParser", "Logging"]),
        "nave": ["AdminCLI", "ArgumentParser"],
        "nave-hub": ["HubService", "ArgumentParser"],
        "nave-spoke": ["SpokeAgent", "ArgumentParser"],
    ]

    @Test("every folder of Sources has a row, every row a folder")
    func total() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Checkout.root.appending(path: "Sources").path)
        #expect(Set(folders) == Set(Self.arrows.keys))
    }

    @Test("a target imports only what its row names", arguments: arrows.keys.sorted())
    func imports(target: String) throws {
        let allowed = try #require(Self.arrows[target]).union(Self.platform)
        let files = try Checkout.files(below: "Sources/\(target)", ending: ".swift")
        #expect(!files.isEmpty || target.hasPrefix("C"))
        for file in files {
            for line in try Checkout.text(file).split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                guard let keyword = words.firstIndex(of: "import"), keyword <= 2, !line.hasPrefix(" "),
                    !line.hasPrefix("/")
                else { continue }
                // `import struct Foundation.Data` names the module after the kind.
                let last = words[words.count - 1]
                let module = String(last.prefix { $0 != "." })
                #expect(allowed.contains(module), "\(file) imports \(module)")
            }
        }
    }

    @Test("no product imports what is only for tests and figures")
    func onlyForTests() throws {
        let manifest = try Checkout.text("Package.swift")
        var entries = 0
        var isShipped = false
        for line in manifest.split(separator: "\n") {
            // An entry begins eight spaces deep and goes on deeper.
            if !line.hasPrefix("         ") {
                isShipped = line.hasPrefix("        library(") || line.hasPrefix("        program(")
                entries += isShipped ? 1 : 0
            }
            #expect(!isShipped || !line.contains("TestSupport"), "\(line)")
        }
        #expect(entries == 12)
        // The benchmark is a program of its own beside the tests, and no product.
        for product in manifest.split(separator: ".executable(").dropFirst() {
            #expect(!product.prefix { $0 != ")" }.contains("nave-bench"))
        }
        #expect(try !Checkout.files(below: "Tests/nave-bench", ending: ".swift").isEmpty)
    }

    @Test("only pure targets are pure: no clock, no randomness, no printing in Model and MCP")
    func pure() throws {
        let banned = [
            "Date()", "Instant.now", ".random(", "SystemRandomNumberGenerator", "UUID()", "print(", "FileManager",
            "Task.sleep",
        ]
        for target in ["Model", "MCP"] {
            for file in try Checkout.files(below: "Sources/\(target)", ending: ".swift") {
                let text = try Checkout.text(file)
                for word in banned { #expect(!text.contains(word), "\(file) uses \(word)") }
            }
        }
    }

    @Test("all SQL is in Storage")
    func sql() throws {
        for file in try Checkout.files(below: "Sources", ending: ".swift") where !file.hasPrefix("Sources/Storage/") {
            let text = try Checkout.text(file)
            for word in ["SELECT ", "INSERT INTO", "UPDATE OR", "DELETE FROM", "PRAGMA "] {
                #expect(!text.contains(word), "\(file) contains \(word)")
            }
        }
    }
}
