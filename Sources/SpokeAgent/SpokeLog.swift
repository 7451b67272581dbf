import Logging
import Transport

extension JSONLogHandler {
    /// The lines of a spoke.
    init(level: Logger.Level) { self.init(component: "spoke", level: level) }
}
