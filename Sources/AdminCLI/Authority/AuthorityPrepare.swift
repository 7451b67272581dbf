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
            and published. Where the root lies elsewhere, so does the next one: --requests-out writes what it is to sign, \
            and its certificate comes back here, with its key certified by the root of now (`nave-hub root cross`). Without \
            --cross, who is away from now until it is activated does not find the way and enrols again.

              nave authority prepare finance --why "yearly rotation"
              nave authority prepare finance --request-out finance.csr
              nave authority prepare finance --certificate finance.pem
              nave authority prepare root --out next.json
              nave authority prepare root --requests-out requests
              nave authority prepare root --certificate root-2.pem --cross cross.pem --out next.json

            Exit status: 0; 4 for want of permission.
            """)

    @OptionGroup var step: AuthorityStepOptions

    @Option(
        name: .long,
        help: ArgumentHelp("Write the request for an offline root here; else to standard output.", valueName: "file"))
    var requestOut: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "What an offline root signed, PEM. For root: the certificate of the one that was made elsewhere.",
            valueName: "file"))
    var certificate: String?

    @Option(
        name: .long,
        help: ArgumentHelp("For root: its key certified by the root of now, PEM.", valueName: "file"))
    var cross: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "For a root that lies elsewhere: write DOMAIN.csr here for each CA that it is to sign.", valueName: "dir"))
    var requestsOut: String?

    @Option(
        name: .long,
        help: ArgumentHelp("For root: write the next trust manifest here; else to standard output.", valueName: "file"))
    var out: String?

    func validate() throws {
        guard cross == nil || certificate != nil else { throw ValidationError("--cross comes with --certificate") }
        guard requestsOut == nil || name == AuthorityArgument.root else {
            throw ValidationError("--requests-out is for root; --request-out writes the request of one authority")
        }
    }

    private var name: String { step.name.text }

    func run() async throws {
        let terminal = Terminal.current
        let request = AuthorityRequest(
            certificate: try certificate.map(PEMText.read), cross: try cross.map(PEMText.read))
        let name = name
        let answer = try await step.take("prepare", request) { _ in
            "Make the next authority \(name)? Nothing uses it yet."
        }
        guard let answer else { return }
        try keepRequests(answer.requests, terminal)
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
        if answer.authorities.isEmpty, answer.requests != nil {
            if step.output.output != .table { try terminal.show(answer, as: step.output.output) { _ in "" } }
            terminal.say(
                "the root's key is not with the hub: make the next root where it lies, have it sign the requests, then "
                    + "`nave authority prepare root --certificate FILE --cross FILE`")
            return
        }
        if step.output.output == .table || out != nil { try answer.keepManifest(in: out, terminal) }
        try step.report(answer, next(answer))
    }

    private func next(_ answer: AuthorityAnswer) -> String {
        guard answer.manifest != nil else { return "next: `nave authority activate \(name)`" }
        let last = answer.requests == nil ? "" : " --certificates DIR"
        return "next: `nave trust sign`, `nave trust publish`, then `nave authority activate root\(last)`"
    }

    /// One file each, named by the domain that the root is to sign for.
    private func keepRequests(_ requests: [AuthoritySigningRequest]?, _ terminal: Terminal) throws {
        guard let requests, !requests.isEmpty else {
            if requestsOut != nil { terminal.say("that root's key is with the hub: nothing is to be signed elsewhere") }
            return
        }
        guard let requestsOut else {
            return terminal.say("\(counted(requests.count, "request")) for that root: --requests-out DIR writes them")
        }
        for request in requests {
            try PrivateFile.replace("\(requestsOut)/\(request.domain).csr", with: Array(request.request.utf8))
        }
        terminal.say("wrote \(counted(requests.count, "request")) into \(requestsOut)")
    }
}
