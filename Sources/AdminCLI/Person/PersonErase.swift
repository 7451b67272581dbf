import ArgumentParser
import Model
import Transport

struct PersonErase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Forgets a person: deletes the address and every text that names it.",
        discussion: """
            What enrolled under the address is revoked. The ledger keeps its proofs, and that somebody was forgotten.
            Refused while the topology in force names the person: take the address out of the files and apply first.
            Backups, files in Git and logs of other systems are yours to clean.

              nave person erase erin@corp.example --why "DSR-17"
            """)

    @Argument(help: "The person's address.")
    var address: String

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var change: ChangeOptions

    @Option(name: .long, help: ArgumentHelp("Why; kept for ever, so it must not name the person.", valueName: "text"))
    var why: String

    func validate() throws {
        guard (try? PersonalAddress(address)) != nil else {
            throw ValidationError("\(backticked(address)) is no address")
        }
    }

    func run() async throws {
        let terminal = Terminal.current
        if change.dryRun {
            terminal.say("would delete every text that names \(printable(address)), and revoke what enrolled under it")
            return
        }
        try terminal.confirm(
            "Forget \(printable(address))? What is deleted cannot be brought back.", unless: change.yes)
        let answer = try await hub.hub {
            try await $0.post("/v1/persons/erase", EraseRequest(address: address, why: why), as: EraseAnswer.self)
        }
        try terminal.show(answer, as: output.output) { _ in eraseText(answer) }
    }
}

/// What an erasure did, for people.
package func eraseText(_ answer: EraseAnswer) -> String {
    guard let index = answer.index else {
        return "the ledger knew nothing of that person; reports and files were cleaned again\n"
    }
    return "erased by ledger entry \(index): \(counted(Int(answer.disclosures), "text")) deleted, "
        + "\(counted(answer.identities.count, "identity record")) revoked, "
        + "\(counted(Int(answer.evidence), "evidence file")) redacted\n"
}
