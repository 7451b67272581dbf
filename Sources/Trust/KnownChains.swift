import Model
import Synchronization

/// What path validation and the rules found of a chain; neither depends on anything but its bytes, the roots and the time.
struct KnownChain: Sendable {
    var peer: VerifiedPeer
    /// The latest start and the earliest end on the path, the root's included.
    var begins: Instant
    var ends: Instant
}

/// The chains that one verifier believed, by all their bytes and the purpose: a peer that connects again costs no signature
/// check. Lives and dies with its verifier, so nothing of it outlives a change of roots. Who is revoked is asked every time by
/// who finds a chain here; outside its time none is found, and path validation says why.
final class KnownChains: Sendable {
    /// Only chains that were believed are kept, so only holders of our certificates can fill it. Beyond it all go.
    static let maximum = 16_384
    static let maximumIssuers = 256

    private struct Key: Hashable {
        /// SHA-256 over those of each certificate: what a peer adds to its chain costs no memory here.
        var digest: [UInt8]
        var purpose: CertificatePurpose

        init(_ chainDER: [[UInt8]], _ purpose: CertificatePurpose) {
            digest = SHA256.hash(chainDER.flatMap { SHA256.hash($0) })
            self.purpose = purpose
        }
    }

    private let chains = Mutex<[Key: KnownChain]>([:])
    private let issuers = Mutex<[[UInt8]: Certificate]>([:])

    func find(_ chainDER: [[UInt8]], _ purpose: CertificatePurpose, now: Instant) -> KnownChain? {
        let found = chains.withLock { $0[Key(chainDER, purpose)] }
        guard let found, found.begins <= now, now < found.ends else { return nil }
        return found
    }

    /// An issuer that was on a believed path, as it was read then; libcrypto takes longer to read one than to check it.
    func issuer(_ der: [UInt8]) -> Certificate? { issuers.withLock { $0[der] } }

    func keep(issuers path: [Certificate]) {
        issuers.withLock { issuers in
            if issuers.count >= Self.maximumIssuers { issuers.removeAll() }
            for certificate in path { issuers[certificate.der] = certificate }
        }
    }

    func keep(_ chain: KnownChain, _ chainDER: [[UInt8]], _ purpose: CertificatePurpose) {
        chains.withLock { chains in
            if chains.count >= Self.maximum { chains.removeAll() }
            chains[Key(chainDER, purpose)] = chain
        }
    }
}
