import COpenSSL
import Model

/// A certificate request (PKCS#10, RFC 2986). Of what a request says, only the key is believed, and that its sender holds
/// the private part; names and extensions come from the hub's own template.
package struct CertificateRequest: Sendable {
    package let publicKey: PublicKey

    /// The DER bytes of a request with an empty subject and no attributes; or with those of a certificate that says what
    /// its signer should say, for signers that are not ours.
    /// - Throws: `bad-request`.
    package static func make(key: PrivateKey, like model: Certificate? = nil) throws(TrustError) -> [UInt8] {
        guard let request = X509_REQ_new() else { throw TrustError.openSSL("bad-request", "cannot make a request") }
        defer { X509_REQ_free(request) }
        if let model { try copyWishes(of: model, to: request) }
        let digest = key.publicKey.algorithm == .ed25519 ? nil : EVP_sha256()
        guard X509_REQ_set_version(request, 0) == 1, X509_REQ_set_pubkey(request, key.handle) == 1,
            X509_REQ_sign(request, key.handle, digest) > 0
        else { throw TrustError.openSSL("bad-request", "cannot make a request") }
        return try derBytes("a certificate request") { i2d_X509_REQ(request, $0) }
    }

    static let label = "CERTIFICATE REQUEST"

    /// The same as one PEM block.
    /// - Throws: `bad-request`.
    package static func makePEM(key: PrivateKey, like model: Certificate? = nil) throws(TrustError) -> String {
        PEM.encode(label: label, try make(key: key, like: model))
    }

    /// Subject and extensions, but for the identifiers of keys, which the signer writes.
    private static func copyWishes(of model: Certificate, to request: OpaquePointer) throws(TrustError) {
        let extensions = OPENSSL_sk_new_null()
        // The stack borrows the extensions; `model` keeps them alive.
        defer { OPENSSL_sk_free(extensions) }
        let handle = try model.handle
        for index in 0..<X509_get_ext_count(handle) {
            let element = X509_get_ext(handle, index)
            let kind = OBJ_obj2nid(X509_EXTENSION_get_object(element))
            guard kind != NID_subject_key_identifier, kind != NID_authority_key_identifier else { continue }
            _ = OPENSSL_sk_push(extensions, UnsafeRawPointer(element))
        }
        guard X509_REQ_set_subject_name(request, X509_get_subject_name(handle)) == 1,
            X509_REQ_add_extensions(request, extensions) == 1
        else { throw TrustError.openSSL("bad-request", "cannot put wishes into a request") }
    }

    /// Reads one `CERTIFICATE REQUEST` block.
    /// - Throws: `bad-pem`, `bad-request`, `weak-key`, `no-proof-of-possession`.
    package init(pem: String) throws(TrustError) {
        let blocks = try PEM.decode(label: Self.label, pem)
        guard blocks.count == 1 else {
            throw TrustError("bad-pem", "expected one certificate request, found \(blocks.count)")
        }
        try self.init(der: blocks[0])
    }

    /// Reads a request and checks the signature that proves possession of its key. Subject and attributes are passed over.
    /// - Throws: `bad-request`; `weak-key` for another key than P-256; `no-proof-of-possession`.
    package init(der: [UInt8]) throws(TrustError) {
        typealias Tag = DERReader.Tag
        guard der.count <= 65_536 else {
            throw TrustError("bad-request", "the certificate request has \(der.count) bytes, more than 65536")
        }
        var whole = DERReader(der, code: "bad-request")
        var request = try whole.enter(Tag.sequence)
        try whole.finish()
        var copy = request
        let signed = try copy.element(Tag.sequence)
        var info = try request.enter(Tag.sequence)
        guard try info.read(Tag.integer).elementsEqual([0]) else { throw info.failure }
        _ = try info.read(Tag.sequence)
        let spki = try info.element(Tag.sequence)
        _ = try info.read(Tag.context(0, constructed: true))
        try info.finish()
        var algorithm = try request.enter(Tag.sequence)
        let object = try algorithm.read(Tag.objectIdentifier)
        let signature = try request.bits()
        try request.finish()

        let key = try PublicKey(spkiDER: Array(spki))
        guard key.algorithm == .p256 else {
            throw TrustError("weak-key", "the key of the certificate request is not P-256")
        }
        guard object.elementsEqual(ObjectID.ecdsaWithSHA256), algorithm.isAtEnd else {
            throw TrustError(
                "bad-request", "the certificate request is not signed by ECDSA with SHA-256",
                hint: "as `openssl req -new -sha256` does")
        }
        guard key.verify(Array(signed), signature: Array(signature)) else {
            throw TrustError("no-proof-of-possession", "the certificate request is not signed by its own key")
        }
        publicKey = key
    }
}
