import ArgumentParser
import Foundation
import Model

struct ContextList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the contexts of this machine; `*` marks the one in use.",
        discussion: "Example: nave context list")

    @OptionGroup var output: OutputOptions

    /// What a context says about itself; the key stays where it is.
    struct Row: Encodable {
        var name: String
        var isCurrent: Bool
        var identity: String?
        var hub: String?
        var environment: String?
        var problem: String?
    }

    func run() throws {
        let store = try ContextStore(environment: ProcessInfo.processInfo.environment)
        let current = store.current()
        let rows = store.names().map { name -> Row in
            do throws(AdminError) {
                let context = try ContextStore.load(store.path(of: name))
                return Row(
                    name: name, isCurrent: name == current, identity: context.identity.description, hub: context.hub,
                    environment: context.environment)
            } catch {
                return Row(name: name, isCurrent: name == current, problem: error.message)
            }
        }
        try Terminal.current.list(rows, as: output.output, "contexts") { colour in
            var table = Table("", "NAME", "HUB", "ENVIRONMENT", "IDENTITY")
            for row in rows {
                table.add(
                    row.isCurrent ? Table.Cell("*", .good) : "", "\(row.name)", "\(row.hub ?? "-")",
                    "\(row.environment ?? "-")",
                    row.problem.map { Table.Cell($0, .bad) } ?? "\(row.identity ?? "-")")
            }
            return table.text(colour)
        }
    }
}
