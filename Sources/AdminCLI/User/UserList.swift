import ArgumentParser
import Model
import Transport

struct UserList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the people: address, roles, and until when their certificates are valid.",
        discussion: """
            For who may read the whole organization. Who was erased is listed without an address, and so is the owner whom \
            `nave-hub init` made.

              nave user list
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var limit: ListLimit

    func run() async throws {
        let rows = try await hub.hub {
            try await $0.get(
                "/v1/users", query: query(("limit", limit.limit.map { "\($0)" })), as: [UserRow].self)
        }
        try Terminal.current.list(rows, as: output.output, "users") { userTable(rows, now: .now).text($0) }
    }
}
