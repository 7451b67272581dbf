import NIOConcurrencyHelpers

/// A counter of `/metrics` by one label of few words of ours, since this process began.
package final class LabelCounts: Sendable {
    private let metric: String
    private let label: String
    private let help: String
    private let counts = NIOLockedValueBox<[String: Int64]>([:])

    package init(_ metric: String, by label: String, _ help: String) {
        self.metric = metric
        self.label = label
        self.help = help
    }

    package func count(_ word: String) { counts.withLockedValue { $0[word, default: 0] += 1 } }

    func write(_ page: inout PrometheusText) {
        page.begin(metric, .counter, help)
        for (word, count) in counts.withLockedValue(\.self).sorted(by: { $0.key < $1.key }) {
            page.sample(metric, [(label, word)], "\(count)")
        }
    }
}
