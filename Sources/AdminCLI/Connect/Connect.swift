import ArgumentParser
import Foundation
import Model
import Transport

struct Connect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Is an MCP server on standard input and output that stands for one behind a spoke.",
        discussion: """
            For any MCP client on this machine that starts servers as programs. It finds the server through the hub, \
            shows this context's certificate to its spoke, and passes messages on. While the hub is away it goes on.

              { "mcpServers": { "ledger": { "command": "nave", "args": ["connect", "finance/ledger"] } } }
            """)

    @Argument(help: ArgumentHelp("The server.", valueName: "zone/name"))
    var server: MemberName

    @OptionGroup var hub: HubOptions

    func run() async throws {
        let path = try hub.path()
        let stored = try OpenedContext(path: path)
        let time = try ContextRenewal.time(environment: ProcessInfo.processInfo.environment)
        // One that is good is renewed beside the work; one that has ended lets nothing be done before.
        let opened =
            Instant.now < stored.identity.notAfter
            ? stored : await ContextRenewal.renewedIfDue(stored, at: path, time, .current, now: .now)
        let store = try? ContextStore(environment: ProcessInfo.processInfo.environment)
        let resolver = Resolver(server: server, path: path, opened: opened, cache: store?.cache, terminal: .current)
        let connections = try SpokeConnections(resolver: resolver, opened: opened)
        let relay = Relay(
            server: server.description, connections: connections, output: StandardOutput(), terminal: .current)
        let renewal = ConnectRenewal(
            path: path, time: time, resolver: resolver, connections: connections, terminal: .current)
        let renewing = Task { await renewal.run(opened) }
        defer { renewing.cancel() }
        try await StandardInput().forEachLine { await relay.take($0) }
        await relay.finish()
    }
}
