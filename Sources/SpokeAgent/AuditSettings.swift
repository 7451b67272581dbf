import Model

/// `audit:` of `spoke.yaml`: how the journal is kept. It is the host's owner who has the disk, so he decides here, not the hub:
/// a policy from outside could neither know a second place nor be allowed to fill it.
package struct AuditSettings: Hashable, Sendable {
    package var sync = JournalSync.second
    /// Where lines go when the data directory has no room; nil to deny calls then.
    package var spill: Spill?
    /// Of segments that the hub has taken in: what is kept of them for audits, the newest.
    package var keep = 256 << 20
    /// At which a segment is closed.
    package var segment = 64 << 20

    /// When a journal line is on disk.
    package enum JournalSync: String, CaseIterable, Hashable, Sendable {
        /// Within a second.
        case second
        /// Before its call is forwarded.
        case always
    }

    /// A second place, on another disk.
    package struct Spill: Hashable, Sendable {
        package var directory: String
        /// Bytes.
        package var limit: Int

        package init(directory: String, limit: Int) {
            self.directory = directory
            self.limit = limit
        }
    }

    private enum OnFull: String, CaseIterable { case deny, spill }

    package init() {}

    static func read(_ reader: NodeReader) -> AuditSettings? {
        reader.mapping("audit") { audit in
            var settings = AuditSettings()
            settings.sync = audit.optional("sync") { $0.word(JournalSync.self) } ?? settings.sync
            settings.keep = audit.optional("keep") { $0.size() }.map { Int($0.count) } ?? settings.keep
            settings.segment =
                audit.optional("segment") { $0.size(in: ByteCount(4 << 10)...ByteCount(1 << 30)) }
                .map { Int($0.count) } ?? settings.segment
            let onFull = audit.optional("onFull") { $0.word(OnFull.self) } ?? .deny
            settings.spill = audit.optional("spill", Spill.read)
            if onFull == .spill, !audit.has("spill") {
                audit.problems.add(
                    "missing-key", "`onFull: spill` needs `spill`",
                    hint: "spill: { directory: /var/spool/nave-spoke, limit: 64MiB }", at: audit.place(of: "onFull"))
            }
            if onFull == .deny, audit.has("spill") {
                audit.problems.add(
                    "bad-value", "`spill` is for `onFull: spill` only", at: audit.place(of: "spill"))
            }
            return settings
        }
    }
}

extension AuditSettings.Spill {
    fileprivate static func read(_ reader: NodeReader) -> AuditSettings.Spill? {
        let parts = reader.mapping("spill") { spill in
            (
                spill.required("directory") { reader -> String? in
                    reader.parsed("an absolute path") { text -> String? in
                        text.hasPrefix("/") && text != "/" ? text : nil
                    }
                },
                // Read whole when it moves back.
                spill.required("limit") { $0.size(in: ByteCount(64 << 10)...ByteCount(256 << 20)) }
                    .map { Int($0.count) }
            )
        }
        guard let directory = parts?.0, let limit = parts?.1 else { return nil }
        return AuditSettings.Spill(directory: directory, limit: limit)
    }
}
