import Foundation
import Model
import Transport

/// Where to dial for an endpoint, and what to ask for there.
package struct EndpointPlace: Equatable {
    package var address: HostPort
    /// The URL's host and port, for `Host`.
    package var authority: String
    /// `/ledger/mcp`
    package var path: String

    /// - Throws: `bad-endpoint`, `bad-address`.
    package init(_ endpoint: Resolution.Endpoint) throws {
        guard let parts = URLComponents(string: endpoint.url), parts.scheme == "https", let host = parts.host,
            !host.isEmpty,
            parts.query == nil, parts.user == nil, parts.percentEncodedPath.hasPrefix("/")
        else {
            throw AdminError("bad-endpoint", "\(backticked(endpoint.url)) is no endpoint")
        }
        authority = parts.port.map { "\(host):\($0)" } ?? host
        path = parts.percentEncodedPath
        address = try HostPort(endpoint.address ?? "\(host):\(parts.port ?? 443)")
    }
}
