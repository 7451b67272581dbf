import Foundation
import Model

/// The streams of this process: data on standard output, talk on standard error.
struct Terminal: Sendable {
    let colour: Colour
    let talkColour: Colour

    static var current: Terminal {
        let environment = ProcessInfo.processInfo.environment
        return Terminal(
            colour: .of(STDOUT_FILENO, environment: environment),
            talkColour: .of(STDERR_FILENO, environment: environment))
    }

    /// Data, as it is.
    func write(_ text: String) { writeAll(Array(text.utf8), to: STDOUT_FILENO) }

    /// Data into a file, which is replaced; nil for standard output.
    /// - Throws: What `PrivateFile.replace` throws.
    func put(_ text: String, in file: String?) throws {
        guard let file else { return write(text) }
        try PrivateFile.replace(file, with: Array(text.utf8))
    }

    /// One line of talk.
    func say(_ line: String) { writeAll(Array((line + "\n").utf8), to: STDERR_FILENO) }

    func say(_ error: any NaveError) {
        for line in errorLines(error, talkColour) { say(line) }
    }

    /// Shows a value in the form asked for.
    /// - Parameter table: the text for people; made only when it is wanted.
    func show(_ value: some Encodable, as format: OutputFormat, table: (Colour) -> String) throws {
        switch format {
        case .table: write(table(colour))
        case .json: write(jsonText(try JSONCoding.encode(value)))
        case .yaml: write(yamlText(try JSONCoding.encode(value)))
        }
    }

    /// Shows an answer of which people are told in words.
    func showForPrograms(_ value: some Encodable, as format: OutputFormat) throws {
        if format != .table { try show(value, as: format) { _ in "" } }
    }

    /// Shows rows; where there are none, a reader of tables is told so.
    func list(_ rows: some Encodable & Collection, as format: OutputFormat, _ what: String, table: (Colour) -> String)
        throws
    {
        if rows.isEmpty, format == .table {
            say("no \(what)")
            return
        }
        try show(rows, as: format, table: table)
    }
}

/// `FILE:LINE:COLUMN: error: MESSAGE` and `hint: …`, as compilers write them, so that editors find the place.
package func errorLines(_ error: any NaveError, _ colour: Colour) -> [String] {
    let place = error.place.map { "\($0): " } ?? ""
    let lines = ["\(printable(place))\(colour.red("error:")) \(printable(error.message))"]
    return lines + (error.hint.map { ["\(colour.bold("hint:")) \(printable($0))"] } ?? [])
}

/// Writes until all is written. Whoever does not read any more, ends the writing: there is nobody to tell.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            if errno == EINTR || errno == EAGAIN { continue }
            return
        }
        rest = rest.dropFirst(count)
    }
}
