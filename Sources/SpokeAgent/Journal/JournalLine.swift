import Model

/// One line of a journal's segment: canonical JSON and a line end.
package enum JournalLine: Hashable, Sendable {
    /// What was decided; before the call went anywhere.
    case decision(DecisionRecord)
    /// What came of a decision that allowed; for this host's owner, not reported.
    case outcome(Outcome)

    package struct Outcome: Hashable, Sendable, Codable {
        /// The decision's number.
        package var outcome: Int64
        package var at: Instant
        /// The HTTP status the caller got; 499 when the caller left first.
        package var status: Int64
        /// `ok`, or a code of why no answer came.
        package var result: String

        package init(outcome: Int64, at: Instant, status: Int64, result: String) {
            self.outcome = outcome
            self.at = at
            self.status = status
            self.result = result
        }
    }

    /// With its line end.
    package var bytes: [UInt8] {
        get throws(ModelError) {
            let body =
                switch self {
                case .decision(let record): try JSONCoding.canonical(record)
                case .outcome(let outcome): try JSONCoding.canonical(outcome)
                }
            return body + [0x0A]
        }
    }

    /// Reads a line without its line end.
    package init(parsing bytes: [UInt8]) throws(ModelError) {
        let json = try JSON(parsing: bytes)
        if json["outcome"] != nil {
            self = .outcome(try JSONCoding.decode(Outcome.self, from: json))
        } else {
            self = .decision(try JSONCoding.decode(DecisionRecord.self, from: json))
        }
    }
}
