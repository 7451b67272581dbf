import ArgumentParser
import Model
import Transport

struct TrustRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Prepares the next version of the trust manifest, with new keys for roles.",
        discussion: """
            The hub makes the new keys of bundle, lease and checkpoint; nothing changes before the version is signed and \
            published. The keys of manifest come from `nave trust key`: name all that are to sign from then on. Without a \
            role only the time is extended.

              nave trust rotate lease bundle > next.json
              nave trust sign next.json --key /media/a/manifest-1.key
              nave trust sign next.json --key /media/b/manifest-2.key
              nave trust publish next.json --why "yearly rotation"

            Exit status: 0; 4 for want of permission.
            """)

    @Argument(help: ArgumentHelp("bundle, lease, checkpoint or manifest.", valueName: "role"))
    var roles: [String] = []

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("For manifest: a public key; say it for each.", valueName: "base64"))
    var manifestKey: [String] = []

    @Option(name: .long, help: "For manifest: how many of its keys have to sign (default: more than half).")
    var threshold: Int?

    @Option(name: .long, help: "How long the version is good (default: 1095d).")
    var validFor: Duration?

    @Option(name: .long, help: ArgumentHelp("Write the version here; else to standard output.", valueName: "file"))
    var out: String?

    @OptionGroup var hub: HubOptions

    func run() async throws {
        let request = RotateRequest(
            roles: roles, manifestKeys: manifestKey.isEmpty ? nil : manifestKey, threshold: threshold,
            validFor: validFor?.span)
        let answer = try await hub.hub { client in
            try await client.post("/v1/trust/rotate", request, as: RotateAnswer.self)
        }
        let terminal = Terminal.current
        try terminal.put(jsonText(answer.manifest), in: out)
        terminal.say("not in force: sign it with `nave trust sign`, then `nave trust publish`")
    }
}
