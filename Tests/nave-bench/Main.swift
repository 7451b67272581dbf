import ArgumentParser
import Foundation

@main
struct NaveBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures Nave, most of it against what it is built on.",
        subcommands: [PolicyBench.self, TrustBench.self])
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

        @Sendable func measure(_ tell: @escaping @Sendable (String) -> Void) async throws -> [Figure] {
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

    @OptionGroup var output: FigureOutput

    @Option(help: "Only this group of figures; may be given several times.")
    var only: [Group] = []

    func run() async throws { try await output.show((only.isEmpty ? Group.allCases : only).map { $0.measure }) }
}

struct PolicyBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Decisions, what a spoke does before it forwards, and a large topology.",
        discussion: """
            Decisions are held against Cedar (cedarpy), which decides the same calls under the same rules in the same run. \
            Exit code 0 when all targets hold, 2 when one does not.

              Deploy/bench policy
              Deploy/bench policy --json --only decisions
            """)

    enum Group: String, CaseIterable, ExpressibleByArgument {
        case decisions, gate, topology

        @Sendable func measure(_ tell: @escaping @Sendable (String) -> Void) async throws -> [Figure] {
            switch self {
            case .decisions: try DecisionFigures.measure(tell)
            case .gate: try GateFigures.measure(tell)
            case .topology: try TopologyFigures.measure(tell)
            }
        }
    }

    @OptionGroup var output: FigureOutput

    @Option(help: "Only this group of figures; may be given several times.")
    var only: [Group] = []

    func run() async throws { try await output.show((only.isEmpty ? Group.allCases : only).map { $0.measure }) }
}

struct FigureOutput: ParsableArguments {
    @Flag(help: "One line of JSON for each figure.")
    var json = false

    /// Measures group after group and prints each figure as soon as it is there.
    /// - Throws: exit code 2 when a target does not hold.
    func show(_ groups: [@Sendable (@escaping @Sendable (String) -> Void) async throws -> [Figure]]) async throws {
        var missed: [String] = []
        for measure in groups {
            for figure in try await measure({ Self.tell($0) }) {
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
