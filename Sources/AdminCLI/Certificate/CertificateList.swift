import ArgumentParser
import Model
import Transport

struct CertificateList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the certificates that have not ended, newest first.",
        discussion: """
            With --expiring only the newest of each identity, where it ends within that time: renewal begins with five \
            days left, so those are not being renewed.

              nave certificate list --zone finance --expiring 3d
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: ZoneFilter
    @OptionGroup var limit: ListLimit

    @Option(name: .long, help: ArgumentHelp("Only what ends within this time: 12h, 3d.", valueName: "time"))
    var expiring: Duration?

    func run() async throws {
        let rows = try await hub.hub {
            try await $0.get(
                "/v1/certificates",
                query: query(
                    ("zone", filter.zone), ("expiring", expiring.map { "\($0.span)" }),
                    ("limit", limit.limit.map { "\($0)" })),
                as: [CertificateRow].self)
        }
        try Terminal.current.list(rows, as: output.output, "certificates") { certificateTable(rows).text($0) }
    }
}
