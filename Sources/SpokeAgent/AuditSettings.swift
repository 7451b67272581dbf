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
            settings.sync = audit.optional("sync") { $0.word(JournalSync.self) } ?? .second
            settings.keep = audit.optional("keep") { $0.size() }.map { Int($0.count) } ?? settings.keep
            settings.segment =
                audit.optional("segment") { reader -> ByteCount? in
                    guard let size = reader.size() else { return nil }
                    guard (4 << 10...1 << 30).contains(size.count) else {
                        reader.fail("bad-value", "expected a size from 4KiB to 1GiB, found \(size)")
                        return nil
                    }
                    return size
                }.map { Int($0.count) } ?? settings.segment
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
                spill.required("limit") { reader -> Int? in
                    guard let size = reader.size() else { return nil }
                    // Read whole when it moves back.
                    guard (64 << 10...256 << 20).contains(size.count) else {
                        reader.fail("bad-value", "expected a size from 64KiB to 256MiB, found \(size)")
                        return nil
                    }
                    return Int(size.count)
                }
            )
        }
        guard let directory = parts?.0, let limit = parts?.1 else { return nil }
        return AuditSettings.Spill(directory: directory, limit: limit)
    }
}
