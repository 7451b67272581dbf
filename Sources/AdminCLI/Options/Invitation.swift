import ArgumentParser
import Model
import Transport

struct InvitationOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("How long the token can be used: 30m, 8h, 2d.", valueName: "time"))
    var validFor: Duration?

    @Flag(name: .long, help: "Give a name again that was revoked.")
    var replace = false
}

/// Asks the hub for an invitation. The token goes to standard output alone, so that it can be piped to where it is
/// used.
func invite(_ request: InvitationRequest, through options: HubOptions, then next: String) async throws {
    let answer = try await options.hub { try await $0.post("/v1/invitations", request, as: InvitationAnswer.self) }
    let terminal = Terminal.current
    terminal.write(answer.token + "\n")
    terminal.say("join token for \(answer.identity), can be used once until \(minute(answer.expires))")
    terminal.say("next, \(next)")
}
