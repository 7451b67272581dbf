import AsyncHTTPClient
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Trust

/// Speaks with a hub's listener over TLS 1.3: dials one address and demands a certificate for the hub's DNS name under the
/// organization's roots. Make a new one when the identity changes, and shut the old one down.
package final class HubClient: Sendable {
    /// The largest answer, a list or a bundle.
    package static let maximumAnswerBytes = 32 << 20

    private let client: HTTPClient
    private let base: String
    private let address: HostPort
    /// Judges the checkpoint on every answer; nil where nobody keeps one.
    private let seen: SeenCheckpoint?
    private let renewalAsked = NIOLockedValueBox(false)

    /// Whether the hub said that our certificate hangs on an authority that is about to go.
    package var isAskedToRenew: Bool { renewalAsked.withLockedValue { $0 } }

    /// - Parameters:
    ///   - hub: `https://h1.hub.corp.example:8443`, the name to be checked.
    ///   - address: `HOST:PORT` to dial.
    ///   - identity: Nil for the front listener only.
    ///   - roots: The organization's, from the trust manifest.
    ///   - seen: What this side has seen of the hub's ledger; every answer has to extend it.
    /// - Throws: `bad-url`, `bad-address`, `bad-certificate`.
    package init(
        hub: String, address: String, identity: TLSIdentity?, roots: [Certificate], seen: SeenCheckpoint? = nil
    ) throws(TransportError) {
        let name = try HubAddress(url: hub).name
        let dialled = try HostPort(address)
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        if let identity {
            let sources = try identity.sources()
            tls.certificateChain = sources.chain
            tls.privateKey = sources.key
        }
        do {
            tls.trustRoots = .certificates(
                try roots.map { try NIOSSLCertificate(bytes: try $0.tlsAnchor().der, format: .der) })
        } catch { throw TransportError("bad-certificate", "cannot use a root for TLS: \(error)") }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10), read: .seconds(45)))
        configuration.httpVersion = .http1Only
        configuration.dnsOverride = [name: dialled.host]
        // A hub that is away is said to be away at once; whoever can wait tries again by its own clock.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        // The certificate is checked for the name; the port is where the connection goes.
        base = "https://\(name):\(dialled.port)"
        self.address = dialled
        self.seen = seen
    }

    deinit {
        // The connections hold the client until they are closed; a program that ends at once just ends.
        let client = client
        Task { try? await client.shutdown() }
    }

    /// Closes every connection; calls under way fail. Who does not call it leaves that to the last reference's end.
    package func shutdown() async {
        try? await client.shutdown()
    }

    /// Asks what `body` asks, and closes every connection afterwards, however it ends.
    package func closed<Answer: Sendable, Failure: Error>(
        after body: (HubClient) async throws(Failure) -> Answer
    ) async throws(Failure) -> Answer {
        do throws(Failure) {
            let answer = try await body(self)
            await shutdown()
            return answer
        } catch {
            await shutdown()
            throw error
        }
    }

    /// - Parameter proving: False where the answer has its own proof, and says what the ledger's checkpoint is judged by.
    /// - Throws: The hub's own refusal by its code; `unreachable`, `hub-not-trusted`, `timeout`, `bad-answer`.
    package func get<Answer: Decodable>(
        _ path: String, query: [(String, String)] = [], as type: Answer.Type, proving: Bool = true
    ) async throws(TransportError) -> Answer {
        try decoded(type, try await exchange(request(.GET, path, query), proving: proving))
    }

    /// - Parameters:
    ///   - timeout: Until the hub begins to answer.
    ///   - proving: False where the request itself changes the keys that the answer's checkpoint is signed by.
    package func post<Answer: Decodable>(
        _ path: String, _ body: some Encodable, as type: Answer.Type, timeout: Milliseconds = .seconds(30),
        proving: Bool = true
    ) async throws(TransportError) -> Answer {
        var request = request(.POST, path, [])
        do throws(ModelError) {
            request.body = .bytes(ByteBuffer(bytes: try JSONCoding.canonical(body)))
        } catch { throw TransportError("cannot encode the request", because: error) }
        request.headers.add(name: "Content-Type", value: "application/json")
        return try decoded(type, try await exchange(request, timeout: timeout, proving: proving))
    }

    /// Opens a stream of server-sent events.
    /// - Parameter checkpoint: The newest signed note held; the hub then sends proofs that begin there.
    package func stream(_ path: String, checkpoint: String? = nil) async throws(TransportError) -> EventStream {
        var request = request(.GET, path, [])
        request.headers.replaceOrAdd(name: "Accept", value: "text/event-stream")
        if let checkpoint {
            request.headers.add(name: CheckpointHeader.name, value: CheckpointHeader.encode(checkpoint))
        }
        let response = try await execute(request, timeout: .seconds(30))
        guard response.status == .ok else { throw try await refusal(response) }
        return EventStream(body: response.body)
    }

    private func request(_ method: HTTPMethod, _ path: String, _ query: [(String, String)]) -> HTTPClientRequest {
        let pairs = query.map { "\(percentEncoded($0.0))=\(percentEncoded($0.1))" }
        var request = HTTPClientRequest(url: base + path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")))
        request.method = method
        request.headers.add(name: "Accept", value: "application/json")
        return request
    }

    private func exchange(
        _ request: HTTPClientRequest, timeout: Milliseconds = .seconds(30), proving: Bool = true
    ) async throws(TransportError) -> [UInt8] {
        var request = request
        let sent = seen?.current
        if let note = sent?.note {
            request.headers.add(name: CheckpointHeader.name, value: CheckpointHeader.encode(note))
        }
        let response = try await execute(request, timeout: timeout)
        guard (200..<300).contains(response.status.code) else { throw try await refusal(response) }
        let bytes = try await collected(response)
        if response.headers.first(name: RenewHeader.name) != nil { renewalAsked.withLockedValue { $0 = true } }
        guard proving else { return bytes }
        try seen?.judge(
            response.headers.first(name: CheckpointHeader.name), after: sent,
            proof: response.headers.first(name: CheckpointHeader.consistency))
        return bytes
    }

    private func execute(
        _ request: HTTPClientRequest, timeout: Milliseconds
    ) async throws(TransportError) -> HTTPClientResponse {
        do {
            return try await client.execute(request, timeout: .milliseconds(timeout.count))
        } catch { throw Self.failure(error, "cannot reach the hub at `\(address)`") }
    }

    private func collected(_ response: HTTPClientResponse) async throws(TransportError) -> [UInt8] {
        do {
            return Array((try await response.body.collect(upTo: Self.maximumAnswerBytes)).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw TransportError("answer-too-large", "the hub's answer has more than \(Self.maximumAnswerBytes) bytes")
        } catch { throw Self.failure(error, "the hub's answer broke off") }
    }

    private func refusal(_ response: HTTPClientResponse) async throws(TransportError) -> TransportError {
        let bytes = try await collected(response)
        guard let problem = try? JSONCoding.decode(ProblemDetails.self, from: bytes) else {
            return TransportError(
                "bad-answer", "the hub answered \(response.status.code) without saying why",
                status: Int(response.status.code))
        }
        return TransportError(problem)
    }

    private func decoded<Answer: Decodable>(_ type: Answer.Type, _ bytes: [UInt8]) throws(TransportError) -> Answer {
        do throws(ModelError) {
            return try JSONCoding.decode(type, from: bytes)
        } catch {
            throw TransportError(
                "bad-answer", "the hub's answer is not what this program reads: \(error.message)",
                hint: "hub and program may be of different versions")
        }
    }

    static func failure(_ error: any Error, _ attempt: String) -> TransportError {
        switch error {
        case let error as TransportError: error
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            TransportError("timeout", "\(attempt): no answer in time")
        case let error as NIOSSLError:
            TransportError(
                "hub-not-trusted", "\(attempt): the TLS handshake failed: \(tlsReason(error))",
                hint: "the certificate on one side is not believed by the other; it may have expired or been revoked")
        case let error as NIOSSLExtraError:
            TransportError("hub-not-trusted", "\(attempt): \(error)")
        case let error as BoringSSLError:
            // In TLS 1.3 the other side judges our certificate after our handshake: its verdict comes with the first read.
            TransportError(
                "certificate-refused", "\(attempt): it refused our certificate: \(tlsReason(error))",
                hint: "the certificate may have expired or been revoked; `nave status` of an owner tells")
        case is CancellationError: TransportError("cancelled", "\(attempt): cancelled")
        default: TransportError("unreachable", "\(attempt): \(error)")
        }
    }
}

/// All but unreserved characters (RFC 3986, section 2.3) as `%XX`.
package func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        let character = Unicode.Scalar(byte)
        if character.properties.isAlphabetic && byte < 0x80 || (0x30...0x39).contains(byte)
            || "-._~".unicodeScalars.contains(character)
        {
            result.unicodeScalars.append(character)
        } else {
            let digits = String(byte, radix: 16, uppercase: true)
            result += "%" + (digits.count == 1 ? "0" : "") + digits
        }
    }
    return result
}
