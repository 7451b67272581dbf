import Foundation
import TestSupport
import Testing

@Suite("Deploy/systemd")
struct ServiceUnitTests {
    @Test(
        "a unit starts its program by a command and flags that there are",
        arguments: [("nave-hub", "Serve"), ("nave-spoke", "Run")])
    func starts(program: String, command: String) throws {
        let unit = try Checkout.text("Deploy/systemd/\(program).service").components(separatedBy: "\n")
        let line = try #require(unit.first { $0.hasPrefix("ExecStart=") })
        let words = line.dropFirst("ExecStart=".count).split(separator: " ").map(String.init)
        #expect(words.prefix(2) == ["/usr/local/bin/\(program)", command.lowercased()])
        let source = try Checkout.text("Sources/\(program)/\(command).swift")
        let flags = words.dropFirst(2).filter { $0.hasPrefix("--") }.map { $0.dropFirst(2) }
        #expect(!flags.isEmpty && words.count == 2 + 2 * flags.count)
        for flag in flags { #expect(source.contains("    var \(flag): String?"), "\(program) \(flag)") }
    }

    @Test("what the page tells to install is what the units name")
    func page() throws {
        let page = try Checkout.text("Docs/Operations.md")
        for unit in ["nave-hub", "nave-spoke"] {
            let text = try Checkout.text("Deploy/systemd/\(unit).service")
            for place in ["User", "StateDirectory"] {
                let line = try #require(text.components(separatedBy: "\n").first { $0.hasPrefix("\(place)=") })
                let value = line.dropFirst(place.count + 1)
                #expect(
                    page.contains(
                        place == "User" ? "useradd --system --home-dir /var/lib/\(value) " : "/var/lib/\(value)"))
            }
        }
    }
}
