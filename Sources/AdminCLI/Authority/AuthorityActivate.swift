import ArgumentParser
import Model
import Transport

struct AuthorityActivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate", abstract: "Second step: new certificates come from what was prepared.",
        discussion: """
            What was active is old: all that it signed is believed. With the root, the organization and every zone get \
            intermediates under it.

              nave authority activate finance

            Exit status: 0; 1 out of order; 4 for want of permission.
            """)

    @OptionGroup var step: AuthorityStepOptions

    func run() async throws {
        let name = step.name.text
        let answer = try await step.take("activate", AuthorityRequest()) { _ in
            "Issue new certificates under the prepared authority \(name) from now on?"
        }
        if let answer { try step.report(answer, "next: `nave authority taint \(name)`") }
    }
}
