import ArgumentParser
import Model
import Transport

struct CertificateShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one certificate that the hub issued, by its serial number.",
        discussion: """
            Ends with the certificate itself, for openssl and others. The first 20 digits of the serial number are enough, \
            where no other begins with them.

              nave certificate show 41a0c7d2e5f093b6a1d8 | openssl x509 -noout -text
            """)

    @Argument(help: "As `nave certificate list` shows it, or at least its first 20 digits.")
    var serial: SerialNumber

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let row = try await hub.hub { try await $0.get("/v1/certificates/\(serial.text)", as: CertificateRow.self) }
        try Terminal.current.show(row, as: output.output) { certificateText(row, $0) }
    }
}
