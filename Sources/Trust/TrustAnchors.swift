import COpenSSL
import Model

/// The roots of one trust domain, and path validation against them (RFC 5280, section 6). A path ends at a root, whoever
/// signed that: a root of ours may be a constrained CA of a corporate root, which is itself no anchor here.
///
/// `@unchecked Sendable`: the X509_STORE is never changed after `init`; libcrypto locks its look-ups.
final class TrustAnchors: @unchecked Sendable {
    private let store: OpaquePointer
    let roots: [Certificate]
    /// True if a root of it stands for other trust domains too.
    let serveSeveralDomains: Bool

    /// - Throws: `bad-anchor`.
    init(domain: String, roots: [Certificate], serveSeveralDomains: Bool) throws(TrustError) {
        guard isDomainName(domain), !roots.isEmpty else {
            throw TrustError("bad-anchor", "\(backticked(domain)) needs a domain name and at least one root")
        }
        for root in roots where !root.isAnchor {
            throw TrustError("bad-anchor", "\(backticked(root.subject)) of \(backticked(domain)) is not a root CA")
        }
        guard let store = X509_STORE_new() else {
            throw TrustError.openSSL("bad-anchor", "cannot make a store of roots")
        }
        self.store = store
        self.roots = roots
        self.serveSeveralDomains = serveSeveralDomains
        // The store takes a reference of its own on each root.
        for root in roots {
            guard X509_STORE_add_cert(store, try root.handle) == 1 else {
                throw TrustError.openSSL("bad-anchor", "cannot keep the root \(backticked(root.subject))")
            }
        }
    }

    deinit { X509_STORE_free(store) }

    /// The certificates above the certificate, its issuer first, on a path that ends at one of the roots.
    /// - Parameter purpose: Nil for a CA.
    /// - Throws: `bad-path`, `expired`, `not-yet-valid`, `wrong-purpose`.
    @discardableResult
    func path(
        of leaf: Certificate, intermediates: [Certificate], purpose: CertificatePurpose?, now: Instant
    ) throws(TrustError) -> [Certificate] {
        defer { drainedErrors() }
        let untrusted = OPENSSL_sk_new_null()
        // The stack borrows the certificates; `intermediates` keeps them alive.
        defer { OPENSSL_sk_free(untrusted) }
        for certificate in intermediates {
            _ = OPENSSL_sk_push(untrusted, UnsafeRawPointer(try certificate.handle))
        }
        guard let context = X509_STORE_CTX_new() else {
            throw TrustError.openSSL("bad-path", "cannot start path validation")
        }
        defer { X509_STORE_CTX_free(context) }
        guard X509_STORE_CTX_init(context, store, try leaf.handle, untrusted) == 1 else {
            throw TrustError.openSSL("bad-path", "cannot start path validation")
        }
        let sslPurpose = purpose.map { $0 == .client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER }
        guard sslPurpose.map({ X509_STORE_CTX_set_purpose(context, $0) == 1 }) ?? true,
            let parameters = X509_STORE_CTX_get0_param(context)
        else {
            throw TrustError.openSSL("bad-path", "cannot start path validation")
        }
        // Level 2: at least 112 bits of security in every key and signature, so no SHA-1.
        X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN))
        X509_VERIFY_PARAM_set_depth(parameters, 4)
        X509_VERIFY_PARAM_set_time(parameters, Self.moment([leaf] + intermediates, now))
        let verified = X509_verify_cert(context)
        let result = X509_STORE_CTX_get_error(context)
        guard verified == 1, result == X509_V_OK else {
            throw Self.error(result, depth: X509_STORE_CTX_get_error_depth(context), leaf, now)
        }
        // libcrypto's chain holds the very structures that were handed in.
        let path = elements(of: X509_STORE_CTX_get0_chain(context)).dropFirst().compactMap { element in
            (intermediates + roots).first { (try? $0.handle) == OpaquePointer(element) }
        }
        guard !path.isEmpty else { throw TrustError("bad-path", "the certificate is its own issuer") }
        return path
    }

    /// The second to validate at: now, or the latest start that `skew` forgives.
    private static func moment(_ certificates: [Certificate], _ now: Instant) -> Int {
        let starts = certificates.map(\.notBefore).filter { $0 <= now + CertificateRules.skew }
        return Int((starts.max().map { max($0, now) } ?? now).milliseconds / 1000)
    }

    private static func error(_ result: Int32, depth: Int32, _ leaf: Certificate, _ now: Instant) -> TrustError {
        let reason = X509_verify_cert_error_string(Int(result)).map { String(cString: $0) } ?? "error \(result)"
        let code =
            switch result {
            case X509_V_ERR_CERT_HAS_EXPIRED: "expired"
            case X509_V_ERR_CERT_NOT_YET_VALID: "not-yet-valid"
            case X509_V_ERR_INVALID_PURPOSE where depth == 0: "wrong-purpose"
            default: "bad-path"
            }
        return TrustError(
            code, "no path from \(backticked(leaf.uriSANs.first ?? leaf.subject)) to a root at \(now): \(reason)")
    }
}
