import ArgumentParser
import Model
import Transport

struct AccessSuggest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suggest", abstract: "Writes the least rules that cover what was used of a server.",
        discussion: """
            From what spokes counted. Look at them before you put them in place of wider ones: what is used seldom may not \
            have been seen.

              nave access suggest finance/ledger --since 30d > topology/zones/finance/ledger-rules.yaml
            """)

    @Argument(help: ArgumentHelp("The server.", valueName: "zone/name"))
    var server: MemberName

    @Option(name: .long, help: ArgumentHelp("Only what was used in this time: 12h, 30d.", valueName: "time"))
    var since: Duration?

    @OptionGroup var hub: HubOptions

    @Option(name: [.customShort("o"), .long], help: "The form of what is written: yaml or json.")
    var output: TopologyExport.ExportFormat = .yaml

    func run() async throws {
        let organization = try hub.opened().context.organization
        let uses = try await hub.hub { hub in
            try await hub.get(
                "/v1/usage/\(server)", query: query(("since", since.map { (Instant.now - $0.span).description })),
                as: [UsageRow].self)
        }
        let rules = suggestRules(from: uses, of: server.description, organization: organization)
        let terminal = Terminal.current
        let unsaid = usesWithoutRule(uses)
        for name in unsaid.prefix(20) {
            terminal.say("no rule is suggested for \(printable(name)): a `*` in a rule stands for other names too")
        }
        if unsaid.count > 20 { terminal.say("nor for \(unsaid.count - 20) more names with a `*`") }
        guard !rules.isEmpty else {
            if unsaid.isEmpty {
                terminal.say("nothing was used of \(server)\(since.map { " in the last \($0.span)" } ?? "")")
            }
            return
        }
        let file = zoneFragment(zone: server.zone, rules: rules)
        terminal.write(output == .json ? jsonText(file) : yamlText(file, keepsOrder: true))
        terminal.say(
            "\(counted(rules.count, "rule")) for what \(counted(Set(uses.map(\.caller)).count, "caller")) used")
    }
}
