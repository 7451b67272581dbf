import ArgumentParser
import Model
import Transport

struct RolloutStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows which spokes enforce what they should.",
        discussion: """
            Ends with 0 when all of them do, with 5 when one does not, with `--wait` in the time given.

              nave rollout status --wait 30s
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: ZoneFilter

    @Option(name: .long, help: ArgumentHelp("How long to wait for all of them.", valueName: "time"))
    var wait: Duration?

    func run() async throws {
        let terminal = Terminal.current
        let rollout = try await hub.hub { try await settled($0, terminal) }
        try terminal.show(rollout, as: output.output) { rolloutTable(rollout, now: .now).text($0) }
        guard rollout.isConverged else { throw Ended(.notConverged) }
    }

    /// Asks until all have it or the time is over. After two seconds it says whom it waits for, and again when that
    /// changes.
    private func settled(_ hub: HubClient, _ terminal: Terminal) async throws -> Rollout {
        let clock = ContinuousClock()
        let start = clock.now
        let limit = (wait?.span.count).map { start + .milliseconds($0) }
        var said: [String] = []
        while true {
            let all = try await hub.get("/v1/rollout", as: Rollout.self)
            let rollout = Rollout(
                rows: all.rows.filter { row in filter.zone.map { row.spoke.hasPrefix("\($0)/") } ?? true })
            guard let limit, !rollout.isConverged, clock.now < limit else { return rollout }
            let missing = rollout.rows.filter { $0.state != .current }.map(\.spoke)
            if clock.now >= start + .seconds(2), missing != said {
                terminal.say(
                    "waiting for \(missing.prefix(5).joined(separator: ", "))\(missing.count > 5 ? ", …" : "")")
                said = missing
            }
            try await clock.sleep(until: min(clock.now + .milliseconds(500), limit))
        }
    }
}
