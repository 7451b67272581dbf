import ArgumentParser
import Model
import Transport

struct InvitationOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("How long the token can be used: 30m, 8h, 2d.", valueName: "time"))
    var validFor: Duration?

    @Flag(name: .long, help: "Give a name again that was revoked.")
    var replace = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write the token to this file, mode 0600, which must not exist; else to standard output.", valueName: "file"
        ))
    var out: String?

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var why: WhyOption
}

/// What `-o json` shows of an invitation.
private struct Invited: Encodable {
    var identity: SPIFFEID
    var expires: Instant
    /// Nil where it went to a file.
    var token: String?
    var file: String?
}

/// Asks the hub for an invitation. The token goes to a file that only its owner reads, or to standard output alone, so
/// that it can be piped to where it is used.
/// - Throws: `exists`, before anything is asked.
func invite(_ request: InvitationRequest, _ options: InvitationOptions, then next: String) async throws {
    let terminal = Terminal.current
    // The file first: a token that found no place would lie in the ledger as one that is out.
    let file = try options.out.map { try PrivateFile.Fresh($0) }
    let answer: InvitationAnswer
    do {
        var request = request
        request.validFor = options.validFor?.span
        request.replace = options.replace ? true : nil
        request.why = options.why.why
        let wanted = request
        answer = try await options.hub.hub { try await $0.post("/v1/invitations", wanted, as: InvitationAnswer.self) }
        try file?.fill(Array((answer.token + "\n").utf8))
    } catch {
        file?.remove()
        throw error
    }
    let shown = Invited(
        identity: answer.identity, expires: answer.expires, token: file == nil ? answer.token : nil, file: options.out)
    try terminal.show(shown, as: options.output.output) { _ in file == nil ? answer.token + "\n" : "" }
    let place = options.out.map { "; written to \($0)" } ?? ""
    terminal.say("join token for \(answer.identity), can be used once until \(minute(answer.expires))\(place)")
    terminal.say("next, \(next)")
}
