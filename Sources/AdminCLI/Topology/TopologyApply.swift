import ArgumentParser
import Model
import Transport

struct TopologyApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Makes the files' topology the one in force.",
        discussion: """
            Runs the files' tests, shows the plan, asks, and applies. Spokes get what concerns them within seconds.

              nave topology apply topology --why "FIN-1234: let the reporting bot read"
              nave rollout status --wait 30s
            """)

    @Argument(help: ArgumentHelp("Every *.yaml below it is read.", valueName: "dir"))
    var directory: String

    @Flag(name: .long, help: "Let it remove a zone, or more than a tenth of the servers, clients or rules.")
    var allowRemovals = false

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var why: WhyOption
    @OptionGroup var change: ChangeOptions

    func run() async throws {
        let terminal = Terminal.current
        let topology = try TopologyDirectory.sound(
            directory, of: try hub.opened().context.organization, terminal)
        let request = TopologyRequest(topology: topology, allowRemovals: allowRemovals, why: why.why)
        try await hub.hub { hub in
            let plan = try await hub.post("/v1/topology/plan", request, as: Plan.self)
            if change.dryRun {
                try terminal.show(plan, as: output.output) { planText(plan, $0) }
                if let end = plan.end(allowRemovals: allowRemovals) { throw Ended(end) }
                return
            }
            guard !plan.isEmpty else {
                // The same answer as an apply that changed something, for whoever reads it with a program.
                try terminal.showForPrograms(
                    ApplyAnswer(plan: plan, change: ChangeAnswer(index: nil)), as: output.output)
                terminal.say("no change")
                return
            }
            terminal.say(String(planText(plan, terminal.talkColour).dropLast()))
            if let removal = plan.removals.first, !allowRemovals {
                throw AdminError(
                    "needs-removals", "refused to apply what removes much: \(removal)",
                    hint: "look at the plan again; if it is meant, say `--allow-removals`")
            }
            try terminal.confirm("Apply this to \(topology.organization.domain)?", unless: change.yes)
            let answer = try await hub.post("/v1/topology/apply", request, as: ApplyAnswer.self, timeout: .minutes(2))
            try terminal.showForPrograms(answer, as: output.output)
            terminal.say(changeLine(answer.change))
            for zone in answer.zonesWithoutAuthority ?? [] {
                terminal.say("the zone \(zone) has no authority yet: `nave authority prepare \(zone)`")
            }
        }
    }
}
