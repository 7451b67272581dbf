/// Bundles are large and come often: those that the hub writes are read in one pass. What that does not take is read the long
/// way, so that both take the same bundles and one alone says what is wrong with others.
extension PolicyBundle {
    /// Reads the payload of a bundle's envelope, once its signatures hold.
    /// - Throws: what ``JSONCoding/decodeCanonical(_:from:)`` throws.
    package static func decoded(_ payload: [UInt8]) throws(ModelError) -> PolicyBundle {
        if let bundle = inOnePass(payload) { return bundle }
        return try JSONCoding.decodeCanonical(PolicyBundle.self, from: payload)
    }

    /// - Returns: nil for what is read the long way.
    package static func inOnePass(_ payload: [UInt8]) -> PolicyBundle? {
        guard payload.count <= JSON.Limits.standard.maximumBytes else { return nil }
        var reader = CanonicalReader(payload)
        guard let bundle = try? PolicyBundle(&reader), reader.isAtEnd else { return nil }
        return bundle
    }

    private init(_ reader: inout CanonicalReader) throws(CanonicalReader.Unexpected) {
        var named = CanonicalReader.Memo<[String]>()
        var conditions = CanonicalReader.Memo<Conditions>()
        var file = CanonicalReader.Memo<String>()
        try reader.expect(#"{"domains":"#)
        domains = try reader.strings()
        environment = reader.take(#","environment":"#) ? try reader.string() : nil
        try reader.expect(#","masks":"#)
        masks = try reader.array { reader throws(CanonicalReader.Unexpected) in try Mask(&reader) }
        try reader.expect(#","organization":"#)
        organization = try reader.string()
        try reader.expect(#","origin":"#)
        origin = try reader.string()
        try reader.expect(#","revision":"#)
        revision = try reader.integer()
        try reader.expect(#","revokedIdentities":"#)
        revokedIdentities = try reader.array { reader throws(CanonicalReader.Unexpected) in
            try IdentityRevocation(&reader)
        }
        try reader.expect(#","revokedSerials":"#)
        revokedSerials = try reader.strings()
        try reader.expect(#","rules":"#)
        rules = try reader.array(size: 224) { reader throws(CanonicalReader.Unexpected) in
            try Rule(&reader, &named, &conditions, &file)
        }
        try reader.expect(#","servers":"#)
        servers = try reader.array { reader throws(CanonicalReader.Unexpected) in try BundleServer(&reader) }
        try reader.expect(#","spoke":"#)
        spoke = try reader.text { try SPIFFEID($0) }
        try reader.expect(#","v":"#)
        v = try reader.integer()
        zones =
            reader.take(#","zones":"#)
            ? try reader.array { reader throws(CanonicalReader.Unexpected) in try reader.coded(ZoneFacts.self) } : nil
        try reader.expect("}")
    }
}

extension CanonicalReader {
    fileprivate mutating func strings() throws(Unexpected) -> [String] {
        try array { reader throws(Unexpected) in try reader.string() }
    }

    fileprivate mutating func instant() throws(Unexpected) -> Instant { try text { Instant($0) } }

    // Their descriptions are the texts that they were made of.

    fileprivate mutating func principal() throws(Unexpected) -> Principal {
        let text = try string()
        guard let principal = try? Principal(text) else { throw Unexpected() }
        return principal
    }

    fileprivate mutating func capabilities() throws(Unexpected) -> [CapabilityPattern] {
        try array { reader throws(Unexpected) in
            let text = try reader.string()
            guard let capability = try? CapabilityPattern(text) else { throw Unexpected() }
            return capability
        }
    }

    fileprivate mutating func principals() throws(Unexpected) -> [Principal] {
        try array { reader throws(Unexpected) in try reader.principal() }
    }
}

extension Rule {
    fileprivate init(
        _ reader: inout CanonicalReader, _ repeatedServers: inout CanonicalReader.Memo<[String]>,
        _ repeatedConditions: inout CanonicalReader.Memo<Conditions>, _ file: inout CanonicalReader.Memo<String>
    ) throws(CanonicalReader.Unexpected) {
        try reader.expect(#"{"capabilities":"#)
        capabilities = try reader.capabilities()
        if reader.take(#","effect":"allow""#) {
            effect = .allow
        } else {
            try reader.expect(#","effect":"deny""#)
            effect = .deny
        }
        except = reader.take(#","except":"#) ? try reader.principals() : nil
        from = reader.take(#","from":"#) ? try reader.instant() : nil
        try reader.expect(#","id":"#)
        id = try reader.string()
        limits = reader.take(#","limits":"#) ? try reader.coded(Limits.self) : nil
        if reader.take(#","place":{"column":"#) {
            let column = try reader.integer()
            try reader.expect(#","file":"#)
            let name = try reader.repeated(&file) { reader throws(CanonicalReader.Unexpected) in try reader.string() }
            try reader.expect(#","line":"#)
            let line = try reader.integer()
            try reader.expect("}")
            place = Place(file: name, line: Int(line), column: Int(column))
        }
        reason = reader.take(#","reason":"#) ? try reader.string() : nil
        servers =
            reader.take(#","servers":"#)
            ? try reader.repeated(&repeatedServers) { reader throws(CanonicalReader.Unexpected) in
                try reader.strings()
            } : nil
        try reader.expect(#","to":"#)
        to = try reader.principals()
        until = reader.take(#","until":"#) ? try reader.instant() : nil
        when =
            reader.take(#","when":"#)
            ? try reader.repeated(&repeatedConditions) { reader throws(CanonicalReader.Unexpected) in
                try Conditions(&reader)
            } : nil
        try reader.expect("}")
    }
}

extension Conditions {
    fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.Unexpected) {
        var isFirst = true
        try reader.expect("{")
        arguments =
            reader.takeKey(#""arguments":"#, &isFirst) ? try reader.coded([String: ArgumentTest].self) : nil
        clearance = reader.takeKey(#""clearance":"#, &isFirst) ? try reader.bool() : nil
        environment = reader.takeKey(#""environment":"#, &isFirst) ? try reader.strings() : nil
        hours = reader.takeKey(#""hours":"#, &isFirst) ? try reader.text { try Hours($0) } : nil
        networks = reader.takeKey(#""networks":"#, &isFirst) ? try reader.networks() : nil
        readOnly = reader.takeKey(#""readOnly":"#, &isFirst) ? try reader.bool() : nil
        sameRegion = reader.takeKey(#""sameRegion":"#, &isFirst) ? try reader.bool() : nil
        try reader.expect("}")
    }
}

extension CanonicalReader {
    fileprivate mutating func networks() throws(Unexpected) -> [Network] {
        try array { reader throws(Unexpected) in try reader.text { try Network($0) } }
    }
}

extension Mask {
    fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.Unexpected) {
        try reader.expect(#"{"at":"#)
        at = try reader.instant()
        try reader.expect(#","capabilities":"#)
        capabilities = try reader.capabilities()
        if reader.take(#","cause":"lapsed""#) {
            cause = .lapsed
        } else {
            try reader.expect(#","cause":"revoked""#)
            cause = .revoked
        }
        try reader.expect(#","id":"#)
        id = try reader.string()
        try reader.expect(#","principal":"#)
        principal = try reader.principal()
        try reader.expect(#","server":"#)
        server = try reader.string()
        try reader.expect("}")
    }
}

extension IdentityRevocation {
    fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.Unexpected) {
        try reader.expect(#"{"identity":"#)
        identity = try reader.text { try SPIFFEID($0) }
        try reader.expect(#","issuedBefore":"#)
        issuedBefore = try reader.instant()
        try reader.expect("}")
    }
}

extension BundleServer {
    fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.Unexpected) {
        var isFirst = true
        try reader.expect("{")
        callers = reader.takeKey(#""callers":"#, &isFirst) ? try reader.strings() : nil
        guard reader.takeKey(#""classification":"#, &isFirst) else { throw CanonicalReader.Unexpected() }
        classification = try reader.coded(Classification.self)
        enforcement = reader.take(#","enforcement":"#) ? try reader.coded(Enforcement.self) : nil
        try reader.expect(#","name":"#)
        name = try reader.string()
        try reader.expect(#","networks":"#)
        networks = try reader.networks()
        pins =
            reader.take(#","pins":"#)
            ? try reader.array { reader throws(CanonicalReader.Unexpected) in try ToolDefinition(&reader) } : nil
        try reader.expect(#","policy":"#)
        policy = try reader.coded(EffectivePolicy.self)
        try reader.expect("}")
    }
}

extension ToolDefinition {
    fileprivate init(_ reader: inout CanonicalReader) throws(CanonicalReader.Unexpected) {
        try reader.expect(#"{"digest":"#)
        digest = try reader.string()
        try reader.expect(#","name":"#)
        name = try reader.string()
        readOnly = reader.take(#","readOnly":"#) ? try reader.bool() : nil
        try reader.expect("}")
    }
}
