import ArgumentParser
import Model
import Transport
import Trust

struct AuthorityPrepare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "First step: makes the next key and certificate; nothing uses them yet.",
        discussion: """
            For a zone or the organization the root signs. Where the root's key lies elsewhere, the answer is a request to \
            be signed there, and --certificate brings back what was signed.
            The next root has to be in the trust manifest before it is used: the next version is written, to be signed \
            and published.

              nave authority prepare finance --why "yearly rotation"
              nave authority prepare finance --request-out finance.csr
              nave authority prepare finance --certificate finance.pem
              nave authority prepare root --out next.json

            Exit status: 0; 4 for want of permission.
            """)

    @OptionGroup var step: AuthorityStepOptions

    @Option(
        name: .long,
        help: ArgumentHelp("Write the request for an offline root here; else to standard output.", valueName: "file"))
    var requestOut: String?

    @Option(name: .long, help: ArgumentHelp("What an offline root signed, PEM.", valueName: "file"))
    var certificate: String?

    @Option(
        name: .long,
        help: ArgumentHelp("For root: write the next trust manifest here; else to standard output.", valueName: "file"))
    var out: String?

    func run() async throws {
        let terminal = Terminal.current
        let pem = try certificate.map {
            String(decoding: try PrivateFile.readOpenly($0, maximum: 16 << 10), as: UTF8.self)
        }
        let name = step.name.text
        let answer = try await step.take("prepare", AuthorityRequest(certificate: pem)) { _ in
            "Make the next authority \(name)? Nothing uses it yet."
        }
        guard let answer else { return }
        if let request = answer.request {
            if let requestOut {
                try PrivateFile.replace(requestOut, with: Array(request.utf8))
            } else if step.output.output == .table {
                terminal.write(request)
            }
            if step.output.output != .table { try terminal.show(answer, as: step.output.output) { _ in "" } }
            terminal.say(
                "the root's key is not with the hub: have the request signed, then `nave authority prepare \(name) "
                    + "--certificate FILE`")
            return
        }
        if step.output.output == .table || out != nil { try answer.keepManifest(in: out, terminal) }
        try step.report(
            answer,
            answer.manifest == nil
                ? "next: `nave authority activate \(name)`"
                : "next: `nave trust sign`, `nave trust publish`, then `nave authority activate root`")
    }
}
