import ArgumentParser

struct SpokeRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revokes the certificates of a spoke and closes its connections.",
        discussion: """
            It can enrol again only with a new invitation, made with --replace. To remove it for good, remove it from the topology.

              nave spoke revoke finance/fin-1 --why "host was lost" --wait 30s
            """)

    @Argument(help: ArgumentHelp("The spoke.", valueName: "zone/name"))
    var spoke: MemberName

    @OptionGroup var options: RevocationOptions

    func run() async throws { try await revoke(spoke, kind: .spoke, options) }
}
