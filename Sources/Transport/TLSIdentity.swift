import Model
import NIOSSL
import Trust

/// What a program shows on TLS: a leaf, the intermediates after it, and the leaf's key.
package struct TLSIdentity: Sendable {
    package let key: PrivateKey
    /// The leaf first.
    package let chain: [Certificate]

    /// - Throws: `no-certificate`, `wrong-key`.
    package init(key: PrivateKey, chain: [Certificate]) throws(TransportError) {
        guard let leaf = chain.first else { throw TransportError("no-certificate", "the chain holds no certificate") }
        guard leaf.publicKey == key.publicKey else {
            throw TransportError("wrong-key", "the key is not that of the certificate of \(quoted(leaf.subject))")
        }
        self.key = key
        self.chain = chain
    }

    /// - Parameters:
    ///   - key: PKCS#8 PEM.
    ///   - chain: Leaf and intermediates, PEM.
    /// - Throws: `bad-pem`, `bad-key`, `bad-certificate`, `wrong-key`.
    package init(keyPEM: String, chainPEM: String) throws(TransportError) {
        do throws(TrustError) {
            try self.init(parsedKey: PrivateKey(pem: keyPEM), parsedChain: Certificate.chain(pem: chainPEM))
        } catch { throw TransportError("cannot read a key and its certificates", because: error) }
    }

    /// - Throws: `wrong-key`; nothing else is judged here.
    init(parsedKey: PrivateKey, parsedChain: [Certificate]) throws(TrustError) {
        guard let leaf = parsedChain.first, leaf.publicKey == parsedKey.publicKey else {
            throw TrustError("wrong-key", "the key is not that of the first certificate")
        }
        key = parsedKey
        chain = parsedChain
    }

    package var leaf: Certificate { chain[0] }
    package var notAfter: Instant { leaf.notAfter }

    /// The same in BoringSSL's hands.
    func sources() throws(TransportError) -> (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource) {
        do {
            let certificates = try chain.map {
                NIOSSLCertificateSource.certificate(try NIOSSLCertificate(bytes: $0.der, format: .der))
            }
            let key = try NIOSSLPrivateKey(bytes: Array(try key.pem.utf8), format: .pem)
            return (certificates, .privateKey(key))
        } catch let error as TrustError {
            throw TransportError("cannot use a key for TLS", because: error)
        } catch {
            throw TransportError("bad-certificate", "cannot use a certificate for TLS: \(error)")
        }
    }
}
