/// Columns for people: a line of names, then a line a row.
package struct Table: Sendable {
    package struct Cell: Sendable, ExpressibleByStringInterpolation {
        package enum Mark: Sendable { case plain, good, warning, bad, faint }

        package var text: String
        package var mark: Mark

        package init(_ text: String, _ mark: Mark = .plain) {
            self.text = text
            self.mark = mark
        }

        package init(stringLiteral value: String) { self.init(value) }
    }

    private let columns: [String]
    private var rows: [[Cell]] = []

    package init(_ columns: String...) { self.columns = columns }

    var isEmpty: Bool { rows.isEmpty }

    package mutating func add(_ cells: Cell...) { rows.append(cells) }

    /// Ends with a line end. The last column is not padded, so that lines can be cut and copied.
    package func text(_ colour: Colour) -> String {
        let shown = rows.map { $0.map { Cell(printable($0.text), $0.mark) } }
        let widths = columns.indices.map { column in
            max(columns[column].count, shown.map { column < $0.count ? $0[column].text.count : 0 }.max() ?? 0)
        }
        let head = line(columns.map { Cell($0) }, widths) { text, _ in colour.bold(text) }
        return ([head] + shown.map { line($0, widths) { colour.marked($0, $1) } }).map { $0 + "\n" }.joined()
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ paint: (String, Cell.Mark) -> String) -> String {
        var line = ""
        // Empty cells at the end would leave blanks behind.
        let last = cells.lastIndex { !$0.text.isEmpty } ?? 0
        for (column, cell) in cells.enumerated() where column <= last {
            line += cell.text.isEmpty ? "" : paint(cell.text, cell.mark)
            if column < last { line += String(repeating: " ", count: widths[column] - cell.text.count + 2) }
        }
        return line
    }
}

extension Colour {
    func marked(_ text: String, _ mark: Table.Cell.Mark) -> String {
        switch mark {
        case .plain: text
        case .good: green(text)
        case .warning: yellow(text)
        case .bad: red(text)
        case .faint: faint(text)
        }
    }
}
