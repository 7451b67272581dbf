import ArgumentParser
import HubService

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until SIGTERM or SIGINT.",
        discussion: """
            Logs one JSON object a line on stderr. At SIGTERM streams end, requests finish, and the exit code is 0.

              nave-hub serve --data /var/lib/nave
            """)

    @Option(help: "The hub's data directory. (env: NAVE_DATA)")
    var data: String?

    @Option(help: "File to write {\"front\":…,\"listen\":…} to once both listeners are up. (env: NAVE_READY_FILE)")
    var readyFile: String?

    @Option(help: "How often spokes get a new lease, from 1s to 1h. (env: NAVE_LEASE_INTERVAL; default: 60s)")
    var leaseInterval: String?

    @Option(
        help: """
            How often the heads of spokes' journals are put into the ledger, all in one entry, from 1s to 1h. \
            (env: NAVE_ANCHOR_INTERVAL; default: 60s)
            """)
    var anchorInterval: String?

    @Option(help: "trace, debug, info, notice, warning or error. (env: NAVE_LOG_LEVEL; default: info)")
    var logLevel: String?

    @OptionGroup var keys: KeyOptions

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        try await failing {
            try await HubProgram(
                data: data, readyFile: optional(readyFile, "NAVE_READY_FILE"),
                leaseInterval: optional(leaseInterval, "NAVE_LEASE_INTERVAL") ?? "60s",
                anchorInterval: optional(anchorInterval, "NAVE_ANCHOR_INTERVAL") ?? "60s",
                logLevel: optional(logLevel, "NAVE_LOG_LEVEL") ?? "info",
                passphrase: try keys.passphrase()
            ).serve()
        }
    }
}
