import ArgumentParser
import Foundation
import Model
import Transport
import Trust

/// What every step of an authority takes.
struct AuthorityStepOptions: ParsableArguments {
    @Argument(help: "`root`, `organization`, or a zone.")
    var name: AuthorityArgument

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var why: WhyOption
    @OptionGroup var change: ChangeOptions

    /// Asks what the step would do, asks the person, and does it.
    /// - Parameter question: From the answer to the dry run.
    /// - Returns: Nil for a dry run.
    func take(
        _ step: String, _ request: AuthorityRequest, question: (AuthorityAnswer) -> String
    ) async throws -> AuthorityAnswer? {
        let terminal = Terminal.current
        let path = "/v1/authorities/\(name.text)/\(step)"
        let (why, change, output) = (why.why, change, output.output)
        return try await hub.hub { hub -> AuthorityAnswer? in
            var request = request
            request.why = why
            if change.dryRun || !change.yes {
                var dry = request
                dry.dryRun = true
                let planned = try await hub.post(path, dry, as: AuthorityAnswer.self)
                if change.dryRun {
                    try terminal.show(planned, as: output) { authorityTable(planned.authorities).text($0) }
                    terminal.say("would \(step) the authority \(name.text); nothing was changed")
                    return nil
                }
                try terminal.confirm(question(planned), unless: change.yes)
            }
            return try await hub.post(path, request, as: AuthorityAnswer.self, timeout: .minutes(2))
        }
    }

    /// Shows what a step did, and says what comes next.
    func report(_ answer: AuthorityAnswer, _ next: String) throws {
        let terminal = Terminal.current
        try terminal.showForPrograms(answer, as: output.output)
        if output.output == .table, !answer.authorities.isEmpty {
            terminal.say(String(authorityTable(answer.authorities).text(terminal.talkColour).dropLast()))
        }
        terminal.say(answer.index.map { "done (ledger entry \($0))" } ?? "nothing to do")
        terminal.say(next)
    }
}

extension AuthorityAnswer {
    /// Writes the next trust manifest, unsigned.
    func keepManifest(in file: String?, _ terminal: Terminal) throws {
        if let manifest { try terminal.put(jsonText(manifest), in: file) }
    }
}

/// `root`, `organization`, or a zone's name.
struct AuthorityArgument: ExpressibleByArgument, Hashable, Sendable {
    static let root = "root"

    var text: String

    init?(argument: String) {
        guard isLabel(argument) else { return nil }
        text = argument
    }
}
