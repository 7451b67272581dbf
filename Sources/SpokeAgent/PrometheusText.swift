/// Metrics in Prometheus's text format, version 0.0.4.
struct PrometheusText {
    enum Kind: String { case counter, gauge, histogram }

    private(set) var text = ""

    /// Begins a metric; every name is told, also while it has no sample, so that dashboards know of it.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ value: String) { sample(name, [], value) }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        let pairs = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        text += pairs.isEmpty ? "\(name) \(value)\n" : "\(name){\(pairs)} \(value)\n"
    }

    mutating func gauge(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
        begin(name, .gauge, help)
        sample(name, "\(value)")
    }

    /// Milliseconds as seconds.
    static func seconds(_ milliseconds: Int64) -> String {
        let part = String(abs(milliseconds) % 1000)
        return "\(milliseconds < 0 ? "-" : "")\(abs(milliseconds) / 1000)."
            + String(repeating: "0", count: 3 - part.utf8.count) + part
    }

    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return value }
        return value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
