import ArgumentParser
import SpokeAgent

struct VerifyData: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check the stored delivery and the journal's lines; changes nothing.",
        discussion: "Exits 0 when all is in order and 2 when something is wrong.")

    @Option(help: "The spoke's data directory. (env: NAVE_DATA)")
    var data: String?

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        let found = try await failing { try Commands.verify(data: data) }
        print(found.text)
        if !found.isGood { throw ExitCode(2) }
    }
}
