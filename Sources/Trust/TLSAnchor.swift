import COpenSSL
import Model

extension Certificate {
    /// The certificate in the form that BoringSSL ends a path at, which is always one whose issuer is itself: the same name,
    /// key and constraints, the issuer's name replaced. Of an anchor only name, key and constraints count, not who signed it
    /// (RFC 5280, section 6.1.1 (d); RFC 5937), so its signature is that of other bytes. For a TLS library's list of roots
    /// only; nothing else would believe it.
    /// - Throws: `bad-certificate`.
    package func tlsAnchor() throws(TrustError) -> Certificate {
        if isIssued(by: self) { return self }
        guard let copy = try X509_dup(handle) else {
            throw TrustError.openSSL("bad-certificate", "cannot copy the root \(backticked(subject))")
        }
        defer { X509_free(copy) }
        let index = X509_get_ext_by_NID(copy, NID_authority_key_identifier, -1)
        if index >= 0 { X509_EXTENSION_free(X509_delete_ext(copy, index)) }
        guard X509_set_issuer_name(copy, X509_get_subject_name(copy)) == 1 else {
            throw TrustError.openSSL("bad-certificate", "cannot name the issuer of the root \(backticked(subject))")
        }
        // Makes libcrypto forget the bytes that it read.
        guard i2d_re_X509_tbs(copy, nil) > 0 else {
            throw TrustError.openSSL("bad-certificate", "cannot encode the root \(backticked(subject))")
        }
        return try Certificate(der: derBytes("a certificate") { i2d_X509(copy, $0) })
    }
}
