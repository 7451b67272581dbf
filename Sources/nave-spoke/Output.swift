import ArgumentParser
import SpokeAgent

/// How a command tells what it found.
enum Output: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

struct OutputOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "text or json.")
    var output: Output = .text

    func show(_ found: Commands.Found) {
        let text = output == .text ? found.text : found.json
        // Nothing found is no line.
        if !text.isEmpty { print(text) }
    }
}
