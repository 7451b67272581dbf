/// How much may be tried out for one question, a plan or a list of who may do what: all its searches draw on one.
package final class SearchBudget {
    /// So many looks at rules take some seconds.
    package static let maximumLooks = 200_000_000

    private var left: Int

    package init(looks: Int = maximumLooks) { left = looks }

    package var isSpent: Bool { left <= 0 }

    /// - Parameter looks: how often a rule is looked at, as often as there are rules for one decision.
    func spend(_ looks: Int) { left -= min(looks, left) }
}
