/// The one spelling in which a resource's URI is decided on and forwarded.
///
/// Two spellings of one resource would let a rule for the one be walked around with the other, so whatever could be
/// spelled otherwise is refused, not normalised (RFC 3986, section 6.2.2).
package enum ResourceURI {
    package static let maximumBytes = 2048

    /// The schemes that the URL standard (url.spec.whatwg.org, "Special scheme") reads by rules of their own, with the port
    /// that it drops.
    private static let specialSchemes: [String: String] = [
        "file": "", "ftp": "21", "http": "80", "https": "443", "ws": "80", "wss": "443",
    ]

    /// Throws `bad-uri`: for dot segments, empty inner segments, backslash, control or non-ASCII bytes, userinfo, fragment,
    /// an empty query, an upper-case scheme or host, a host or port that readers rewrite (``ResourceAuthority``), lower-case
    /// percent digits, brackets outside the host, an apostrophe in the query, percent-encoded control characters and bytes
    /// that are not UTF-8, and for every percent-encoded character that may also stand bare, or that decodes to `/`, `\`
    /// or `%`. `file`, `http`, `https`, `ws`, `wss` and `ftp` demand `//` and a path, and all but `file` a host, which
    /// `file` must not have.
    package static func validate(_ uri: String) throws(MCPError) {
        let bytes = Array(uri.utf8)
        guard bytes.count <= maximumBytes else { throw bad(uri, "is longer than \(maximumBytes) bytes") }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), isScheme(bytes[..<colon]) else {
            throw bad(uri, "does not begin with a scheme in lower case")
        }
        let rest = bytes[(colon + 1)...]
        guard !rest.isEmpty else { throw bad(uri, "names nothing") }
        let hierarchy = rest.prefix { $0 != UInt8(ascii: "?") }
        try validateCharacters(hierarchy, of: uri)
        try validateQuery(rest[hierarchy.endIndex...], of: uri)
        let scheme = String(decoding: bytes[..<colon], as: UTF8.self)
        guard hierarchy.starts(with: "//".utf8) else {
            guard specialSchemes[scheme] == nil else { throw bad(uri, "lacks the `//` of its scheme") }
            return try validatePath(hierarchy, of: uri)
        }
        let authority = hierarchy.dropFirst(2).prefix { $0 != UInt8(ascii: "/") }
        if let problem = ResourceAuthority.problem(authority, scheme: scheme, droppedPort: specialSchemes[scheme]) {
            throw bad(uri, problem)
        }
        let path = hierarchy[authority.endIndex...]
        if !path.isEmpty {
            try validatePath(path.dropFirst(), of: uri)
        } else if specialSchemes[scheme] != nil {
            throw bad(uri, "lacks the path of its scheme")
        }
    }

    private static func isScheme(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first, isLowerLetter(first) else { return false }
        return bytes.allSatisfy { byte in
            isLowerLetter(byte) || isASCIIDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: ".")
        }
    }

    private static func isLowerLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// Reserved characters of RFC 3986 but for `#`, which would begin a fragment.
    private static func isReserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: "@"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","),
            UInt8(ascii: ";"), UInt8(ascii: "="):
            true
        default: false
        }
    }

    private static func validateCharacters(_ bytes: ArraySlice<UInt8>, of uri: String) throws(MCPError) {
        var index = bytes.startIndex
        var encoded: [UInt8] = []
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.endIndex, let high = upperHexValue(bytes[index + 1]),
                    let low = upperHexValue(bytes[index + 2])
                else { throw bad(uri, "holds `%` without two upper-case hexadecimal digits") }
                let value = UInt8(high << 4 | low)
                // `?` and `#` cannot stand bare in a path.
                guard value >= 0x20, value != 0x7F, !isUnreserved(value),
                    !isReserved(value) || value == UInt8(ascii: "?"),
                    value != UInt8(ascii: "\\"), value != UInt8(ascii: "%")
                else { throw bad(uri, "holds a percent-encoded byte that could be spelled otherwise") }
                encoded.append(value)
                index += 3
                continue
            }
            guard isUnreserved(byte) || isReserved(byte) else { throw bad(uri, "holds a byte that no URI has") }
            try validateUTF8(encoded, of: uri)
            encoded.removeAll(keepingCapacity: true)
            index += 1
        }
        try validateUTF8(encoded, of: uri)
    }

    /// The query with its question mark, or nothing.
    private static func validateQuery(_ query: ArraySlice<UInt8>, of uri: String) throws(MCPError) {
        if query.isEmpty { return }
        guard query.count > 1 else { throw bad(uri, "has an empty query") }
        try validateCharacters(query, of: uri)
        guard !query.contains(UInt8(ascii: "'")), !query.contains(where: isBracket) else {
            throw bad(uri, "holds an apostrophe or a bracket in its query")
        }
        // The only reserved character that passes encoded, since it cannot stand bare in a path; here it can.
        for index in query.indices where query[index...].starts(with: "%3F".utf8) {
            throw bad(uri, "holds a percent-encoded byte that could be spelled otherwise")
        }
    }

    private static func isBracket(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]") }

    /// An overlong form would be another spelling.
    private static func validateUTF8(_ encoded: [UInt8], of uri: String) throws(MCPError) {
        if encoded.isEmpty { return }
        guard String(validating: encoded, as: UTF8.self) != nil else {
            throw bad(uri, "holds percent-encoded bytes that are not UTF-8")
        }
    }

    private static func upperHexValue(_ byte: UInt8) -> Int? {
        (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte) ? nil : hexValue(byte)
    }

    /// The segments of a path without its leading slash; only the last may be empty.
    private static func validatePath(_ path: ArraySlice<UInt8>, of uri: String) throws(MCPError) {
        guard !path.contains(where: isBracket) else { throw bad(uri, "holds a bracket outside its host") }
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (number, segment) in segments.enumerated() {
            guard !segment.isEmpty || number == segments.count - 1 else { throw bad(uri, "holds an empty segment") }
            // Some servers cut a segment at `;` before they look for dots.
            let name = segment.prefix { $0 != UInt8(ascii: ";") }
            guard !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else {
                throw bad(uri, "holds a dot segment")
            }
        }
    }

    private static func bad(_ uri: String, _ what: String) -> MCPError {
        MCPError(.badURI, "the URI \(quoted(uri)) \(what)", hint: "spell it in the one form the server lists")
    }
}
