import ArgumentParser
import Model
import Transport

struct ReviewReinstate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reinstate", abstract: "Lifts a revocation that a review led to.",
        discussion: """
            The rules decide again about the grant, on every spoke within seconds. Only this lifts a revocation, no file does;
            and only somebody who neither asked for it, nor wrote the rule, nor holds the grant.

              nave review reinstate ar-1/3 --why "project goes on, FIN-9"
            """)

    @Argument(help: ArgumentHelp("The item, as `nave review show` numbers it.", valueName: "review/number"))
    var item: ReviewItemName

    @Option(name: .long, help: ArgumentHelp("Why; kept in the ledger.", valueName: "text"))
    var why: String

    @OptionGroup var hub: HubOptions

    func validate() throws {
        guard !why.allSatisfy(\.isWhitespace) else { throw ValidationError("`--why` says nothing") }
    }

    func run() async throws {
        let request = ReinstateRequest(why: why)
        let answer = try await hub.hub {
            try await $0.post(
                "/v1/reviews/\(item.review)/items/\(item.number)/reinstate", request, as: ChangeAnswer.self)
        }
        Terminal.current.say(changeLine(answer))
    }
}
