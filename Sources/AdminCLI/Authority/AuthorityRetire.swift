import ArgumentParser
import Model
import Transport

struct AuthorityRetire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "Last step: nothing under what is tainted is believed any more.",
        discussion: """
            Refused while somebody's newest certificate hangs on it. A stolen key is different: prepare, activate, and \
            retire with --force at once; whoever is cut off enrols again. --force also drops what was only prepared.
            A root goes with the trust manifest: the next version, without it, is written to be signed and published.

              nave authority retire finance --why "yearly rotation"
              nave authority retire finance --force --yes --why "the key was stolen"
              nave authority retire root --out next.json

            Exit status: 0; 1 out of order; 4 while somebody hangs on it, and for want of permission; 5 when --wait ends \
            before every spoke enforces it.
            """)

    @OptionGroup var step: AuthorityStepOptions

    @Flag(name: .long, help: "Whoever still hangs on it is cut off; old ones go without being tainted first.")
    var force = false

    @Option(
        name: .long,
        help: ArgumentHelp("For root: write the next trust manifest here; else to standard output.", valueName: "file"))
    var out: String?

    @OptionGroup var acknowledgement: AcknowledgementOptions

    func validate() throws {
        guard !force || step.change.dryRun || !(step.why.why ?? "").allSatisfy(\.isWhitespace) else {
            throw ValidationError("`--force` cuts off whoever hangs on it: say why, by `--why TEXT`")
        }
    }

    func run() async throws {
        let terminal = Terminal.current
        let name = step.name.text
        let answer = try await step.take("retire", AuthorityRequest(force: force ? true : nil)) { planned in
            planned.holders.isEmpty
                ? "Believe nothing any more that hangs on the old authority \(name)?"
                : "Cut off \(counted(planned.holders.count, "holder")) of certificates of \(name)?"
        }
        guard let answer else { return }
        if step.output.output == .table || out != nil { try answer.keepManifest(in: out, terminal) }
        try step.report(
            answer,
            answer.manifest == nil
                ? "\(name) is rotated"
                : "next: `nave trust sign` and `nave trust publish`; until then the manifest still names it")
        try await step.hub.hub { hub in
            try await acknowledged(
                ChangeAnswer(index: answer.index), within: acknowledgement.wait, except: nil, hub, terminal)
        }
    }
}
