import ArgumentParser
import Model
import Transport

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Says in a few lines how the control plane stands.",
        discussion: "Example: nave status -o json")

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let identity = try hub.opened().context.identity
        let status = try await hub.hub { try await $0.get("/v1/status", as: HubStatus.self) }
        try Terminal.current.show(status, as: output.output) { statusText(status, identity: identity, now: .now, $0) }
    }
}
