import Foundation
import Logging
import Model

/// What the program `nave-spoke` does, in words and numbers as they come from its flags.
package enum Commands {
    package static let version = naveVersion

    /// What a command found, in both forms.
    package struct Found: Sendable {
        /// For people.
        package var text: String
        /// For programs: canonical JSON.
        package var json: String
        /// Whether all is in order.
        package var isGood: Bool

        init(_ text: String, _ value: some Encodable, isGood: Bool = true) throws(ModelError) {
            self.text = text
            json = String(decoding: try JSONCoding.canonical(value), as: UTF8.self)
            self.isGood = isGood
        }
    }

    private struct Enrolled: Encodable {
        var identity: SPIFFEID
        var until: Instant
        var data: String
    }

    private struct Verified: Encodable {
        var isGood: Bool
        var found: [String]
        var problems: [String]
    }

    /// - Parameter warn: is given a line for people.
    package static func enroll(
        data: String, token: String?, tokenFile: String?, warn: (String) -> Void
    ) async throws -> Found {
        let text: String
        if let token {
            text = token
        } else if let tokenFile {
            guard let bytes = try DurableFile.read(tokenFile, maximumBytes: 64 << 10) else {
                throw SpokeError("not-readable", "there is no `\(tokenFile)`")
            }
            if DurableFile.isReadableByOthers(tokenFile) {
                warn("warning: others can read `\(tokenFile)`: make it with `nave spoke invite --out FILE`")
            }
            text = String(decoding: bytes, as: UTF8.self)
        } else {
            text = readLine(strippingNewline: true) ?? ""
        }
        let done = try await Enrolment.run(data: data, token: text, now: wallClock)
        let next = """
            enrolled as \(done.identity)
            certificate until \(done.notAfter)
            next: nave-spoke run --data \(done.data) --config /etc/nave/spoke.yaml
            """
        return try Found(next, Enrolled(identity: done.identity, until: done.notAfter, data: done.data))
    }

    /// - Parameters:
    ///   - reportInterval: As `interval` answered.
    ///   - logLevel: As `isLogLevel` accepted.
    package static func run(
        data: String, config: String, readyFile: String?, reportInterval: Milliseconds, renewAfter: Milliseconds,
        logLevel: String
    ) async throws {
        try await SpokeProgram(
            data: data, configurationFile: config, readyFile: readyFile, reportInterval: reportInterval,
            renewAfter: renewAfter, logLevel: Logger.Level(rawValue: logLevel) ?? .info
        ).run()
    }

    /// - Parameters:
    ///   - spill: directory of a second place for the journal.
    ///   - earlier: directories of this spoke's earlier journals.
    ///   - ledger: file of an exported ledger.
    ///   - anchors: file with the anchors of this spoke's journals.
    ///   - manifest: file of a signed trust manifest.
    package static func verify(
        data: String, spill: String?, earlier: [String], ledger: String?, anchors: String?, manifest: String?
    ) throws -> Found {
        var held: SpokeVerification.Ledger?
        if let ledger, let anchors {
            held = SpokeVerification.Ledger(
                export: try file(ledger), anchors: try file(anchors), manifest: try manifest.map(file))
        }
        let outcome = try SpokeVerification.run(
            data: data, spill: spill, earlier: earlier, ledger: held, now: wallClock())
        let lines = outcome.lines + outcome.problems.map { "wrong: \($0)" }
        let isGood = outcome.problems.isEmpty
        return try Found(
            lines.joined(separator: "\n"),
            Verified(isGood: isGood, found: outcome.lines, problems: outcome.problems), isGood: isGood)
    }

    /// The kept bundles, a line each.
    package static func bundles(data: String) throws -> Found {
        let kept = try BundleStore(directory: SpokeDirectory(enrolled: data).bundles).all()
        let lines = kept.map { "\($0.digest)  \($0.revision)  \($0.since)  \($0.bytes)" }
        return try Found(lines.joined(separator: "\n"), kept)
    }

    /// - Throws: `unknown-bundle`, `bad-bundle`.
    package static func bundle(data: String, digest: String) throws -> String {
        guard let bytes = try BundleStore(directory: SpokeDirectory(enrolled: data).bundles).export(digest) else {
            throw SpokeError(
                "unknown-bundle", "no bundle `\(digest.prefix(100))` is kept in `\(data)`",
                hint: "`nave-spoke bundle list` shows what is")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func file(_ path: String) throws(SpokeError) -> [UInt8] {
        guard let bytes = try DurableFile.read(path, maximumBytes: 1 << 30) else {
            throw SpokeError("not-readable", "there is no `\(path)`")
        }
        return bytes
    }

    /// Nil for what is no interval from 1s to 10m.
    package static func interval(_ text: String) -> Milliseconds? {
        guard let interval = Milliseconds(text), interval >= .seconds(1), interval <= .minutes(10) else { return nil }
        return interval
    }

    /// Nil for what is no age from 1s to 7d.
    package static func renewalAge(_ text: String) -> Milliseconds? {
        guard let age = Milliseconds(text), age >= .seconds(1), age <= .days(7) else { return nil }
        return age
    }

    package static func isLogLevel(_ text: String) -> Bool { Logger.Level(rawValue: text) != nil }

    /// An error as people read it.
    package static func explain(_ error: any Error) -> String {
        guard let error = error as? any NaveError else { return "error: \(error)\n" }
        // A message that lists the problems of a file names each place itself.
        let place = error.place.flatMap { error.message.contains("\n") ? nil : "\($0): " } ?? ""
        return "error: \(place)\(error.message)\n" + (error.hint.map { "hint: \($0)\n" } ?? "")
    }
}
