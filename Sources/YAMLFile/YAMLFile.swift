import CYAML
import Model

/// YAML text to `Node`, strict and bounded: the part of YAML 1.2 that every reader understands alike.
///
/// One document a file; no anchors, aliases, tags, directives or merge keys; keys are texts. A plain scalar is `true` or
/// `false`, nothing (`null`, `~` or empty), a decimal integer of 64 bits, or a text; texts that another reader would
/// resolve otherwise are refused by `NodeReader.string`. Repeated keys are reported by `NodeReader`, too.
package enum YAMLFile {
    package static let maximumBytes = 4 << 20
    package static let maximumDepth = 32
    package static let maximumValues = 100_000
    package static let maximumScalarBytes = 64 << 10

    /// Reads one file.
    ///
    /// - Parameters:
    ///   - file: its name in every place.
    ///   - problems: gets what is wrong with the file: all of it up to the first `YAMLError` that ends the reading.
    /// - Returns: nil exactly when a problem was added. The node of a file that holds nothing is null.
    package static func parse(_ bytes: [UInt8], file: String, problems: Problems) -> Node? {
        do {
            let bytes = try checkedText(bytes, file: file)
            // libyaml asks for a buffer that exists.
            guard !bytes.isEmpty else { return Node(.null, at: Place(file: file, line: 1, column: 1)) }
            return try bytes.withUnsafeBufferPointer { buffer throws(YAMLError) in
                let parser = try Parser(buffer, file: file)
                defer { parser.close() }
                var composer = Composer(parser)
                let node = try composer.document()
                for error in composer.tolerated { problems.add(error) }
                return composer.tolerated.isEmpty ? node : nil
            }
        } catch {
            problems.add(error)
            return nil
        }
    }
}
