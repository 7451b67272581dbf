import ArgumentParser
import Model
import Transport

struct UserRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revokes the certificates of a person.",
        discussion: """
            The person is named by the identity that `nave status` shows, `spiffe://ORGANIZATION/user/…`.

              nave user revoke spiffe://corp.example/user/u-57bbef5817e9405c --why "laptop was lost"
            """)

    @Argument(help: ArgumentHelp("The person's identity.", valueName: "spiffe-id"))
    var identity: String

    @OptionGroup var hub: HubOptions
    @OptionGroup var why: WhyOption
    @OptionGroup var change: ChangeOptions

    func validate() throws {
        guard let id = try? SPIFFEID(identity), id.kind == "user" else {
            throw ValidationError("\(backticked(identity)) is no person's identity")
        }
    }

    func run() async throws {
        let terminal = Terminal.current
        let request = RevocationRequest(identity: try SPIFFEID(identity), why: why.why)
        if change.dryRun {
            terminal.say("would revoke the certificates of \(request.identity)")
            return
        }
        try terminal.confirm("Revoke the certificates of \(request.identity)?", unless: change.yes)
        let answer = try await hub.hub { try await $0.post("/v1/identities/revoke", request, as: ChangeAnswer.self) }
        terminal.say(changeLine(answer))
    }
}
