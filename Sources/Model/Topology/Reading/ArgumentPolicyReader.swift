extension TopologyDraft {
    /// `serverRequests:` of one layer.
    func readServerRequests(_ value: NodeReader) -> [ServerRequestKind] {
        Set(value.list(maximum: 16) { $0.word(ServerRequestKind.self) }).sorted()
    }

    /// `egress:` of one layer.
    func readEgress(_ value: NodeReader) -> [Egress] {
        value.list(maximum: 64) { value -> Egress? in
            return value.mapping("an egress rule") { egress -> Egress? in
                let tools = egress.optional("tools") { readToolPatterns($0) }
                let arguments = egress.required("arguments") { readArgumentNames($0) }
                let to = egress.required("to") { value in
                    value.list(minimum: 1, maximum: 64) { readURLPattern($0) }
                }
                let allowPrivate = egress.optional("private") { $0.word(of: [PrivateAddresses.allow, .refuse]) }
                guard let arguments, let to else { return nil }
                return Egress(
                    tools: tools, arguments: arguments, to: to, allowPrivate: allowPrivate.map { $0 == .allow })
            }
        }
    }

    /// `checks:` of one layer.
    func readChecks(_ value: NodeReader) -> [ArgumentCheck] {
        value.list(maximum: 64) { value -> ArgumentCheck? in
            return value.mapping("a check") { check -> ArgumentCheck? in
                let kind = check.required("check") { $0.word(ArgumentCheck.Kind.self) }
                let tools = check.optional("tools") { readToolPatterns($0) }
                let arguments = check.required("arguments") { readArgumentNames($0) }
                let then = check.required("then") { $0.word(ArgumentCheck.Verdict.self) }
                guard let kind, let arguments, let then else { return nil }
                return ArgumentCheck(kind, tools: tools, arguments: arguments, then: then)
            }
        }
    }

    private enum PrivateAddresses: String { case allow, refuse }

    private func readToolPatterns(_ value: NodeReader) -> [String] {
        value.list(minimum: 1, maximum: 64) { value in
            value.parsed(
                "a pattern of tool names",
                throwing: { text throws(ModelError) in try Pattern(text, segmented: false).description })
        }
    }

    private func readArgumentNames(_ value: NodeReader) -> [String] {
        value.list(minimum: 1, maximum: 64) { $0.string("an argument's name", maximumLength: 256) }
    }

    private func readURLPattern(_ value: NodeReader) -> String? {
        value.parsed(
            "a pattern of URLs",
            throwing: { text throws(ModelError) in try Egress.pattern(text).description })
    }
}
