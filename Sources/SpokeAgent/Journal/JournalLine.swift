import Model
import Trust

/// One line of a journal's segment: canonical JSON and a line end.
package enum JournalLine: Hashable, Sendable {
    /// What was decided; before the call went anywhere.
    case decision(DecisionRecord)
    /// What came of a decision that allowed; for this host's owner, not reported.
    case outcome(Outcome)
    /// The last line of a segment: the DSSE envelope of a `JournalCheckpoint` over every line before it.
    case checkpoint(JSON)

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

    /// Nil for what bears no time of its own.
    var at: Instant? {
        switch self {
        case .decision(let record): record.at
        case .outcome(let outcome): outcome.at
        case .checkpoint: nil
        }
    }

    fileprivate func json() throws(ModelError) -> JSONObject {
        switch self {
        case .decision(let record): try JSONCoding.encode(record).object ?? JSONObject()
        case .outcome(let outcome): try JSONCoding.encode(outcome).object ?? JSONObject()
        case .checkpoint(let envelope): JSONObject([("checkpoint", envelope)])
        }
    }

    /// - Parameter json: without what chains it.
    fileprivate init(_ json: JSON) throws(ModelError) {
        if json["outcome"] != nil {
            self = .outcome(try JSONCoding.decode(Outcome.self, from: json))
        } else if let envelope = json["checkpoint"], json.object?.count == 1 {
            self = .checkpoint(envelope)
        } else {
            self = .decision(try JSONCoding.decode(DecisionRecord.self, from: json))
        }
    }
}

/// A line as a file holds it, with its place in the journal's hash chain.
package struct ChainedLine: Hashable, Sendable {
    /// Counts every line of the journal from 1, through all of its segments.
    package var position: Int64
    /// `sha256:…` of the bytes of the line before, without its line end.
    package var previous: String
    package var line: JournalLine

    /// Reads a line without its line end.
    package init(parsing bytes: [UInt8]) throws(ModelError) {
        let json = try JSON(parsing: bytes)
        guard var object = json.object, let position = json["line"]?.integer, let previous = json["prev"]?.string else {
            throw ModelError("missing-key", "a line of a journal has `line` and `prev`")
        }
        object["line"] = nil
        object["prev"] = nil
        self.position = position
        self.previous = previous
        line = try JournalLine(.object(object))
    }
}

/// Where a journal's hash chain stands: behind a line, with the hash that the next line has to hold. A line that is changed,
/// dropped, added or moved later contradicts the line after it, and the last one the newest checkpoint.
package struct JournalChain: Hashable, Sendable {
    /// Position of the last line; 0 before the first.
    package var line: Int64
    /// `sha256:…` of its bytes; before the first line of the journal's name.
    package var head: String

    package init(line: Int64, head: String) {
        self.line = line
        self.head = head
    }

    /// Before the first line of a journal.
    package init(beginning name: String) {
        self.init(line: 0, head: digestText(of: "nave-journal 1\n\(name)\n".utf8))
    }

    /// - Returns: the next line's bytes with its line end.
    package mutating func append(_ line: JournalLine) throws(ModelError) -> [UInt8] {
        var object = try line.json()
        object["line"] = .number(JSONNumber(self.line + 1))
        object["prev"] = .string(head)
        let bytes = JSON.object(object).canonicalBytes
        follow(bytes)
        return bytes + [0x0A]
    }

    /// Goes on behind a line's bytes.
    package mutating func follow(_ bytes: [UInt8]) {
        line += 1
        head = digestText(of: bytes)
    }

    /// What is wrong with a line that should come next; nil when it does. Names the line that is not what was written.
    package func problem(with next: ChainedLine) -> String? {
        let due = line + 1
        guard next.position == due else {
            return next.position > due
                ? "line \(due)\(next.position > due + 1 ? " and others up to \(next.position - 1)" : "") is missing"
                : "line \(next.position) stands where line \(due) was due"
        }
        guard next.previous == head else {
            return line == 0
                ? "line 1 does not begin this journal"
                : "line \(line) is not what was written: line \(due) tells its hash"
        }
        return nil
    }
}
