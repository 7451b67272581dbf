import ArgumentParser
import Model
import Transport

struct AuthorityActivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate", abstract: "Second step: new certificates come from what was prepared.",
        discussion: """
            What was active is old: all that it signed is believed. With the root, the organization and every zone get \
            intermediates under it. A root that lies elsewhere has signed them there: --certificates hands in what came \
            back for the requests of `nave authority prepare root --requests-out`. Nothing is active before all are there and \
            judged.

              nave authority activate finance
              nave authority activate root --certificates signed

            Exit status: 0; 1 out of order, or a certificate missing; 4 for want of permission.
            """)

    @OptionGroup var step: AuthorityStepOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "For a root that lies elsewhere: what it signed, a PEM file or a directory of *.pem.", valueName: "path"))
    var certificates: String?

    func validate() throws {
        guard certificates == nil || step.name.text == AuthorityArgument.root else {
            throw ValidationError(
                "--certificates is for root; `nave authority prepare` takes the one of another authority")
        }
    }

    func run() async throws {
        let name = step.name.text
        let request = AuthorityRequest(certificates: try certificates.map(PEMText.certificates))
        let answer = try await step.take("activate", request) { _ in
            "Issue new certificates under the prepared authority \(name) from now on?"
        }
        if let answer { try step.report(answer, "next: `nave authority taint \(name)`") }
    }
}
