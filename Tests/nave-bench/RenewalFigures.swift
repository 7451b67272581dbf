import Foundation
import HubService
import Logging
import Model
import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Transport
import Trust

/// Everybody at once: a real `nave-hub`, and as many spokes that each open a mutual TLS connection of their own, ask for a
/// new certificate over HTTP, and close. Served is who has a certificate that stands in the ledger. The spokes run in this
/// process, on the same machine; they share one key, so that making keys is no part of the figure.
enum RenewalFigures {
    private static let spokes = 10_000
    private static let zones = 10
    private static let atOnce = 64

    static func measure(_ tell: (String) -> Void) async throws -> [Figure] {
        tell("a hub with \(spokes) spokes")
        let directory = try TemporaryDirectory()
        let key = try PrivateKey.generateP256()
        let members = try await prepare(directory, key)
        let context = try OpenedContext(
            JSONCoding.decode(HubContext.self, from: Array(try directory.read("admin.json").utf8)))
        let hub = try ChildProcess(
            Checkout.program("nave-hub"),
            ["serve", "--data", directory.file("hub"), "--ready-file", directory.file("ready"), "--log-level", "error"])
        try await eventually("the hub is ready", seconds: 300) {
            guard hub.isRunning else { throw TimedOut(description: "the hub ended: \(hub.standardError)") }
            return (try? directory.read("ready"))?.isEmpty == false
        }
        tell("\(spokes) renewals, \(atOnce) at once")
        let caller = try RenewalCaller(context, key)
        let before = processorSeconds(of: hub.pid)
        let spent = try await Figure.Clock.wall.time { try await renew(members, caller) }
        tell("the hub's processor time: \(rounded(processorSeconds(of: hub.pid) - before)) s")
        try await hub.terminate()
        return [
            Figure(
                name: "renewals-of-10000-spokes", value: spent, unit: "s", clock: .wall, target: .valueAtMost(30))
        ]
    }

    private static func renew(_ members: [TLSIdentity], _ caller: RenewalCaller) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<atOnce {
                group.addTask {
                    for index in stride(from: lane, to: members.count, by: atOnce) {
                        try await caller.renew(members[index])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Makes a data directory whose topology has all spokes, and their certificates.
    private static func prepare(_ directory: TemporaryDirectory, _ key: PrivateKey) async throws -> [TLSIdentity] {
        try await HubInit(
            data: directory.file("hub"), organization: "corp.example", listen: "127.0.0.1:\(freePort())",
            front: "127.0.0.1:\(freePort())", adminContext: directory.file("admin.json"), environment: .development
        ).run(now: wallClock)
        let parts = try await HubParts(
            directory: HubDirectory(directory.file("hub")), now: wallClock,
            log: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let context = try JSONCoding.decode(HubContext.self, from: Array(try directory.read("admin.json").utf8))
        let names = (0..<spokes).map { (zone: "zone-\($0 % zones)", name: "spoke-\($0)") }
        let topology = Topology(
            organization: Organization(domain: "corp.example"),
            zones: try (0..<zones).map {
                Zone(name: "zone-\($0)", classification: .internal, networks: [try Network("127.0.0.0/8")])
            }, spokes: names.map { Spoke(zone: $0.zone, name: $0.name) })
        _ = try await parts.services.topology.apply(
            TopologyRequest(topology: topology, allowRemovals: false),
            by: Standing(of: context.identity, parts.ledger.snapshot))
        var members: [TLSIdentity] = []
        var issued: [Event] = []
        for (zone, name) in names {
            let identity = try SPIFFEID("spiffe://\(zone).corp.example/spoke/\(name)")
            let leaf = try parts.authority.issue(
                .spoke, to: identity, dns: "\(name).\(zone).corp.example", key: key.publicKey, now: wallClock())
            members.append(try TLSIdentity(key: key, chain: leaf.chain))
            issued.append(
                .certificateIssued(
                    CertificateIssued(
                        identity: identity, serial: leaf.certificate.serial, notBefore: leaf.certificate.notBefore,
                        notAfter: leaf.certificate.notAfter, key: key.publicKey.spkiDigest,
                        certificate: Base64.encode(leaf.certificate.der), invitation: nil)))
        }
        let events = issued
        try await parts.ledger.append(by: .hub) { _ in events }
        return members
    }

    /// User and system time of another process (proc(5)).
    private static func processorSeconds(of pid: Int32) -> Double {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ").compactMap { Double($0) } ?? []
        // After the name: state is no number, so utime and stime are the 11th and 12th.
        return fields.count > 11 ? (fields[10] + fields[11]) / Double(sysconf(Int32(_SC_CLK_TCK))) : 0
    }
}

/// One connection, one request, one answer.
private struct RenewalCaller {
    private let address: HostPort
    private let name: String
    private let verifier: PeerVerifier
    private let request: ByteBuffer

    init(_ context: OpenedContext, _ key: PrivateKey) throws {
        address = try HostPort(context.context.address)
        name = String(context.context.hub.dropFirst("https://".count).prefix { $0 != ":" })
        verifier = try context.verifier(zones: [])
        let body = try JSONCoding.canonical(RenewRequest(csr: Base64.encode(try CertificateRequest.make(key: key))))
        request = ByteBuffer(
            string: "POST /v1/certificates/renew HTTP/1.1\r\nHost: \(name)\r\nContent-Type: application/json\r\n"
                + "Connection: close\r\nContent-Length: \(body.count)\r\n\r\n" + String(decoding: body, as: UTF8.self))
    }

    func renew(_ member: TLSIdentity) async throws {
        let answered = NIOLockedValueBox<EventLoopFuture<String>?>(nil)
        let verifier = verifier
        let (channel, _) = try await MutualTLS.dial(
            address, try MutualTLS.clientGeneration(member), expecting: .name(name), verifier: { verifier },
            now: wallClock
        ) { channel in
            let promise = channel.eventLoop.makePromise(of: String.self)
            answered.withLockedValue { $0 = promise.futureResult }
            try channel.pipeline.syncOperations.addHandler(WholeAnswer(promise))
        }
        channel.writeAndFlush(request, promise: nil)
        let answer = try await answered.withLockedValue { $0 }?.get() ?? ""
        guard answer.hasPrefix("HTTP/1.1 200"), answer.contains("BEGIN CERTIFICATE") else {
            throw TimedOut(description: "a renewal was refused: \(answer.prefix(600))")
        }
    }
}

/// Collects what comes until the other side closes.
private final class WholeAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<String>
    private var bytes = ByteBuffer()

    init(_ promise: EventLoopPromise<String>) { self.promise = promise }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var piece = unwrapInboundIn(data)
        bytes.writeBuffer(&piece)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(String(buffer: bytes)) }
}
