/// Everything that is wrong with a set of files, gathered while reading goes on: the reader of a file wants to see all
/// of it at once, not the first.
///
/// A class, because the readers of one document share it; it does not leave the call that made it.
package final class Problems {
    /// More problems than this are counted no further: nobody reads them, and a file of a million mistakes is an attack.
    package static let maximum = 1000

    private var gathered: [ModelError] = []

    package init() {}

    package func add(_ code: String, _ message: String, hint: String? = nil, at place: Place?) {
        guard gathered.count < Self.maximum else { return }
        gathered.append(ModelError(code, message, hint: hint, place: place))
    }

    /// Takes over an error of any target; one that has no place yet gets `place`.
    package func add(_ error: some NaveError, at place: Place? = nil) {
        add(error.code, error.message, hint: error.hint, at: error.place ?? place)
    }

    package var isEmpty: Bool { gathered.isEmpty }

    /// By file, line and column; those without a place last.
    package var all: [ModelError] {
        // The index keeps two problems of one place in the order in which they were found.
        gathered.enumerated().sorted { left, right in
            switch (left.element.place, right.element.place) {
            case (let first?, let second?) where first != second:
                (first.file, first.line, first.column) < (second.file, second.line, second.column)
            case (.some, nil): true
            case (nil, .some): false
            default: left.offset < right.offset
            }
        }.map(\.element)
    }
}
