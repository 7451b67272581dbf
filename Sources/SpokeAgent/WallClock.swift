import Foundation
import Model

/// The host's clock. Everything that decides gets the time as a parameter; this is where programs take it from.
package func wallClock() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}
