import ArgumentParser
import SpokeAgent

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve callers until SIGTERM or SIGINT.",
        discussion: """
            Logs one JSON object a line on stderr. While the hub is away the last good delivery is enforced, as long as its
            policy says. At SIGTERM calls under way finish, and the exit code is 0.

              nave-spoke run --data /var/lib/nave-spoke --config /etc/nave/spoke.yaml
            """)

    @Option(help: "The spoke's data directory. (env: NAVE_DATA)")
    var data: String?

    @Option(help: "The host's spoke.yaml. (env: NAVE_CONFIG)")
    var config: String?

    @Option(help: "File to write {\"listen\":…} to once the listener is up. (env: NAVE_READY_FILE)")
    var readyFile: String?

    @Option(help: "How often the hub gets a report, from 1s to 10m. (env: NAVE_REPORT_INTERVAL; default: 10s)")
    var reportInterval: String?

    @Option(
        help: "How old the certificate gets before it is renewed, from 1s to 7d. (env: NAVE_RENEW_AFTER; default: 2d)")
    var renewAfter: String?

    @Option(help: "trace, debug, info, notice, warning or error. (env: NAVE_LOG_LEVEL; default: info)")
    var logLevel: String?

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        let config = try required(config, "config", "NAVE_CONFIG")
        let intervalText = given(reportInterval, "NAVE_REPORT_INTERVAL") ?? "10s"
        guard let interval = Commands.interval(intervalText) else {
            throw ValidationError("`\(intervalText)` is no interval from 1s to 10m")
        }
        let ageText = given(renewAfter, "NAVE_RENEW_AFTER") ?? "2d"
        guard let age = Commands.renewalAge(ageText) else {
            throw ValidationError("`\(ageText)` is no age from 1s to 7d")
        }
        let level = given(logLevel, "NAVE_LOG_LEVEL") ?? "info"
        guard Commands.isLogLevel(level) else { throw ValidationError("`\(level)` is no log level") }
        try await failing {
            try await Commands.run(
                data: data, config: config, readyFile: given(readyFile, "NAVE_READY_FILE"), reportInterval: interval,
                renewAfter: age, logLevel: level)
        }
    }
}
