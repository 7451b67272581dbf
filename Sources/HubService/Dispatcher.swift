import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Model
import NIOCore
import ServiceLifecycle
import Transport
import Trust

/// From HTTP to the table and back: the only place that knows both.
struct Dispatcher: HTTPResponder {
    typealias Context = HubRequestContext

    let listener: Listener
    let handlers: RouteHandlers
    let streams: StreamWriter
    let log: Logger

    func respond(to request: HummingbirdCore.Request, context: HubRequestContext) async throws -> Response {
        do {
            let (route, parameters) = try Routes.match(request.method.rawValue, request.uri.path, on: listener)
            var call = Call(
                route: route, parameters: parameters, query: try Query(parsing: request.uri.query ?? ""),
                identity: context.peer?.id, peer: context.peer, address: context.address)
            call.checkpoint = request.headers[.naveCheckpoint].flatMap(CheckpointHeader.decode)
            let requester = try handlers.admit(call)
            call.body = try await body(of: request, limit: route.bodyLimit)
            let reply = try await handlers.answer(call, from: requester)
            if route.method == .post, let identity = call.identity, route.caller != .spoke {
                log.info("done", metadata: ["route": "\(route.path)", "by": "\(identity)"])
            }
            switch reply {
            case .json(let bytes):
                var response = answer(bytes, status: .ok, type: "application/json")
                if let identity = call.identity {
                    let newest = await handlers.services.checkpoints.compare(
                        call.checkpoint, from: identity.description)
                    response.headers[.naveCheckpoint] = CheckpointHeader.encode(newest.note)
                    if let peer = call.peer,
                        !Set(peer.issuers + peer.issuerKeys).isDisjoint(with: handlers.ledger.snapshot.taintedIssuers)
                    {
                        response.headers[.naveRenew] = RenewHeader.value
                    }
                    response.headers[.naveConsistency] = newest.consistency.map {
                        CheckpointHeader.encode(proof: $0.path)
                    }
                }
                return response
            case .bytes(let bytes, let type): return answer(bytes, status: .ok, type: type)
            case .stream(let spoke, let version, let checkpoint):
                return await streams.response(for: spoke, holding: version, and: checkpoint, request)
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            return refuse(error, request, context)
        }
    }

    private func body(of request: HummingbirdCore.Request, limit: Int) async throws -> [UInt8] {
        let tooLarge = HubError(.tooLarge, "too-large", "the request's body has more than \(limit) bytes")
        guard limit > 0 else {
            if Self.hasBody(request) { throw HubError(.tooLarge, "too-large", "this request takes no body") }
            return []
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        guard request.headers[.contentType].map(isJSON) ?? false else {
            throw HubError(.invalid, "not-json", "the request's body is not `application/json`")
        }
        do {
            return Array(try await request.body.collect(upTo: limit).readableBytesView)
        } catch is NIOTooManyBytesError { throw tooLarge }
    }

    private static func hasBody(_ request: HummingbirdCore.Request) -> Bool {
        request.headers[.transferEncoding] != nil || request.headers[.contentLength].map { $0 != "0" } ?? false
    }

    private func isJSON(_ type: String) -> Bool {
        type.prefix { $0 != ";" }.trimmingSuffix(while: { $0 == " " }).lowercased() == "application/json"
    }

    private func refuse(_ error: any Error, _ request: HummingbirdCore.Request, _ context: HubRequestContext)
        -> Response
    {
        let problem = Problem.details(error)
        let metadata: Logger.Metadata = [
            "code": "\(problem.code)", "status": "\(problem.status)", "method": "\(request.method)",
            "path": "\(quoted(request.uri.path))", "address": "\(context.address)",
            "by": "\(context.peer?.id.description ?? "-")",
        ]
        if problem.status >= 500 {
            log.error("failed", error: error, metadata: metadata)
        } else {
            log.notice("refused", metadata: metadata)
        }
        let bytes = (try? JSONCoding.canonical(problem)) ?? []
        var response = answer(
            bytes, status: HTTPResponse.Status(code: problem.status), type: "application/problem+json")
        if Self.hasBody(request) {
            // What is left of the body is not read: the connection goes once the answer had time to leave.
            response.headers[.connection] = "close"
            let channel = context.channel
            channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(mode: .all, promise: nil) }
        }
        return response
    }

    private func answer(_ bytes: [UInt8], status: HTTPResponse.Status, type: String) -> Response {
        Response(
            status: status, headers: SecurityHeaders.with(type),
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// On every answer: nothing of the API is for a browser to interpret, frame or keep.
enum SecurityHeaders {
    static func with(_ contentType: String) -> HTTPFields {
        var fields = HTTPFields()
        fields[.contentType] = contentType
        fields[.cacheControl] = "no-store"
        fields[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        fields[.strictTransportSecurity] = "max-age=63072000; includeSubDomains"
        fields[.xContentTypeOptions] = "nosniff"
        return fields
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while matches: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, matches(last) { text.removeLast() }
        return text
    }
}

extension HTTPField.Name {
    fileprivate static let naveCheckpoint = HTTPField.Name(CheckpointHeader.name) ?? .via
    fileprivate static let naveRenew = HTTPField.Name(RenewHeader.name) ?? .via
    fileprivate static let naveConsistency = HTTPField.Name(CheckpointHeader.consistency) ?? .via
}
