import Foundation
import TestSupport
import Testing

@Suite("layout")
struct LayoutTests {
    @Test("source files stay small: none over 550 lines, nine of ten under 350")
    func sizes() throws {
        let sizes = try
            (Checkout.files(below: "Sources", ending: ".swift")
            + Checkout.files(below: "Tests/nave-bench", ending: ".swift")).map {
                (lines: try Checkout.text($0).split(separator: "\n", omittingEmptySubsequences: false).count, file: $0)
            }.sorted { $0.lines < $1.lines }
        let longest = try #require(sizes.last)
        #expect(longest.lines <= 550, "\(longest.file)")
        #expect(sizes[sizes.count * 9 / 10].lines <= 350)
    }

    @Test("nothing public, nothing that crashes by design")
    func access() throws {
        for file in try Checkout.files(below: "Sources", ending: ".swift") {
            for (number, line) in try Checkout.text(file).split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
            {
                let words = line.split(separator: " ")
                #expect(words.first != "public" && words.first != "open", "\(file):\(number + 1)")
                for call in ["fatalError(", "try!", "Task.detached"] {
                    #expect(!line.contains(call), "\(file):\(number + 1)")
                }
            }
        }
    }

    @Test("every path that the README and the pages of Docs name exists")
    func paths() throws {
        var named = 0
        for page in try ["README.md"] + Checkout.files(below: "Docs", ending: ".md") {
            let text = try Checkout.text(page)
            for piece in text.split(whereSeparator: { "`()[] \n|,".contains($0) }) {
                guard ["Sources/", "Tests/", "Deploy/", "Topology/", "Docs/"].contains(where: { piece.hasPrefix($0) })
                else { continue }
                let path = piece.trimmingCharacters(in: CharacterSet(charactersIn: ".:;/*"))
                named += 1
                #expect(
                    FileManager.default.fileExists(atPath: Checkout.root.appending(path: path).path),
                    "\(page) names \(path)")
            }
        }
        #expect(named > 20)
    }

    @Test("every suite that the README and the pages of Docs name as showing something is one")
    func suites() throws {
        let declared = try Set(
            Checkout.files(below: "Tests", ending: ".swift").flatMap { file in
                try Checkout.text(file).matches(of: /\b(?:struct|enum|class) ([A-Za-z]+Tests)\b/).map { String($0.1) }
            })
        var named = 0
        for page in try ["README.md"] + Checkout.files(below: "Docs", ending: ".md") {
            for match in try Checkout.text(page).matches(of: /`([A-Za-z]+Tests)`/) {
                named += 1
                #expect(declared.contains(String(match.1)), "\(page) names \(match.1)")
            }
        }
        #expect(named > 50)
    }
}
