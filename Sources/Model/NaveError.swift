/// What every error of Nave can tell: one struct a target conforms, so that the programs map any of them to an exit
/// code, to RFC 9457 problem details or to a JSON-RPC error in one total table each.
package protocol NaveError: Error, CustomStringConvertible, Sendable {
    /// Stable, kebab-case; what programs and tests compare.
    var code: String { get }
    /// One sentence: what was attempted and what is wrong with it, the input quoted in backticks; lower case, no full stop.
    var message: String { get }
    /// What the reader can do about it.
    var hint: String? { get }
    /// Where in a file of the user's the trouble is.
    var place: Place? { get }
}

extension NaveError {
    package var description: String {
        let located = place.map { "\($0): \(message)" } ?? message
        return hint.map { "\(located) (\($0))" } ?? located
    }
}

/// A place in a text file: 1-based line and column, as editors count them.
package struct Place: Hashable, Codable, Sendable, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }
}

/// The error of this target: a word, a value or a document that does not mean anything.
package struct ModelError: NaveError, Equatable {
    package var code: String
    package var message: String
    package var hint: String?
    package var place: Place?

    package init(_ code: String, _ message: String, hint: String? = nil, place: Place? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
    }
}
