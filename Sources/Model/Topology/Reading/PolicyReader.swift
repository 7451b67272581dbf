extension TopologyDraft {
    /// `policy:` of one layer. Header names are noted as mentions of `owner`.
    func readPolicy(_ value: NodeReader, by owner: Place) -> Policy? {
        value.mapping("a policy") { policy in
            Policy(
                headers: policy.optional("headers") { readHeaders($0, by: owner) },
                limits: policy.optional("limits") { readLimits($0) },
                stale: policy.optional("stale") { readStaleness($0, by: owner) },
                tools: policy.optional("tools") { value in
                    value.mapping("a policy of tools") { tools in
                        Policy.ToolPolicy(pin: tools.optional("pin") { $0.word(PinMode.self) })
                    }
                },
                serverRequests: policy.optional("serverRequests") { readServerRequests($0) },
                egress: policy.optional("egress") { readEgress($0) },
                checks: policy.optional("checks") { readChecks($0) })
        }
    }

    private func readHeaders(_ value: NodeReader, by owner: Place) -> Policy.Headers? {
        value.mapping("headers") { headers in
            Policy.Headers(
                response: headers.optional("response") { value in
                    let pairs = value.entries(maximum: 64) { key, value -> (String, String)? in
                        guard let name = readHeaderName(key), let text = readHeaderValue(value) else { return nil }
                        mentions.note("header:\(name)", by: owner, at: key.place)
                        return (name, text)
                    }
                    return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
                },
                request: headers.optional("request") { value in
                    value.mapping("request headers") { request in
                        Policy.RequestHeaders(remove: request.optional("remove") { $0.list { readHeaderName($0) } })
                    }
                })
        }
    }

    private func readHeaderName(_ value: NodeReader) -> String? {
        value.parsed("the name of a header", hint: "letters, digits and hyphens; none that frames or routes a message")
        {
            isPolicyHeader($0) ? $0 : nil
        }
    }

    private func readHeaderValue(_ value: NodeReader) -> String? {
        value.parsed("the value of a header", hint: "visible ASCII without a space at either end") {
            isPolicyHeaderValue($0) ? $0 : nil
        }
    }

    func readLimits(_ value: NodeReader) -> Limits? {
        value.mapping("limits") { limits in
            Limits(
                rate: limits.optional("rate") { $0.rate() },
                concurrency: limits.optional("concurrency") { $0.integer(in: 1...100_000).map { Int($0) } },
                sessions: limits.optional("sessions") { $0.integer(in: 1...64).map { Int($0) } },
                requestBody: limits.optional("requestBody") { $0.size() },
                responseBody: limits.optional("responseBody") { $0.size() },
                timeouts: limits.optional("timeouts") { value in
                    value.mapping("timeouts") { timeouts in
                        Limits.Timeouts(
                            connect: timeouts.optional("connect") { $0.duration() },
                            request: timeouts.optional("request") { $0.duration() },
                            idle: timeouts.optional("idle") { $0.duration() })
                    }
                })
        }
    }

    private func readStaleness(_ value: NodeReader, by owner: Place) -> Staleness? {
        mentions.note("stale", by: owner, at: value.place)
        return value.mapping("staleness") { stale -> Staleness? in
            let after = stale.required("after") { $0.duration() }
            let then = stale.required("then") { $0.word(of: [Staleness.Mode.readOnly, .deny]) }
            let until = stale.optional("until") { $0.duration() }
            guard let after, let then else { return nil }
            return Staleness(after: after, then: then, until: until)
        }
    }
}

extension NodeReader {
    /// `{ requests: 600, per: 1m, burst: 50 }`; each count from 1 to 1,000,000.
    package func rate() -> Limits.Rate? {
        mapping("a rate") { rate -> Limits.Rate? in
            let requests = rate.required("requests") { $0.integer(in: 1...1_000_000) }
            let per = rate.required("per") { $0.duration() }
            let burst = rate.optional("burst") { $0.integer(in: 1...1_000_000) }
            guard let requests, let per else { return nil }
            return Limits.Rate(requests: Int(requests), per: per, burst: burst.map { Int($0) })
        }
    }
}

/// Whether a policy may set or remove the header: a token (RFC 9110, section 5.6.2) of letters, digits and hyphens, and
/// not one that the spoke itself writes on every message.
func isPolicyHeader(_ name: String) -> Bool {
    let lower = name.lowercased()
    return (1...64).contains(name.utf8.count)
        && lower.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-")
        }
        && !lower.hasPrefix("mcp-") && !ownHeaders.contains(lower)
}

/// Visible ASCII and inner spaces (RFC 9110, section 5.5): a value can end no line.
func isPolicyHeaderValue(_ text: String) -> Bool {
    (1...NodeReader.maximumTextLength).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        && !text.hasPrefix(" ") && !text.hasSuffix(" ")
}

private let ownHeaders: Set<String> = [
    "accept", "connection", "content-encoding", "content-length", "content-type", "date", "expect", "host",
    "keep-alive",
    "last-event-id", "te", "trailer", "transfer-encoding", "upgrade",
]
