import GRDB
import Model

/// `usage.sqlite`: heartbeats, counters and decisions that spokes report, each taken once however often it is sent.
package final class UsageStore: Sendable {
    package static let fileName = "usage.sqlite"

    /// The most that one counter, or one decision's repetition, is believed.
    private static let maximumCount: Int64 = 1 << 40
    /// Journals of one spoke that are known at a time: a host that is set up anew begins another.
    static let maximumJournals = 1000

    let pool: DatabasePool

    /// Opens the file in a directory that exists, or makes it, and migrates it to the newest version.
    /// - Throws: `StorageError` `not-writable`, `disk-full`, `database-damaged`, `database-newer`.
    package init(directory: String) throws {
        pool = try DatabaseFile.open("\(directory)/\(Self.fileName)", migrations: UsageSchema.migrations)
    }

    /// Takes a report in. The same report again, an older one, and one whose answer was lost change nothing that is known
    /// better: counters take the maximum, a decision is kept as it came first, the status never goes back.
    ///
    /// What it tells of tools replaces what it told before, and tools that its servers list no more are forgotten.
    ///
    /// A spoke can speak for its own zone's servers only: counters of others are left out, and of days that are none or have
    /// not come, which nothing would ever prune. Counts are taken up to a bound that no sum can overflow, times up to now.
    /// - Parameter spoke: full name, `finance/fin-1`, from the peer's certificate.
    /// - Returns: the highest sequence of the journal that is held; the spoke may delete up to it.
    /// - Throws: `StorageError` `foreign-journal` for a journal that another spoke began, `too-many-journals`; `disk-full` and
    ///   others of SQLite.
    package func merge(_ report: Report, spoke: String, now: Instant) async throws -> Int64 {
        try await write("cannot take in the report of `\(spoke)`") { db in
            let sequence = try Self.advance(report, spoke, now, db)
            let zone = String(spoke.prefix { $0 != "/" })
            // The spoke's clock may be a little ahead.
            let tomorrow = (now + .days(1)).description.prefix(10)
            for counter in report.usage
            where counter.server.hasPrefix("\(zone)/") && CivilDate(counter.day) != nil && counter.day <= tomorrow {
                try Self.merge(counter, journal: report.journal, now, db)
            }
            for record in report.decisions {
                try Self.keep(record, journal: report.journal, spoke: spoke, zone: zone, now, db)
            }
            // An older report that comes late knows less of the lists than a newer one did.
            if try Self.note(report, spoke, now, db) { try ToolSchema.forget(report, spoke: spoke, db) }
            let told = (report.tools ?? []).filter { $0.server.hasPrefix("\(zone)/") && $0.isWellFormed }
            for (server, sightings) in Dictionary(grouping: told, by: \.server) {
                try ToolSchema.merge(sightings, of: server, spoke: spoke, now, db)
            }
            return sequence
            // If the process dies before COMMIT nothing of the report was taken, after it everything; the spoke, unanswered,
            // sends it again.
        }
    }

    /// Forgets decisions and counters of days before a moment. What was unused since then is known only from then on.
    package func prune(before: Instant) async throws {
        try await write("cannot prune") { db in
            try db.run("DELETE FROM decisions WHERE at < ?", [before.milliseconds])
            try JournalHeadSchema.prune(before: before, db)
            try ToolSchema.prune(before: before, db)
            try db.run("DELETE FROM usage WHERE day < ?", [String(before.description.prefix(10))])
            try Self.pruneJournals(before: before, db)
            try db.run(
                """
                INSERT INTO pruned (one, before) VALUES (1, ?)
                ON CONFLICT (one) DO UPDATE SET before = max(before, excluded.before)
                """, [before.milliseconds])
        }
    }

    /// Those of which nothing is left, and which their spoke does not write any more.
    private static func pruneJournals(before: Instant, _ db: Database) throws {
        try db.run(
            """
            DELETE FROM journals WHERE since < ? AND name NOT IN (SELECT journal FROM spokes)
                AND NOT EXISTS (SELECT 1 FROM decisions WHERE journal = name)
                AND name NOT IN (SELECT journal FROM usage)
            """, [before.milliseconds])
        try db.run("DELETE FROM journal_heads WHERE journal NOT IN (SELECT name FROM journals)", [])
    }

    private static func advance(_ report: Report, _ spoke: String, _ now: Instant, _ db: Database) throws -> Int64 {
        let row = try Row.fetchOne(
            db, sql: "SELECT spoke, sequence FROM journals WHERE name = ?", arguments: [report.journal])
        if let owner = row?["spoke"] as String?, owner != spoke {
            throw StorageError(
                "foreign-journal", "the journal `\(report.journal.prefix(64))` is of the spoke `\(owner)`")
        }
        if row == nil {
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM journals WHERE spoke = ?", arguments: [spoke])
            guard (count ?? 0) < maximumJournals else {
                throw StorageError(
                    "too-many-journals", "the spoke `\(spoke)` began \(maximumJournals) journals already",
                    hint: "does its host lose the journal at every start? old ones are forgotten with their decisions")
            }
        }
        try db.run(
            """
            INSERT INTO journals (name, spoke, sequence, since) VALUES (?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET sequence = max(sequence, excluded.sequence)
            """, [report.journal, spoke, report.sequence, min(report.since, now).milliseconds])
        return max(report.sequence, row?["sequence"] ?? 0)
    }

    private static func merge(_ counter: UsageCounter, journal: String, _ now: Instant, _ db: Database) throws {
        try db.run(
            """
            INSERT INTO usage (server, principal, rule, journal, day, caller, capability, count, last)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (server, principal, rule, journal, day, caller, capability) DO UPDATE
            SET count = max(count, excluded.count), last = max(last, excluded.last)
            """,
            [
                counter.server, counter.principal, counter.rule, journal, counter.day, counter.caller,
                counter.capability,
                min(max(counter.count, 0), maximumCount), min(counter.last, now).milliseconds,
            ])
    }

    private static func keep(
        _ record: DecisionRecord, journal: String, spoke: String, zone: String, _ now: Instant, _ db: Database
    ) throws {
        try db.run(
            """
            INSERT INTO decisions (journal, number, spoke, zone, at, caller, server, verdict, count, record)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (journal, number) DO NOTHING
            """,
            [
                journal, record.number, spoke, zone, min(record.at, now).milliseconds, record.caller, record.server,
                record.verdict.rawValue, min(max(record.count, 1), maximumCount),
                try JSONCoding.encode(record).canonicalText,
            ])
    }

    /// - Returns: whether it is the spoke's newest report.
    private static func note(_ report: Report, _ spoke: String, _ now: Instant, _ db: Database) throws -> Bool {
        var status = report
        status.usage = []
        status.decisions = []
        status.head = nil
        status.tools = nil
        // A spoke's clock says which of its reports is newer; equal moments are told apart by the sequence.
        try db.run(
            """
            INSERT INTO spokes (spoke, journal, sequence, since, at, received, status) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (spoke) DO UPDATE
            SET journal = excluded.journal, sequence = excluded.sequence, since = excluded.since, at = excluded.at,
                received = excluded.received, status = excluded.status
            WHERE (excluded.at, excluded.sequence) >= (at, sequence)
                OR (excluded.journal <> journal AND excluded.since > since)
            """,
            [
                spoke, report.journal, report.sequence, report.since.milliseconds, report.at.milliseconds,
                now.milliseconds, try JSONCoding.encode(status).canonicalText,
            ])
        return db.changesCount > 0
    }

    /// - Parameter attempt: What cannot be done when it fails.
    func read<T: Sendable>(
        _ attempt: String = "cannot read what was reported", _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        do { return try await pool.read(body) } catch { throw StorageError.wrapping(error, attempt) }
    }

    /// In one transaction.
    func write<T: Sendable>(
        _ attempt: String, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        do { return try await pool.write(body) } catch { throw StorageError.wrapping(error, attempt) }
    }
}
