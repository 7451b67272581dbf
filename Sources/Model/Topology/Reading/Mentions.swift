/// Where in the files each name stands that an object mentions (a principal of a rule, a spoke of a server), so that
/// the check can point at the name and not only at the object. A `Topology` itself carries the places of objects only.
package struct Mentions {
    private struct Key: Hashable {
        var owner: Place
        var text: String
    }

    private var places: [Key: Place] = [:]

    package init() {}

    /// The first mention of a text by one object counts.
    mutating func note(_ text: String, by owner: Place, at place: Place) {
        let key = Key(owner: owner, text: text)
        if places[key] == nil { places[key] = place }
    }

    /// The object's own place where the mention is not known, as in a topology that came over the wire.
    func place(of text: String, by owner: Place?) -> Place? {
        owner.flatMap { places[Key(owner: $0, text: text)] } ?? owner
    }
}
