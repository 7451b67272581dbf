import Model

/// An error as `nave-hub` prints it: one line `error: …`, and a hint below it when there is one.
package func errorText(_ error: any Error) -> String {
    guard let error = error as? any NaveError else { return "error: \(error)\n" }
    let place = error.place.map { "\($0): " } ?? ""
    return "error: \(place)\(error.message)\n" + (error.hint.map { "hint: \($0)\n" } ?? "")
}
