/// The one of `candidates` that was probably meant by `word`: the closest within two edits (one for words of up to
/// three letters), the first in order among equals.
package func suggestion(for word: String, among candidates: some Sequence<String>) -> String? {
    guard word.utf8.count <= 200 else { return nil }
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
        let limit = min(word.utf8.count, candidate.utf8.count) <= 3 ? 1 : 2
        guard abs(candidate.utf8.count - word.utf8.count) <= limit else { continue }
        let distance = editDistance(Array(word.utf8), Array(candidate.utf8))
        guard distance <= limit else { continue }
        if let current = best, (current.distance, current.candidate) <= (distance, candidate) { continue }
        best = (candidate, distance)
    }
    return best?.candidate
}

/// "did you mean `x`?", or the words there are when nothing is near and they are few.
package func suggestionHint(for word: String, among candidates: some Sequence<String>) -> String? {
    if let meant = suggestion(for: word, among: candidates) { return "did you mean \(backticked(meant))?" }
    let known = Set(candidates).sorted()
    guard !known.isEmpty, known.count <= 16 else { return nil }
    return "known: " + known.map { backticked($0) }.joined(separator: ", ")
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), over bytes.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            var cost = min(
                last[column + 1] + 1, current[column] + 1, last[column] + (left[row] == right[column] ? 0 : 1))
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
