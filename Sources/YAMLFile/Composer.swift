import Model

/// Builds the node of the one document of a stream of events.
struct Composer {
    private let parser: Parser
    private var values = 0
    /// Mistakes that do not hinder the reading of what follows.
    private(set) var tolerated: [YAMLError] = []

    init(_ parser: Parser) { self.parser = parser }

    /// - Throws: the error that ends the reading.
    mutating func document() throws(YAMLError) -> Node {
        let empty = Node(.null, at: Place(file: parser.file, line: 1, column: 1))
        _ = try parser.next()  // the start of the stream
        let start = try parser.next()
        guard case .documentStart(let hasDirectives) = start.kind else { return empty }
        if hasDirectives { tolerate("yaml-directive", "directives (`%YAML`, `%TAG`) are not read", at: start.place) }
        let node = try self.node(try parser.next(), depth: 1)
        _ = try parser.next()  // the end of the document
        let next = try parser.next()
        guard case .streamEnd = next.kind else {
            throw YAMLError("yaml-many-documents", "a second document begins here, a file holds one", at: next.place)
        }
        return node
    }

    private mutating func node(_ event: Parser.Event, depth: Int) throws(YAMLError) -> Node {
        let place = event.place
        values += 1
        guard values <= YAMLFile.maximumValues else {
            throw YAMLError("yaml-too-many-values", "more than \(YAMLFile.maximumValues) values in a file", at: place)
        }
        guard depth <= YAMLFile.maximumDepth else {
            throw YAMLError("yaml-too-deep", "nested deeper than \(YAMLFile.maximumDepth) levels", at: place)
        }
        switch event.kind {
        case .scalar(let text, let isPlain, let marks):
            check(marks, at: place)
            try checkCharacters(of: text, at: place)
            return Node(isPlain ? resolved(text) : .string(text, .quoted), at: place)
        case .sequenceStart(let marks):
            check(marks, at: place)
            return Node(.sequence(try elements(depth: depth + 1)), at: place)
        case .mappingStart(let marks):
            check(marks, at: place)
            return Node(.mapping(try entries(depth: depth + 1)), at: place)
        case .alias(let name):
            tolerate(
                "yaml-alias", "alias \(backticked("*" + name)) is not read",
                hint: "write the value out; quote a pattern",
                at: place)
            return Node(.null, at: place)
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw YAMLError("yaml-syntax", "expected a value", at: place)
        }
    }

    private mutating func elements(depth: Int) throws(YAMLError) -> [Node] {
        var nodes: [Node] = []
        while true {
            let event = try parser.next()
            if case .sequenceEnd = event.kind { return nodes }
            nodes.append(try node(event, depth: depth))
        }
    }

    private mutating func entries(depth: Int) throws(YAMLError) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        while true {
            let event = try parser.next()
            if case .mappingEnd = event.kind { return entries }
            let isMerge = if case .scalar("<<", isPlain: true, _) = event.kind { true } else { false }
            let keyNode = try node(event, depth: depth)
            let value = try node(try parser.next(), depth: depth)
            if isMerge {
                tolerate(
                    "yaml-merge-key", "merge keys (`<<`) are not read", hint: "write the keys out", at: event.place)
            } else if let key = key(keyNode) {
                entries.append(Node.Entry(key: key, place: event.place, value: value))
            }
        }
    }

    /// The text of a key; nil when it is none, which is reported.
    private mutating func key(_ node: Node) -> String? {
        guard case .string(let text, let style) = node.value else {
            // An alias as a key has been reported as what it is.
            if tolerated.last?.place != node.place {
                tolerate("yaml-key", "a key is a text, found \(node.found)", hint: "quote it", at: node.place)
            }
            return nil
        }
        if style == .plain, let surprise = plainScalarSurprise(text) {
            tolerate(
                "yaml-key", "key \(backticked(text)) is \(surprise) to other readers of YAML",
                hint: "quote it: \"\(text)\"",
                at: node.place)
            return nil
        }
        return text
    }

    private mutating func check(_ marks: Parser.Event.Marks, at place: Place) {
        if let anchor = marks.anchor {
            tolerate(
                "yaml-alias", "anchor \(backticked("&" + anchor)) is not read", hint: "write the value out", at: place)
        }
        if let tag = marks.tag {
            tolerate("yaml-tag", "tag \(backticked(tag)) is not read", hint: "quote a text to keep it one", at: place)
        }
    }

    /// Escapes in double quotes can write what `checkedText` refuses.
    private func checkCharacters(of text: String, at place: Place) throws(YAMLError) {
        for scalar in text.unicodeScalars where scalar != "\n" {
            if let error = refusal(of: scalar, at: place) { throw error }
        }
    }

    /// Every file yields at most `Problems.maximum` of them.
    private mutating func tolerate(_ code: String, _ message: String, hint: String? = nil, at place: Place) {
        guard tolerated.count < Problems.maximum else { return }
        tolerated.append(YAMLError(code, message, hint: hint, at: place))
    }
}

/// What a plain scalar is: the types that YAML 1.1, 1.2 and JSON agree on, everything else is text.
private func resolved(_ text: String) -> Node.Value {
    switch text {
    case "", "~", "null": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    default: break
    }
    let digits = text.hasPrefix("-") ? text.utf8.dropFirst() : text.utf8[...]
    let isDecimal =
        digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        && (digits.count == 1 || (digits.count > 1 && digits.first != UInt8(ascii: "0")))
    // An integer of more than 64 bits stays text, which `NodeReader.string` then asks to be quoted.
    return isDecimal ? Int64(text).map { .integer($0) } ?? .string(text, .plain) : .string(text, .plain)
}
