import COpenSSL
import Model
import Synchronization

/// Keys that lie in a PKCS#11 token, a hardware security module for example, and are used there: named by a `pkcs11:` URI
/// (RFC 7512), reached through OpenSSL's engine `pkcs11` (Debian's `libengine-pkcs11-openssl`).
extension PrivateKey {
    package static let tokenScheme = "pkcs11:"

    /// Opens a P-256 key of a token. The process keeps the token's module loaded and the token logged in.
    /// - Parameters:
    ///   - uri: `pkcs11:token=ca;object=root`; `?module-path=…` names the module, `?pin-source=file:…` a file with the PIN.
    ///     Never `pin-value`: URIs stand in flags, logs and process lists.
    ///   - pin: The PIN, where the URI names no source of it.
    /// - Throws: `bad-token-uri`, `no-token-engine`, `no-token-module`, `pin-needed`, `wrong-pin`, `no-such-key`, `weak-key`.
    package convenience init(uri: String, pin: String? = nil) throws(TrustError) {
        let uri = try TokenURI(uri)
        let handle = try TokenEngine.shared.withLock { state throws(TrustError) in try state.key(uri, pin: pin) }
        try self.init(adopting: handle, isInToken: true)
        guard publicKey.algorithm == .p256 else {
            throw TrustError("weak-key", "the key of \(backticked(uri.text)) is not P-256")
        }
    }

    /// Names one key of a token: `pkcs11:token=nave?pin-source=…` and `root` give
    /// `pkcs11:token=nave;object=root;type=private?pin-source=…`. Opens nothing.
    /// - Throws: `bad-token-uri`.
    package static func uri(ofToken token: String, object: String) throws(TrustError) -> String {
        let parts = token.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let named = "\(parts.first ?? "");object=\(object);type=private"
        let uri = try TokenURI(([named] + parts.dropFirst()).joined(separator: "?"))
        guard !uri.names("id"), uri.names("token") || uri.names("serial") || uri.names("slot-id") else {
            throw TrustError(
                "bad-token-uri", "\(backticked(token)) does not name one token and no key of it",
                hint: "as `pkcs11:token=nave?pin-source=file:/run/secrets/nave-pin`")
        }
        return uri.text
    }

    /// Whether a URI names a key, without opening it.
    /// - Throws: `bad-token-uri`.
    package static func check(uri: String) throws(TrustError) { _ = try TokenURI(uri) }
}

/// A URI without secrets, of printable ASCII.
private struct TokenURI {
    static let maximumBytes = 1024
    private static let knownAttributes: Set<String> = [
        "token", "object", "id", "type", "serial", "model", "manufacturer", "slot-id", "slot-manufacturer",
        "slot-description",
    ]

    let text: String
    /// What the engine reads: everything but the module.
    let forEngine: String
    private let attributes: Set<String>
    /// The path of the module's shared library; nil for the engine's default.
    let module: String?

    init(_ text: String) throws(TrustError) {
        guard text.utf8.count <= Self.maximumBytes, text.hasPrefix(PrivateKey.tokenScheme),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw TrustError("bad-token-uri", "\(backticked(text)) is not a `\(PrivateKey.tokenScheme)` URI") }
        let parts = text.split(separator: "?", omittingEmptySubsequences: false)
        let queries = parts.dropFirst().first?.split(separator: "&") ?? []
        let names = queries.map { $0.prefix { $0 != "=" } }
        // The message quotes nothing: the text may hold the PIN.
        guard !text.lowercased().contains("pin-value") else {
            throw TrustError(
                "bad-token-uri", "a token's URI must not hold the PIN itself", hint: "use `pin-source=file:/path`")
        }
        let attributes = parts[0].dropFirst(PrivateKey.tokenScheme.utf8.count).split(separator: ";").map {
            String($0.prefix { $0 != "=" })
        }
        guard parts.count <= 2, Set(attributes).isSubset(of: Self.knownAttributes),
            attributes.contains("object") || attributes.contains("id"), Set(attributes).count == attributes.count,
            Set(names).count == names.count, names.allSatisfy({ $0 == "module-path" || $0 == "pin-source" })
        else {
            throw TrustError(
                "bad-token-uri",
                "\(backticked(text)) does not name one key by `object` or `id`, or says something twice or not known")
        }
        func value(_ name: String) -> String? {
            queries.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
        }
        self.text = text
        module = value("module-path")
        guard module.map({ $0.hasPrefix("/") && !$0.contains("%") }) ?? true else {
            throw TrustError("bad-token-uri", "the module path in \(backticked(text)) is not an absolute plain path")
        }
        let source = value("pin-source")
        guard source.map({ $0.hasPrefix("file:/") }) ?? true else {
            throw TrustError("bad-token-uri", "the PIN's source in \(backticked(text)) is not `file:/path`")
        }
        forEngine = parts[0] + (source.map { "?pin-source=\($0)" } ?? "")
        self.attributes = Set(attributes)
    }

    func names(_ attribute: String) -> Bool { attributes.contains(attribute) }
}

/// The one engine of the process. Its settings are the whole process's, so keys are opened one after the other.
///
/// `@unchecked Sendable`: the engine is touched inside the lock only.
private struct TokenEngine: @unchecked Sendable {
    static let shared = Mutex(TokenEngine())

    private var engine: UnsafeMutableRawPointer?
    /// The module that is loaded; it stays so.
    private var module: String??

    mutating func key(_ uri: TokenURI, pin: String?) throws(TrustError) -> OpaquePointer {
        let engine = try started()
        defer { drainedErrors() }
        try choose(uri.module, engine)
        if let pin {
            guard nave_token_command(engine, "PIN", pin) == 1 else {
                throw TrustError.openSSL("wrong-pin", "the engine does not take this PIN")
            }
        }
        // The engine loads the module now, at its first use.
        var asked: Int32 = 0
        let key = nave_token_key(engine, uri.forEngine, &asked)
        // PKCS#11's own return values are the reasons: `CKR_PIN_INCORRECT` to `CKR_PIN_LOCKED`.
        let isPIN = (0xa0...0xa4).contains(ERR_GET_REASON(ERR_peek_error()))
        let reasons = key == nil ? drainedErrors() : []
        let detail = reasons.joined(separator: "; ")
        guard !reasons.contains("Unable to load PKCS#11 module") else {
            throw TrustError(
                "no-token-module", "cannot load the PKCS#11 module \(backticked(uri.module ?? "default")): \(detail)",
                hint: "name the module's library: `?module-path=/PATH.so`")
        }
        module = .some(uri.module)
        if let key { return key }
        guard asked == 0 else {
            throw TrustError(
                "pin-needed", "the token of \(backticked(uri.text)) wants a PIN", hint: "add `?pin-source=file:/path`")
        }
        throw isPIN
            ? TrustError(
                "wrong-pin", "the token of \(backticked(uri.text)) refuses the PIN: \(detail)",
                hint: "look at the file of `pin-source`")
            : TrustError(
                "no-such-key", "no token has the key \(backticked(uri.text)): \(detail)",
                hint: "`pkcs11-tool --list-objects` shows keys and labels; is the file of `pin-source` there?")
    }

    private mutating func started() throws(TrustError) -> UnsafeMutableRawPointer {
        if let engine { return engine }
        guard let engine = nave_token_engine() else {
            throw TrustError.openSSL(
                "no-token-engine", "OpenSSL has no engine `pkcs11` (Debian's libengine-pkcs11-openssl)")
        }
        // Its own talk on stderr would repeat what the error says.
        _ = nave_token_command(engine, "QUIET", nil)
        guard nave_token_start(engine) == 1 else {
            nave_token_release(engine)
            throw TrustError.openSSL("no-token-engine", "OpenSSL's engine `pkcs11` does not start")
        }
        self.engine = engine
        return engine
    }

    private func choose(_ wanted: String?, _ engine: UnsafeMutableRawPointer) throws(TrustError) {
        if let module {
            guard wanted == module else {
                throw TrustError(
                    "no-token-module", "this process already uses the PKCS#11 module \(backticked(module ?? "default"))"
                )
            }
        } else if let wanted {
            guard nave_token_command(engine, "MODULE_PATH", wanted) == 1 else {
                throw TrustError.openSSL("no-token-module", "the engine does not take the module \(backticked(wanted))")
            }
        }
    }
}
