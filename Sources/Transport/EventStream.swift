import AsyncHTTPClient
import Model
import NIOCore

/// One event of a stream of server-sent events (WHATWG HTML, section 9.2).
package struct ServerSentEvent: Hashable, Sendable {
    /// `message` when the server named none.
    package var name: String
    package var id: String?
    package var data: String

    package init(name: String, id: String?, data: String) {
        self.name = name
        self.id = id
        self.data = data
    }
}

/// Bytes in, events out; no I/O. Lines end with LF or CRLF, which is what a hub writes.
package struct EventStreamReader: Sendable {
    /// A delivery holds a bundle of at most 16 MiB as Base64 in JSON.
    package static let maximumEventBytes = 32 << 20

    private var line: [UInt8] = []
    private var name = ""
    private var id: String?
    private var data: [String] = []
    private var held = 0

    package init() {}

    /// - Throws: `event-too-large`, `bad-event`.
    package mutating func read(_ bytes: some Sequence<UInt8>) throws(TransportError) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                if line.count + held > Self.maximumEventBytes {
                    throw TransportError("event-too-large", "an event has more than \(Self.maximumEventBytes) bytes")
                }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if let event = try take(line) { events.append(event) }
            line.removeAll(keepingCapacity: line.count < 64 << 10)
        }
        return events
    }

    private mutating func take(_ line: [UInt8]) throws(TransportError) -> ServerSentEvent? {
        guard let text = String(validating: line, as: UTF8.self) else {
            throw TransportError("bad-event", "an event is not UTF-8")
        }
        if text.isEmpty {
            defer {
                name = ""
                data = []
                held = 0
            }
            guard !data.isEmpty else { return nil }
            return ServerSentEvent(name: name.isEmpty ? "message" : name, id: id, data: data.joined(separator: "\n"))
        }
        if text.hasPrefix(":") { return nil }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? parts[1] : ""
        if value.hasPrefix(" ") { value = value.dropFirst() }
        switch parts[0] {
        case "event": name = String(value)
        case "data":
            data.append(String(value))
            held += value.utf8.count
        case "id": id = String(value)
        default: break
        }
        return nil
    }
}

/// The events of one open answer, read as fast as they are asked for. It ends when the hub ends it, throws `unreachable`
/// when the connection breaks or is silent for 45 s (a hub pings every 15 s), and closes the connection when dropped.
package struct EventStream: AsyncSequence, Sendable {
    package typealias Element = ServerSentEvent

    let body: HTTPClientResponse.Body

    package struct AsyncIterator: AsyncIteratorProtocol {
        var bytes: HTTPClientResponse.Body.AsyncIterator
        var reader = EventStreamReader()
        var ready: [ServerSentEvent] = []

        package mutating func next() async throws -> ServerSentEvent? {
            while ready.isEmpty {
                let chunk: ByteBuffer?
                do {
                    chunk = try await bytes.next()
                } catch {
                    throw HubClient.failure(error, "the hub's stream broke")
                }
                guard let chunk else { return nil }
                ready = try reader.read(chunk.readableBytesView)
            }
            return ready.removeFirst()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(bytes: body.makeAsyncIterator()) }
}
