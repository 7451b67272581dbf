import Foundation
import Model

/// Time since the host started, which no setting of the clock changes; it goes on while the host sleeps.
func uptime() -> Milliseconds {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Milliseconds(Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}

/// The host's clock. Everything that decides gets the time as a parameter; this is where programs take it from.
package func wallClock() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}
