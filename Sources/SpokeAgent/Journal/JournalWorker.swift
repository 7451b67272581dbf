import Model

/// What the journal's thread owns.
struct JournalWorker {
    private var files: JournalFiles
    private var tally = DenialTally()
    private let sync: AuditSettings.JournalSync
    private let now: @Sendable () -> Instant
    private let onFailure: @Sendable (SpokeError) -> Void
    private var synced: Instant
    private var probed: Instant
    private(set) var needsSync = false
    private(set) var trouble: JournalTrouble?
    /// Lines of denials and outcomes that found no room since one said so.
    private var lost: Int64 = 0
    private(set) var lostInAll: Int64 = 0

    init(
        files: JournalFiles, sync: AuditSettings.JournalSync, now: @escaping @Sendable () -> Instant,
        onFailure: @escaping @Sendable (SpokeError) -> Void
    ) {
        self.files = files
        self.sync = sync
        self.now = now
        self.onFailure = onFailure
        synced = now()
        probed = synced
    }

    /// - Returns: the lines that a denial makes now.
    mutating func denied(_ record: DecisionRecord) -> [DecisionRecord] { tally.take(record, now: now()) }

    /// One write for all; who waits for a decision gets its number.
    mutating func write(_ entries: [(line: JournalLine, done: Journal.Waiter?)]) {
        guard !entries.isEmpty else { return }
        do throws(SpokeError) {
            if lost > 0 { try tellLoss() }
            var numbers = try files.append(entries.map(\.line)).makeIterator()
            needsSync = true
            note(files.isSpilling ? .spilling : nil, "the data directory has no room for the journal")
            if sync == .always { try syncNow() }
            for case (.decision, let done) in entries {
                let number = numbers.next().map(Result<Int64, SpokeError>.success)
                done?(number ?? .failure(SpokeError("journal", "the journal gave no number")))
            }
        } catch {
            note(.full, error.message)
            // Nobody waits for these; a call that was allowed is denied, and that denial counts here when it finds no room.
            let count = entries.reduce(Int64(0)) { $0 + $1.line.unattended }
            lost += count
            lostInAll += count
            trouble?.lost = lost
            onFailure(error)
            for entry in entries { entry.done?(.failure(error)) }
        }
    }

    /// Never silent: the first line that finds room again says how many did not.
    private mutating func tellLoss() throws(SpokeError) {
        let since = trouble.map { " since \($0.since)" } ?? ""
        _ = try files.append([
            .decision(
                DecisionRecord(
                    number: 0, at: now(), caller: "unknown", address: nil, server: "", aim: "journal", verdict: .deny,
                    reason: DenyReason.journal.rawValue, detail: "\(lost) lines found no room\(since)", count: lost))
        ])
        lost = 0
    }

    private mutating func note(_ state: JournalTrouble.State?, _ detail: String) {
        guard let state else {
            trouble = nil
            return
        }
        if trouble?.state != state {
            trouble = JournalTrouble(
                state: state, since: trouble?.since ?? now(), lost: lost, detail: String(detail.prefix(300)))
        }
    }

    /// The newest signed checkpoint; nil when there is none, or no room for it.
    mutating func head() -> JSON? {
        do throws(SpokeError) { return try files.signedHead(now: now()) } catch {
            onFailure(error)
            return nil
        }
    }

    var figures: JournalFigures {
        JournalFigures(
            line: files.chain.line, unreported: files.last - files.acknowledged, bytes: files.bytes, lost: lostInAll,
            trouble: trouble)
    }

    var unread: JournalReading { files.unread }

    func usage(after acknowledged: Int64, upTo number: Int64) -> [UsageCounter] {
        files.usage.changed(after: acknowledged, upTo: number)
    }

    mutating func acknowledge(_ number: Int64, _ place: JournalReading.Place?) -> Result<Void, SpokeError> {
        do throws(SpokeError) {
            try files.acknowledge(number, place: place, now: now())
            return .success(())
        } catch { return .failure(error) }
    }

    /// What falls due with time: summaries of repeated denials, and the sync of what was written.
    mutating func tick(isLast: Bool) {
        let moment = now()
        let summaries = isLast ? tally.drain() : tally.expired(now: moment)
        write(summaries.map { (.decision($0), nil) })
        do throws(SpokeError) {
            if needsSync, isLast || moment - synced >= .seconds(1) || moment < synced { try syncNow() }
            if files.hasSpilled, moment - probed >= .seconds(1) || moment < probed {
                probed = moment
                if try files.returnFromSpill() { note(nil, "") }
            }
            guard isLast else { return }
            try files.storeUsage()
            files.closeFile()
        } catch { onFailure(error) }
    }

    private mutating func syncNow() throws(SpokeError) {
        try files.sync()
        needsSync = false
        synced = now()
    }
}

/// How a journal stands, for metrics and reports.
package struct JournalFigures: Hashable, Sendable {
    /// Position of the last line.
    package var line: Int64 = 0
    /// Decisions that the hub does not hold yet.
    package var unreported: Int64 = 0
    /// Of all segments.
    package var bytes = 0
    /// Lines that found no room since this process began.
    package var lost: Int64 = 0
    package var trouble: JournalTrouble?
}

extension JournalLine {
    /// How many denials or outcomes it stands for; 0 for a call that somebody waits to forward.
    fileprivate var unattended: Int64 {
        guard case .decision(let record) = self else { return 1 }
        return record.verdict == .deny ? record.count : 0
    }
}
