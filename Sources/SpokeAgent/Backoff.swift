import Model

/// How long to wait before the next attempt: twice as long each time, up to a limit. Pure: chance comes in.
package struct Backoff: Sendable {
    private let first: Milliseconds
    private let longest: Milliseconds
    private var pause: Milliseconds

    package init(first: Milliseconds, longest: Milliseconds) {
        self.first = first
        self.longest = longest
        pause = first
    }

    /// Half of it by chance, so that those who wait for the same thing do not all come back at once.
    /// - Parameter chance: told an inclusive upper bound, gives a number from 0 to it.
    package mutating func next(_ chance: (Int64) -> Int64) -> Milliseconds {
        defer { pause = min(longest, Milliseconds(pause.count * 2)) }
        let half = pause.count / 2
        return Milliseconds(half + chance(pause.count - half))
    }

    package mutating func reset() { pause = first }
}
