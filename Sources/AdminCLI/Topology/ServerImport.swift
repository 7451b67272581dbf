import Foundation
import Model

/// Servers as other programs' files describe them. Only what the topology knows of a server is taken over.
package struct ServerImport {
    private let zone: String
    private let spokes: [String]
    /// In the order of the files; each name once.
    package private(set) var servers: [Server] = []
    /// What a person should know of what was left out.
    package private(set) var notes: [String] = []

    package init(zone: String, spokes: [String]) {
        self.zone = zone
        self.spokes = spokes
    }

    /// - Throws: `bad-import` with the file, and the line of a table.
    package mutating func add(_ bytes: [UInt8], named file: String) throws(AdminError) {
        guard !file.lowercased().hasSuffix(".csv") else { return try addTable(bytes, file) }
        let json: JSON
        do throws(ModelError) { json = try JSON(parsing: bytes) } catch {
            throw AdminError(
                "bad-import", "\(backticked(file)) is no JSON: \(error.message)", hint: "a table ends in `.csv`")
        }
        // Claude and Cursor say `mcpServers`, Visual Studio Code says `servers`.
        if let known = json["mcpServers"]?.object ?? json["servers"]?.object {
            for (name, value) in known.pairs { addClientEntry(name, value, file) }
        } else if json["name"]?.string != nil, json["packages"] ?? json["remotes"] ?? json["version"] != nil {
            addRegistryEntry(json, file)
        } else {
            throw AdminError(
                "bad-import", "\(backticked(file)) describes no MCP servers",
                hint: "`mcpServers` of a client's configuration, or a `server.json` of the MCP registry")
        }
    }

    private mutating func addClientEntry(_ name: String, _ value: JSON, _ file: String) {
        guard let label = label(name, file) else { return }
        if let command = value["command"]?.string {
            notes.append("\(label): runs \(backticked(command)) — say so in `spoke.yaml` of its host")
        } else if let url = value["url"]?.string ?? value["serverUrl"]?.string {
            notes.append("\(label): is at \(backticked(url)) — say so in `spoke.yaml` of its host")
        }
        if value["env"]?.object?.isEmpty == false || value["headers"]?.object?.isEmpty == false {
            notes.append("\(label): has settings that may be secrets — refer to them in `spoke.yaml`, as `file:/…`")
        }
        insert(label, description: value["description"]?.string)
    }

    private mutating func addRegistryEntry(_ json: JSON, _ file: String) {
        let full = json["name"]?.string ?? ""
        // `io.github.example/ledger`: the name behind the slash is the server's own.
        guard let label = label(String(full.split(separator: "/").last ?? ""), file) else { return }
        for package in json["packages"]?.array ?? [] {
            let name = package["identifier"]?.string ?? package["name"]?.string ?? ""
            notes.append("\(label): is the package \(backticked(name)) — run it in `spoke.yaml` of its host")
        }
        for remote in json["remotes"]?.array ?? [] {
            notes.append(
                "\(label): is at \(backticked(remote["url"]?.string ?? "")) — say so in `spoke.yaml` of its host")
        }
        insert(label, description: json["description"]?.string ?? json["title"]?.string)
    }

    // MARK: tables

    private mutating func addTable(_ bytes: [UInt8], _ file: String) throws(AdminError) {
        guard let text = String(validating: bytes, as: UTF8.self), let rows = csvRows(text) else {
            throw AdminError(
                "bad-import", "\(backticked(file)) is no table of UTF-8 text", hint: "a quote is not closed")
        }
        guard let head = rows.first?.map({ $0.lowercased() }), head.contains("name") else {
            throw AdminError(
                "bad-import", "\(backticked(file)) has no column `name`", hint: "the first line names the columns")
        }
        for (index, row) in rows.enumerated().dropFirst() where row != [""] {
            let line = index + 1
            guard row.count == head.count else {
                throw AdminError(
                    "bad-import", "line \(line) of \(backticked(file)) has \(row.count) columns, not \(head.count)")
            }
            let pairs = zip(head, row).map { ($0, $1.trimmingCharacters(in: .whitespaces)) }.filter { !$1.isEmpty }
            try addRow(Dictionary(pairs, uniquingKeysWith: { first, _ in first }), file, line)
        }
    }

    private mutating func addRow(_ row: [String: String], _ file: String, _ line: Int) throws(AdminError) {
        func bad(_ what: String, _ hint: String) -> AdminError {
            AdminError("bad-import", "line \(line) of \(backticked(file)): \(what)", hint: hint)
        }
        guard let label = label(row["name"] ?? "", file) else { return }
        let classification = row["classification"].map { Classification(rawValue: $0.lowercased()) }
        if case .some(nil) = classification {
            throw bad(
                "\(backticked(row["classification"] ?? "")) is no classification",
                "public, internal, confidential or restricted")
        }
        let owner = row["owner"].flatMap(Self.owner)
        if row["owner"] != nil, owner == nil {
            throw bad("\(backticked(row["owner"] ?? "")) is no owner", "`user:ADDRESS` or `group:NAME`")
        }
        let named = row["spokes"].map { $0.split(whereSeparator: { " ;,".contains($0) }).map(String.init) }
        if let wrong = named?.first(where: { !isLabel($0) }) {
            throw bad("\(backticked(wrong)) names no spoke", "lower-case letters, digits and inner hyphens")
        }
        if let endpoint = row["endpoint"], !endpoint.hasPrefix("https://") {
            throw bad("\(backticked(endpoint)) is no endpoint", "an https URL")
        }
        let known: Set<String> = ["name", "description", "owner", "classification", "spokes", "endpoint"]
        let labels = row.filter { !known.contains($0.key) }
        if let wrong = labels.keys.sorted().first(where: { !isLabel($0) }) {
            throw bad("the column \(backticked(wrong)) names no label", "lower-case letters, digits and inner hyphens")
        }
        insert(
            label, description: row["description"], owner: owner, spokes: named, endpoint: row["endpoint"],
            classification: classification ?? nil, labels: labels.isEmpty ? nil : labels)
    }

    /// As a rule names them, or an address alone.
    private static func owner(_ text: String) -> Principal? {
        guard let principal = try? Principal(text.contains(":") ? text : "user:\(text)"), principal.isPerson else {
            return nil
        }
        return principal
    }

    // MARK: names

    /// A server's name here: lower case, and a hyphen for what no name may hold. Nil, with a note, where nothing is left.
    private mutating func label(_ name: String, _ file: String) -> String? {
        var text = ""
        for character in name.lowercased().unicodeScalars {
            let isPlain = ("a"..."z").contains(character) || ("0"..."9").contains(character)
            if isPlain {
                text.unicodeScalars.append(character)
            } else if !text.isEmpty, !text.hasSuffix("-") {
                text += "-"
            }
        }
        let label = String(text.prefix(63)).trimmingCharacters(in: CharacterSet(charactersIn: "-"))
        guard isLabel(label) else {
            notes.append("left out \(backticked(name)) of \(file): it has no letter or digit to be named by")
            return nil
        }
        if label != name { notes.append("\(backticked(name)) is named \(label) here") }
        return label
    }

    private mutating func insert(
        _ name: String, description: String?, owner: Principal? = nil, spokes: [String]? = nil, endpoint: String? = nil,
        classification: Classification? = nil, labels: [String: String]? = nil
    ) {
        guard !servers.contains(where: { $0.name == name }) else {
            notes.append("left out a second \(name)")
            return
        }
        let words = description.flatMap { $0.isEmpty ? nil : String($0.prefix(1000)) }
        servers.append(
            Server(
                zone: zone, name: name, description: words, owner: owner, spokes: spokes ?? self.spokes,
                endpoint: endpoint, classification: classification ?? .internal, labels: labels))
    }
}

/// The rows of a table (RFC 4180): commas, and quotes around what holds commas, quotes (doubled) or line breaks. Nil where a
/// quote is not closed.
func csvRows(_ text: String) -> [[String]]? {
    var rows: [[String]] = []
    var row: [String] = []
    var field = ""
    var isQuoted = false
    var scalars = text.unicodeScalars[...]
    if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
    while let scalar = scalars.popFirst() {
        switch scalar {
        case "\"" where isQuoted && scalars.first == "\"":
            scalars.removeFirst()
            field += "\""
        case "\"" where isQuoted || field.isEmpty: isQuoted.toggle()
        case "," where !isQuoted:
            row.append(field)
            field = ""
        case "\r" where !isQuoted && scalars.first == "\n": break
        case "\n" where !isQuoted:
            rows.append(row + [field])
            row = []
            field = ""
        default: field.unicodeScalars.append(scalar)
        }
    }
    guard !isQuoted else { return nil }
    if !field.isEmpty || !row.isEmpty { rows.append(row + [field]) }
    return rows
}
