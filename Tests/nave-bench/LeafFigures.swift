import Model
import TestSupport
import Trust

/// What the CA costs above the signature itself.
enum LeafFigures {
    private static let rounds = 5

    static func measure(_ tell: (String) -> Void) throws -> [Figure] {
        let pki = try TestPKI()
        guard let authority = pki.intermediates["finance.corp.example"] else { return [] }
        let id = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        let request = try CertificateRequest.make(key: try PrivateKey.generateP256())
        let key = try CertificateRequest(der: request).publicKey

        func issue(_ key: PublicKey) throws {
            let template = CertificateTemplate(
                kind: .spoke, id: id, dns: "fin-1.finance.corp.example", publicKey: key, validity: .days(7),
                serial: try randomBytes(16))
            _ = try authority.issueLeaf(template, now: pki.now)
        }

        var parsed = Rounds()
        var proved = Rounds()
        for round in 1...rounds {
            tell("leaves, round \(round) of \(rounds)")
            let peer = try OpenSSLSpeed.signatures()
            parsed.add(try Figure.Clock.processor.rate(seconds: 1) { try issue(key) }, peer: peer)
            proved.add(
                try Figure.Clock.processor.rate(seconds: 1) {
                    try issue(try CertificateRequest(der: request).publicKey)
                },
                peer: peer)
        }
        return [
            figure("leaf-from-parsed-request", parsed, atLeast: 0.35),
            figure("leaf-from-request-bytes", proved, atLeast: 0.15),
        ]
    }

    private static func figure(_ name: String, _ rounds: Rounds, atLeast: Double) -> Figure {
        Figure(
            name: name, value: rounds.value, unit: "1/s", clock: .processor, peer: (OpenSSLSpeed.name, rounds.peer),
            ratio: rounds.ratio, target: .ratioAtLeast(atLeast))
    }
}
