import ArgumentParser
import Model
import Transport

struct AuthorityTaint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "taint", abstract: "Third step: whoever hangs on what is old renews now.",
        discussion: """
            Spokes are told on their stream, people and clients with their next command. Nothing is refused yet; `nave \
            authority list` shows how many are left.

              nave authority taint finance

            Exit status: 0; 1 out of order; 4 for want of permission.
            """)

    @OptionGroup var step: AuthorityStepOptions

    func run() async throws {
        let name = step.name.text
        let answer = try await step.take("taint", AuthorityRequest()) { planned in
            "Tell \(counted(planned.holders.count, "holder")) of old certificates of \(name) to renew?"
        }
        if let answer { try step.report(answer, "next, when all have renewed: `nave authority retire \(name)`") }
    }
}
