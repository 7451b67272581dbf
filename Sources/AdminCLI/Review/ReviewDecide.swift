import ArgumentParser
import Model
import Transport

struct ReviewDecide: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decide", abstract: "Keeps or revokes one grant of a review.",
        discussion: """
            A revoked grant is denied by every spoke within seconds, whatever the topology's files say.

              nave review decide ar-1/3 --verdict revoke --why "project has ended"
            """)

    @Argument(help: ArgumentHelp("The item, as `nave review show` numbers it.", valueName: "review/number"))
    var item: ReviewItemName

    @Option(name: .long, help: "keep or revoke.")
    var verdict: Verdict

    @Option(name: .long, help: ArgumentHelp("Why; kept with the verdict.", valueName: "text"))
    var why: String

    @OptionGroup var hub: HubOptions

    func validate() throws {
        guard !why.allSatisfy(\.isWhitespace) else { throw ValidationError("`--why` says nothing") }
    }

    func run() async throws {
        let request = DecideItemRequest(verdict: verdict, why: why)
        let answer = try await hub.hub {
            try await $0.post("/v1/reviews/\(item.review)/items/\(item.number)", request, as: ChangeAnswer.self)
        }
        Terminal.current.say(changeLine(answer))
    }
}
