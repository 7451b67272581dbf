import Model
import Trust

/// What a person carried here from another machine, by the name of its file: every error names it.
enum PEMFile {
    /// - Throws: `no-file`, `bad-pem`, `bad-certificate`.
    static func certificate(_ path: String) throws(HubError) -> Certificate {
        try read(path, hint: "a certificate is one PEM block `CERTIFICATE`, without the chain above it") {
            text throws(TrustError) in try Certificate(pem: text)
        }
    }

    /// - Throws: `no-file`, `bad-pem`, `bad-request`, `weak-key`, `no-proof-of-possession`.
    static func request(_ path: String) throws(HubError) -> CertificateRequest {
        try read(path, hint: "a request is one PEM block `CERTIFICATE REQUEST` for a P-256 key, as the hub writes it") {
            text throws(TrustError) in try CertificateRequest(pem: text)
        }
    }

    private static func read<Value>(
        _ path: String, hint: String, _ parse: (String) throws(TrustError) -> Value
    ) throws(HubError) -> Value {
        let text: String
        do throws(HubError) { text = try PrivateFile.readText(path) } catch {
            throw HubError(error.kind, error.code, error.message, hint: hint)
        }
        do throws(TrustError) { return try parse(text) } catch {
            throw HubError(.invalid, error.code, "\(quoted(path)): \(error.message)", hint: hint)
        }
    }
}
