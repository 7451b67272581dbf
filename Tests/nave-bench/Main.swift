import ArgumentParser
import Foundation

@main
struct NaveBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures Nave, most of it against what it is built on.",
        subcommands: [TrustBench.self])
}

struct TrustBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Certificates, the ledger, bundles, handshakes and renewals.",
        discussion: """
            Each figure has a target, most of them a ratio to a peer that is measured in the same run, round by round. The \
            whole takes some minutes and a gigabyte of temporary files. Exit code 0 when all targets hold, 2 when one does \
            not.

              Deploy/bench trust
              Deploy/bench trust --json --only leaves --only bundle
            """)

    enum Group: String, CaseIterable, ExpressibleByArgument {
        case leaves, ledger, replay, bundle, handshake, renewals

        func measure(_ tell: @escaping @Sendable (String) -> Void) async throws -> [Figure] {
            switch self {
            case .leaves: try LeafFigures.measure(tell)
            case .ledger: try await LedgerFigures.measure(tell)
            case .replay: try await ReplayFigures.measure(entries: 1_000_000, tell)
            case .bundle: try BundleFigures.measure(tell)
            case .handshake: try HandshakeFigures.measure(tell)
            case .renewals: try await RenewalFigures.measure(tell)
            }
        }
    }

    @Flag(help: "One line of JSON for each figure.")
    var json = false

    @Option(help: "Only this group of figures; may be given several times.")
    var only: [Group] = []

    func run() async throws {
        var missed: [String] = []
        for group in only.isEmpty ? Group.allCases : only {
            for figure in try await group.measure({ Self.tell($0) }) {
                print(json ? "\(figure.json)" : figure.line)
                fflush(nil)
                if !figure.holds { missed.append(figure.name) }
            }
        }
        guard missed.isEmpty else {
            Self.tell("these targets do not hold: \(missed.joined(separator: ", "))")
            throw ArgumentParser.ExitCode(2)
        }
    }

    private static func tell(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}

extension Figure {
    /// One row of the table.
    fileprivate var line: String {
        let peerText = peer.map { ", \(rounded(ratio ?? 0)) x \(rounded($0.value)) of \($0.name)" } ?? ""
        let verdict = holds ? "holds" : "DOES NOT HOLD"
        return "\(name.padding(toLength: 26, withPad: " ", startingAt: 0)) "
            + "\(rounded(value)) \(unit) (\(clock.rawValue))\(peerText); \(targetText): \(verdict)"
    }
}
