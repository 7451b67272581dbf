import ArgumentParser
import Foundation

struct ContextUse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "use", abstract: "Chooses the context that commands use.",
        discussion: "Example: nave context use corp.example")

    @Argument(help: "A name that `nave context list` shows.")
    var name: String

    func run() throws {
        try ContextStore(environment: ProcessInfo.processInfo.environment).use(name)
    }
}
