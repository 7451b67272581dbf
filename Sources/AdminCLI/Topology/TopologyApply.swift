import ArgumentParser
import Foundation
import Model
import Transport

struct TopologyApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Makes the files' topology the one in force.",
        discussion: """
            Runs the files' tests, shows the plan, asks, and applies that: when somebody else changed something before \
            the answer, it ends with 2 and does nothing. Spokes get what concerns them within seconds.

              nave topology apply topology --why "FIN-1234: let the reporting bot read" --wait 30s

            Of a plan that `nave topology plan --out` wrote, exactly that, or nothing: it ends with 2 and says what moved when \
            somebody else changed it in the meantime.

              nave topology apply change.plan --why "as reviewed"
            """)

    @Argument(help: ArgumentHelp("Every *.yaml below it is read; or the file of a plan.", valueName: "dir"))
    var source: String

    @Flag(name: .long, help: "Let it remove a zone, or more than a tenth of the servers, clients or rules.")
    var allowRemovals = false

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var why: WhyOption
    @OptionGroup var change: ChangeOptions
    @OptionGroup var acknowledgement: AcknowledgementOptions

    func validate() throws {
        guard !allowRemovals || change.dryRun || !(why.why ?? "").allSatisfy(\.isWhitespace) else {
            throw ValidationError("`--allow-removals` takes much away: say why, by `--why TEXT`")
        }
    }

    func run() async throws {
        let terminal = Terminal.current
        var isDirectory: ObjCBool = false
        let isFile = FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory) && !isDirectory.boolValue
        let saved = isFile ? try SavedPlanFile.read(source) : nil
        let context = try hub.opened().context
        if let saved { try context.demandEnvironment(saved.topology.organization.environment) }
        let topology = try saved?.topology ?? TopologyDirectory.sound(source, of: context, terminal)
        let request = TopologyRequest(
            topology: topology, allowRemovals: allowRemovals, why: why.why, bound: saved?.bound)
        try await hub.hub { hub in
            let plan = try await hub.post("/v1/topology/plan", request, as: Plan.self)
            try saved?.bound.demandSame(plan)
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
            // What was said yes to, and not what others made of it while the question stood.
            let answer = try await hub.post(
                "/v1/topology/apply", request.held(to: plan), as: ApplyAnswer.self, timeout: .minutes(2))
            try terminal.showForPrograms(answer, as: output.output)
            terminal.say(changeLine(answer.change))
            for zone in answer.zonesWithoutAuthority ?? [] {
                terminal.say("the zone \(zone) has no authority yet: `nave authority prepare \(zone)`")
            }
            try await acknowledged(answer.change, within: acknowledgement.wait, except: nil, hub, terminal)
        }
        if !change.dryRun { try hub.bind(to: topology.organization.environment) }
    }
}

extension PlanBinding {
    /// That a plan of now would do what the saved one would; the hub looks again, in the same step in which it applies.
    /// - Throws: `plan-moved`.
    package func demandSame(_ plan: Plan) throws(AdminError) {
        let moved =
            Set(plan.changes).symmetricDifference(changes).map(\.object)
            + Set(plan.base ?? []).symmetricDifference(base).map(\.object)
        guard !moved.isEmpty else { return }
        let names = Set(moved.map { "\($0.kind.rawValue) \($0.name)" }).sorted().prefix(5)
        throw AdminError(
            "plan-moved", "since the plan was made, others changed \(names.joined(separator: ", "))",
            hint: "plan again: `nave topology plan DIR --out FILE`")
    }
}
