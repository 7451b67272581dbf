import ArgumentParser
import Model
import Transport

struct TopologyPlan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Shows what applying the files would change, and who gains or loses access to what.",
        discussion: """
            Ends with 0 when nothing would change, with 2 when something would, with 7 when it could not be applied, or where \
            rules are found that are redundant, shadowed or expired, match nothing, or grant again what a review revoked.

              nave topology plan topology

            A plan that is written to a file, mode 0600, can be handed to others, and applied as it is or not at all:

              nave topology plan topology --out change.plan
              nave topology apply change.plan
            """)

    @Argument(help: ArgumentHelp("Every *.yaml below it is read.", valueName: "dir"))
    var directory: String

    @Flag(name: .long, help: "Do not hold against it that it removes much.")
    var allowRemovals = false

    @Option(name: .long, help: ArgumentHelp("Write the plan here, for `nave topology apply`.", valueName: "file"))
    var out: String?

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let terminal = Terminal.current
        let topology = try TopologyDirectory.sound(directory, of: try hub.opened().context, terminal)
        let request = TopologyRequest(topology: topology, allowRemovals: allowRemovals)
        let plan = try await hub.hub { try await $0.post("/v1/topology/plan", request, as: Plan.self) }
        try hub.bind(to: topology.organization.environment)
        if let out { try SavedPlanFile.write(plan, of: topology, to: out) }
        try terminal.show(plan, as: output.output) { planText(plan, $0) }
        if let end = plan.end(allowRemovals: allowRemovals) { throw Ended(end) }
    }
}

extension Plan {
    /// How a command ends that shows this plan and does nothing; nil for no change.
    package func end(allowRemovals: Bool) -> ExitStatus? {
        if !removals.isEmpty, !allowRemovals { return .blocked }
        if findings.contains(where: { Finding.blocking.contains($0.code) }) { return .blocked }
        return isEmpty ? nil : .differences
    }
}
