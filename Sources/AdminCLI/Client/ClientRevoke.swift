import ArgumentParser

struct ClientRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revokes the certificates of a client and closes its connections.",
        discussion: """
            It can enrol again only with a new invitation, made with --replace. To remove it for good, remove it from the topology.

              nave client revoke analytics/old-bot --why "host was lost" --wait 30s
            """)

    @Argument(help: ArgumentHelp("The client.", valueName: "zone/name"))
    var client: MemberName

    @OptionGroup var options: RevocationOptions

    func run() async throws { try await revoke(client, kind: .client, options) }
}
