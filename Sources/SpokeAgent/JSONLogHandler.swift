import Foundation
import Logging
import Model

/// Log events as one JSON object a line on stderr: `{"time", "level", "component", "message", …metadata}`. Callers put no
/// secrets, tokens, arguments or results into metadata.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    var metadataProvider: Logger.MetadataProvider?

    init(level: Logger.Level) { logLevel = level }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = JSONObject([
            ("time", .string(wallClock().description)), ("level", .string(event.level.rawValue)),
            ("component", "spoke"),
            ("message", .string(event.message.description)),
        ])
        let merged = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) where line[key] == nil {
            line[key] = .string(value.description)
        }
        let bytes = JSON.object(line).bytes + [UInt8(ascii: "\n")]
        // One write a line: lines of several threads do not mix, and a full pipe loses a line rather than the spoke.
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
