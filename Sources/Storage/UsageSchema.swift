/// The tables of `usage.sqlite`: what spokes told. None of it is in the ledger. Nearly all of it has an end (`prune`); each
/// spoke's newest report stays, with the journal that it was of and its head, and so does evidence of a contradiction.
enum UsageSchema {
    static let migrations: [DatabaseFile.Migration] = [
        version1, version2, JournalHeadSchema.tables, ToolSchema.tables, ToolSchema.readOnlyByText,
        ContradictionSchema.uncounted, ToolSchema.bySpoke,
    ]

    private static let version1: DatabaseFile.Migration = """
        CREATE TABLE journals (
            name TEXT PRIMARY KEY,
            spoke TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            since INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE spokes (
            spoke TEXT PRIMARY KEY,
            journal TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            since INTEGER NOT NULL,
            at INTEGER NOT NULL,
            received INTEGER NOT NULL,
            status TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE usage (
            server TEXT NOT NULL,
            principal TEXT NOT NULL,
            rule TEXT NOT NULL,
            journal TEXT NOT NULL,
            day TEXT NOT NULL,
            caller TEXT NOT NULL,
            capability TEXT NOT NULL,
            count INTEGER NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (server, principal, rule, journal, day, caller, capability)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX usage_day ON usage (day);
        CREATE TABLE decisions (
            journal TEXT NOT NULL,
            number INTEGER NOT NULL,
            spoke TEXT NOT NULL,
            zone TEXT NOT NULL,
            at INTEGER NOT NULL,
            caller TEXT NOT NULL,
            server TEXT NOT NULL,
            verdict TEXT NOT NULL,
            count INTEGER NOT NULL,
            record TEXT NOT NULL,
            PRIMARY KEY (journal, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX decisions_at ON decisions (at);
        CREATE INDEX decisions_server ON decisions (server, at);
        CREATE INDEX decisions_caller ON decisions (caller, at);
        CREATE TABLE pruned (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            before INTEGER NOT NULL
        ) STRICT;
        """

    /// Signed notes that this ledger does not explain, with the one that it had then: evidence, kept for ever, a few of each
    /// source.
    private static let version2: DatabaseFile.Migration = """
        CREATE TABLE contradictions (
            source TEXT NOT NULL,
            seen TEXT NOT NULL,
            ours TEXT NOT NULL,
            code TEXT NOT NULL,
            problem TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (source, seen)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX contradictions_at ON contradictions (at);
        """
}
