import ArgumentParser
import Model
import Transport
import Trust

struct TrustPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Puts a signed version of the trust manifest in force.",
        discussion: """
            The hub checks it as every spoke will: signed by enough keys of the version before and of its own. Connected \
            spokes get it at once, others when they return.

              nave trust publish next.json --why "yearly rotation"

            Exit status: 0; 1 when the hub refuses it; 4 for want of permission.
            """)

    @Argument(help: ArgumentHelp("What `nave trust sign` signed.", valueName: "file"))
    var file: String

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var why: WhyOption
    @OptionGroup var change: ChangeOptions

    func run() async throws {
        let envelope = try TrustSign.read(file)
        let version = try TrustManifest.claimed(by: envelope).version
        let terminal = Terminal.current
        if change.dryRun {
            terminal.say("would put version \(version) of the trust manifest in force")
            return
        }
        try terminal.confirm("Put version \(version) of the trust manifest in force?", unless: change.yes)
        let request = PublishManifestRequest(manifest: try JSONCoding.encode(envelope), why: why.why)
        let answer = try await hub.hub { client in
            try await client.post("/v1/trust/publish", request, as: PublishManifestAnswer.self, proving: false)
        }
        try terminal.showForPrograms(answer, as: output.output)
        terminal.say("version \(answer.version) of the trust manifest is in force (entry \(answer.index))")
    }
}
