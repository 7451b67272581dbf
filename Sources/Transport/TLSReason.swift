import NIOSSL

/// What BoringSSL says went wrong, as one short text: `sslv3 alert certificate unknown` rather than its error queue with
/// the source files of the build.
func tlsReason(_ error: any Error) -> String {
    let text = "\(error)"
    let marker = "OPENSSL_internal:"
    guard error is NIOSSLError || error is BoringSSLError, let range = text.ranges(of: marker).first else {
        return text
    }
    let reason = text[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    return reason.lowercased().split(separator: "_").joined(separator: " ")
}
