import Model

/// A look at the journal's unreported lines as they stood at one moment. It is read outside the journal's thread, which has
/// calls to serve: lines that are there never change, and segments go only when whoever reads has acknowledged them.
package struct JournalReading: Sendable {
    package struct Part: Sendable {
        /// `JournalSegment.line`
        var segment: Int64
        var path: String
        var from: Int
        /// Of the segment that is still written: what lies behind it may be cut off again.
        var end: Int?
    }

    /// A place between two lines.
    package struct Place: Hashable, Sendable {
        var segment: Int64
        var offset: Int
    }

    let parts: [Part]
    package let acknowledged: Int64
    package let last: Int64

    /// The decisions after the last acknowledged one, up to a size, and the place behind them.
    /// - Throws: `not-readable`, `bad-journal`.
    package func decisions(maximumBytes: Int) throws(SpokeError) -> (decisions: [DecisionRecord], place: Place?) {
        var decisions: [DecisionRecord] = []
        var place: Place?
        var held = 0
        for part in parts {
            var isFull = false
            try JournalSegment.forEachLine(part.path, from: part.from, upTo: part.end) { line, _, end in
                guard case .decision(let record) = line.line, record.number > acknowledged else { return true }
                held += 400 + record.caller.utf8.count + record.aim.utf8.count + (record.detail?.utf8.count ?? 0)
                guard held <= maximumBytes else {
                    isFull = true
                    return false
                }
                decisions.append(record)
                place = Place(segment: part.segment, offset: end)
                return true
            }
            if isFull { break }
        }
        return (decisions, place)
    }
}
