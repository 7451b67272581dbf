import AsyncHTTPClient
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Fetches one small document from an address of this host's settings: over TLS, or from loopback; no redirects, no cookies,
/// no proxy, no address that anybody else named.
package final class DocumentClient: Sendable {
    /// From the request to the last byte of the answer.
    private static let timeout = TimeAmount.seconds(10)

    private let client: HTTPClient
    private let url: String
    private let maximumBytes: Int

    /// - Parameters:
    ///   - url: one that `isAllowed`.
    ///   - roots: PEM file of the roots to believe; nil for the host's own.
    /// - Throws: `bad-url`, `bad-certificate`.
    package init(_ url: String, roots: String?, maximumBytes: Int) throws(TransportError) {
        guard Self.isAllowed(url) else { throw TransportError("bad-url", "\(quoted(url)) is not fetched from") }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        do {
            if let roots { tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(roots)) }
        } catch { throw TransportError("bad-certificate", "cannot read the roots at \(quoted(roots ?? "")): \(error)") }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: Self.timeout, read: Self.timeout))
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        self.url = url
        self.maximumBytes = maximumBytes
    }

    deinit {
        let client = client
        Task { try? await client.shutdown() }
    }

    /// `https://HOST…`, or `http://` to loopback.
    package static func isAllowed(_ url: String) -> Bool {
        guard url.utf8.count <= 1000, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !url.contains("#") else {
            return false
        }
        if url.hasPrefix("https://") { return authority(url, "https://") != nil }
        return authority(url, "http://")?.isLoopback ?? false
    }

    private static func authority(_ url: String, _ scheme: String) -> HostPort? {
        guard url.hasPrefix(scheme) else { return nil }
        let text = String(url.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" })
        return (try? HostPort(text)) ?? (try? HostPort(text + ":443"))
    }

    /// - Throws: `unreachable`, `bad-answer`.
    package func fetch() async throws(TransportError) -> [UInt8] {
        do {
            // The client itself bounds the time to the head, and each pause within the body: a body that drips has no end.
            return try await withThrowingTaskGroup(of: [UInt8].self) { group in
                defer { group.cancelAll() }
                group.addTask { try await self.read() }
                group.addTask {
                    try await Task.sleep(for: .nanoseconds(Self.timeout.nanoseconds))
                    throw TransportError("unreachable", "\(quoted(self.url)) was not there within 10 s")
                }
                guard let bytes = try await group.next() else { throw CancellationError() }
                return bytes
            }
        } catch let error as TransportError {
            throw error
        } catch { throw TransportError("unreachable", "cannot fetch \(quoted(url)): \(error)") }
    }

    private func read() async throws -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Accept", value: "application/json")
        let response = try await client.execute(request, timeout: Self.timeout)
        guard response.status == .ok else {
            throw TransportError("bad-answer", "\(quoted(url)) answered \(response.status.code)")
        }
        return Array(try await response.body.collect(upTo: maximumBytes).readableBytesView)
    }
}
