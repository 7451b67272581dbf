import Model
import Trust

/// The files of the certificate that the listener for tokens shows. Somebody else renews them; what they hold is looked at.
struct CertificateFiles {
    private let paths: [String]
    private var seen: [UInt8]

    init(_ settings: OAuthSettings) {
        paths = [settings.certificate, settings.key]
        seen = []
        seen = digest() ?? []
    }

    /// Whether they hold something else than when this was last asked; false while one of them is not there.
    mutating func haveChanged() -> Bool {
        guard let digest = digest(), digest != seen else { return false }
        seen = digest
        return true
    }

    private func digest() -> [UInt8]? {
        var bytes: [UInt8] = []
        for path in paths {
            guard let content = try? DurableFile.read(path, maximumBytes: 1 << 20) else { return nil }
            bytes += SHA256.hash(content)
        }
        return bytes
    }
}
