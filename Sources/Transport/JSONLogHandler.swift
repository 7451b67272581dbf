import Foundation
import Logging
import Model

/// Log events as one JSON object a line on stderr: `{"time", "level", "component", "message", …metadata}`. Callers put no
/// secrets, tokens, arguments or results into metadata.
package struct JSONLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    package var metadataProvider: Logger.MetadataProvider?
    private let component: String

    package init(component: String, level: Logger.Level) {
        self.component = component
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let milliseconds = Int64(Date().timeIntervalSince1970 * 1000)
        var line = JSONObject([
            ("time", .string(Instant(milliseconds: milliseconds).description)),
            ("level", .string(event.level.rawValue)),
            ("component", .string(component)), ("message", .string(event.message.description)),
        ])
        let merged = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) where line[key] == nil {
            line[key] = .string(value.description)
        }
        if let error = event.error { line["error"] = .string("\(error)") }
        let bytes = JSON.object(line).bytes + [UInt8(ascii: "\n")]
        // One write a line: lines of several threads do not mix, and a full pipe loses a line rather than stopping the program.
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
