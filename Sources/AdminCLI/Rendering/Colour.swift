import Foundation

/// Marks in a text for a terminal, or none at all.
package struct Colour: Hashable, Sendable {
    let isOn: Bool

    package static let off = Colour(isOn: false)
    package static let on = Colour(isOn: true)

    private init(isOn: Bool) { self.isOn = isOn }

    /// On where the stream is a terminal that can, and nobody asked for none (https://no-color.org).
    static func of(_ descriptor: Int32, environment: [String: String]) -> Colour {
        let isWanted = environment["NO_COLOR"].map(\.isEmpty) ?? true
        return isWanted && environment["TERM"] != "dumb" && isatty(descriptor) == 1 ? .on : .off
    }

    func bold(_ text: String) -> String { wrapped(text, "1") }
    func faint(_ text: String) -> String { wrapped(text, "2") }
    package func red(_ text: String) -> String { wrapped(text, "31") }
    func green(_ text: String) -> String { wrapped(text, "32") }
    func yellow(_ text: String) -> String { wrapped(text, "33") }

    private func wrapped(_ text: String, _ code: String) -> String { isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}

/// Text of others for a terminal: control and invisible characters, which could move the cursor or hide words, as `?`.
package func printable(_ text: some StringProtocol) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
            shown.append("?")
        default: shown.append(scalar)
        }
    }
    return String(shown)
}
