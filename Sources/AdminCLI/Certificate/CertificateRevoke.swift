import ArgumentParser
import Model
import Transport

struct CertificateRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revokes one certificate and closes the connections under it.",
        discussion: """
            Its identity keeps its other certificates. Where a key was stolen, revoke the identity, with \
            `nave spoke revoke` or `nave client revoke`: whoever had the key may have renewed.

              nave certificate revoke 41a0c7d2e5f093b6a1d8 --why "key was in a backup" --wait 30s
            """)

    @Argument(help: "As `nave certificate list` shows it, or at least its first 20 digits.")
    var serial: SerialNumber

    @OptionGroup var options: RevocationOptions

    func run() async throws {
        let terminal = Terminal.current
        let change = options.change
        try await options.hub.hub { hub in
            // The whole number, when only its beginning was given: what is asked is what is revoked.
            let row = try await hub.get("/v1/certificates/\(serial.text)", as: CertificateRow.self)
            if change.dryRun {
                terminal.say("would revoke the certificate \(row.serial) of \(row.identity)")
                return
            }
            try terminal.confirm(
                "Revoke the certificate \(row.serial) of \(row.identity) and close its connections?",
                unless: change.yes)
            let request = CertificateRevocationRequest(serial: row.serial, why: options.reason.why)
            let answer = try await hub.post("/v1/certificates/revoke", request, as: ChangeAnswer.self)
            let gone = row.state == .current && row.identity.kind == "spoke" ? fullName(row.identity) : nil
            try await tell(answer, as: options.output, options.acknowledgement, except: gone, hub, terminal)
        }
    }

    /// `finance/fin-1` of a spoke's identity.
    private func fullName(_ identity: SPIFFEID) -> String {
        "\(identity.trustDomain.prefix { $0 != "." })/\(identity.name)"
    }
}

/// Lower-case hexadecimal, 8 to 40 digits, perhaps not all of them: what stands in a path without being escaped.
struct SerialNumber: ExpressibleByArgument, Hashable, Sendable {
    var text: String

    init?(argument: String) {
        text = argument.lowercased()
        guard (8...40).contains(text.utf8.count), text.utf8.allSatisfy({ Array("0123456789abcdef".utf8).contains($0) })
        else { return nil }
    }
}
