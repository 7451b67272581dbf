import ArgumentParser
import Model
import Transport

struct DecisionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one decision as the spoke's journal has it.",
        discussion: """
            `nave access explain` says also why.

              nave decision show j-4f2a:17
            """)

    @Argument(help: ArgumentHelp("As `nave decision list` shows it.", valueName: "journal:number"))
    var decision: DecisionName

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let explanation = try await hub.hub {
            try await $0.post("/v1/access/explain", ExplainRequest(decision: decision.id), as: Explanation.self)
        }
        guard let row = explanation.recorded else {
            throw AdminError("unknown-decision", "the hub holds no decision \(backticked(decision.id))")
        }
        try Terminal.current.show(row, as: output.output) { decisionText(row, $0) }
    }
}
