import Model

/// What the journal's thread owns.
struct JournalWorker {
    private var files: JournalFiles
    private var tally = DenialTally()
    private let sync: SpokeConfiguration.JournalSync
    private let now: @Sendable () -> Instant
    private let onFailure: @Sendable (SpokeError) -> Void
    private var synced: Instant
    private(set) var needsSync = false

    init(
        files: JournalFiles, sync: SpokeConfiguration.JournalSync, now: @escaping @Sendable () -> Instant,
        onFailure: @escaping @Sendable (SpokeError) -> Void
    ) {
        self.files = files
        self.sync = sync
        self.now = now
        self.onFailure = onFailure
        synced = now()
    }

    /// - Returns: the lines that a denial makes now.
    mutating func denied(_ record: DecisionRecord) -> [DecisionRecord] { tally.take(record, now: now()) }

    /// One write for all; each who waits gets the numbers of its own decisions.
    mutating func write(
        _ lines: [JournalLine], _ waiting: [(count: Int, done: @Sendable (Result<[Int64], SpokeError>) -> Void)]
    ) {
        guard !lines.isEmpty else {
            for entry in waiting { entry.done(.success([])) }
            return
        }
        do throws(SpokeError) {
            var numbers = try files.append(lines)[...]
            needsSync = true
            if sync == .always { try syncNow() }
            var position = 0
            for entry in waiting {
                let own = lines[position..<position + entry.count]
                let decisions = own.count { if case .decision = $0 { true } else { false } }
                entry.done(.success(Array(numbers.prefix(decisions))))
                numbers = numbers.dropFirst(decisions)
                position += entry.count
            }
        } catch {
            onFailure(error)
            for entry in waiting { entry.done(.failure(error)) }
        }
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
        if !summaries.isEmpty { write(summaries.map(JournalLine.decision), [(summaries.count, { _ in })]) }
        do throws(SpokeError) {
            if needsSync, isLast || moment - synced >= .seconds(1) || moment < synced { try syncNow() }
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
