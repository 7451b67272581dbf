import ArgumentParser
import Foundation
import Model
import Trust

struct DecisionReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Decides recorded calls again and says whether the verdict is the same.",
        discussion: """
            Offline, with the program's own rules of deciding. The file holds lines of a spoke's journal, or what \
            `nave decision show` and `list` print with -o json. Bundles come from the spoke that decided; each record names \
            the digest of its own, so nothing else has to be believed.

              nave-spoke bundle export sha256:… > bundle.json
              nave decision replay journal.jsonl --bundle bundle.json

            Arguments are in no record: where a condition on them decided, the outcome is `undetermined`, and so it is where \
            the verdict was no matter of rules, as a rate. Ends with 2 when a verdict differs.
            """)

    @OptionGroup var output: OutputOptions

    @Argument(help: ArgumentHelp("Decisions as JSON, one or a list, or one a line.", valueName: "file"))
    var file: String

    @Option(name: .long, help: ArgumentHelp("A bundle's signed envelope; may be given again.", valueName: "file"))
    var bundle: [String] = []

    func validate() throws {
        guard !bundle.isEmpty else {
            throw ValidationError("`--bundle` is missing; `nave-spoke bundle export` writes one")
        }
    }

    func run() throws {
        var bundles: [String: PolicyBundle] = [:]
        for path in bundle {
            let read = try ReplayFile.bundle(try FileBytes.read(path), named: path)
            bundles[read.digest] = read.bundle
        }
        let rows = try ReplayFile.records(try FileBytes.read(file), named: file).map { record in
            ReplayRow(record, bundles: bundles)
        }
        guard !rows.isEmpty else {
            throw AdminError("no-decisions", "\(backticked(file)) holds no decision")
        }
        try Terminal.current.list(rows, as: output.output, "decisions") { replayTable(rows, $0) }
        if rows.contains(where: { $0.outcome == .different }) { throw Ended(.differences) }
    }
}

/// One decision, decided again.
package struct ReplayRow: Hashable, Sendable, Encodable {
    package var number: Int64
    package var caller: String
    package var server: String
    package var aim: String
    package var recorded: DecisionRecord.Verdict
    package var outcome: Replay.Outcome
    package var detail: String

    package init(_ record: DecisionRecord, bundles: [String: PolicyBundle]) {
        number = record.number
        caller = record.caller
        server = record.server
        aim = record.aim
        recorded = record.verdict
        let again: Replay
        if let digest = record.bundle {
            again =
                bundles[digest].map { replay(record, under: $0) }
                ?? Replay(.undetermined, "the bundle \(digest) was not given")
        } else {
            again = Replay(.undetermined, "no bundle was in force")
        }
        outcome = again.outcome
        detail = again.detail
    }
}

/// What `nave decision replay` reads.
package enum ReplayFile {
    /// Decisions of a journal's lines or of answers of the hub; lines that hold none are passed over.
    /// - Throws: `bad-decisions` with the line.
    package static func records(_ bytes: [UInt8], named path: String) throws -> [DecisionRecord] {
        if let whole = try? JSON(parsing: bytes) {
            return try (whole.array ?? [whole]).compactMap { try record($0, path, 1) }
        }
        return try bytes.split(separator: 0x0A).enumerated().compactMap { number, line in
            guard let json = try? JSON(parsing: Array(line)) else {
                throw AdminError("bad-decisions", "line \(number + 1) of \(backticked(path)) is no JSON")
            }
            return try record(json, path, number + 1)
        }
    }

    private static func record(_ json: JSON, _ path: String, _ line: Int) throws -> DecisionRecord? {
        var json = json["record"] ?? json
        if json["outcome"] != nil || json["checkpoint"] != nil { return nil }
        // What chains a line of the journal is no part of the decision.
        if var object = json.object {
            object["line"] = nil
            object["prev"] = nil
            json = .object(object)
        }
        do throws(ModelError) { return try JSONCoding.decode(DecisionRecord.self, from: json) } catch {
            throw AdminError("bad-decisions", "line \(line) of \(backticked(path)) is no decision: \(error.message)")
        }
    }

    /// A bundle by what its bytes are; records name the digest, so that its signature adds nothing.
    /// - Throws: `bad-bundle`.
    package static func bundle(_ bytes: [UInt8], named path: String) throws -> (digest: String, bundle: PolicyBundle) {
        do {
            let json = try JSON(parsing: bytes)
            // A whole delivery, as the spoke keeps its newest, holds the envelope too.
            let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: json["bundle"] ?? json)
            let payload = Base64.decode(envelope.payload) ?? []
            return (digestText(of: payload), try PolicyBundle.decoded(payload))
        } catch {
            throw AdminError("bad-bundle", "\(backticked(path)) is no bundle: \(error)")
        }
    }
}

/// The lines that are not the same, and how many there are of each outcome.
package func replayTable(_ rows: [ReplayRow], _ colour: Colour) -> String {
    var table = Table("NUMBER", "RECORDED", "CALLER", "SERVER", "CALL", "OUTCOME", "WHY")
    let others = rows.filter { $0.outcome != .same }
    for row in others {
        table.add(
            "\(row.number)", "\(row.recorded.rawValue)", "\(row.caller)", "\(row.server)", "\(row.aim)",
            "\(row.outcome.rawValue)", "\(row.detail)")
    }
    let counts = [Replay.Outcome.same, .different, .undetermined].map { outcome in
        "\(rows.count { $0.outcome == outcome }) \(outcome.rawValue)"
    }
    return (others.isEmpty ? "" : table.text(colour)) + counts.joined(separator: ", ") + "\n"
}
