import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// Somebody between a host that enrols and the hub's front listener, who ends TLS with a certificate of their own, reads
    /// along, and passes everything on.
    @Suite("a man in the middle of an enrolment")
    struct MiddlemanTests {
        private let openssl = URL(fileURLWithPath: "/usr/bin/openssl")
        private let curl = URL(fileURLWithPath: "/usr/bin/curl")

        @Test("the secret does not arrive, whatever he shows and whenever he steps in; the token stays good")
        func enrolment() async throws {
            let wheel = try await Wheel.withHub()
            let token = try await wheel.nave(["spoke", "invite", "finance/fin-1"]).output
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let secret = try #require(try Self.body(of: token)["secret"]?.string)
            try await makeCertificate(wheel)
            let own = try wheel.directory.read("middle.pem")
            let real = try wheel.directory.read("hub/keys/root.pem")

            // He reads what comes from whoever does not check: the test could fail.
            let naive = try await Middleman(wheel, "naive", chain: own, passed: 0)
            let health = try await run(curl, ["-sSk", "https://127.0.0.1:\(naive.port)/v1/health?\(secret)"])
            #expect(health.code == 0, "\(health)")
            try await eventually("he reads along") { try naive.heard().contains(secret) }

            // A chain of his own; his leaf with the hub's real root behind it; and only the second connection is his.
            for (name, chain, passed) in [("own", own, 0), ("mixed", own + real, 0), ("late", own, 1)] {
                let middle = try await Middleman(wheel, name, chain: chain, passed: passed)
                let turned = try Self.turned(token, to: "127.0.0.1:\(middle.port)")
                let data = wheel.directory.file("spoke-\(name)")
                let refused = try await run(Checkout.program("nave-spoke"), ["enroll", "--data", data], input: turned)
                #expect(refused.code == 1, "\(name): \(refused)")
                #expect(!refused.errors.contains(secret))
                #expect(middle.connections > passed, "\(name): he was not met")
                #expect(try middle.heard() == "", "\(name): nothing is said to him")
                #expect(!FileManager.default.fileExists(atPath: "\(data)/chain.pem"))
                let client = try await run(
                    Checkout.program("nave"),
                    ["client", "enroll", "--context-file", wheel.directory.file("\(name).json")],
                    input: try Self.turned(
                        await wheel.nave(["client", "invite", "analytics/reporting-bot"]).output,
                        to: "127.0.0.1:\(middle.port)"))
                #expect(client.code == 1, "\(name): \(client)")
                #expect(try middle.heard() == "")
            }

            let good = try await run(
                Checkout.program("nave-spoke"), ["enroll", "--data", wheel.directory.file("spoke")], input: token)
            #expect(good.code == 0, "\(good)")
        }

        /// A root of his own, and under it a leaf that bears the hub's names.
        private func makeCertificate(_ wheel: Wheel) async throws {
            let names = "subjectAltName=DNS:h1.hub.corp.example,URI:spiffe://corp.example/hub/h1"
            for arguments in [
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=corp.example root", "-days", "7", "-keyout", wheel.directory.file("middle-root.key"), "-out",
                    wheel.directory.file("middle-root.pem"),
                ],
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/",
                    "-days", "7", "-addext", names, "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
                    "extendedKeyUsage=serverAuth", "-CA", wheel.directory.file("middle-root.pem"), "-CAkey",
                    wheel.directory.file("middle-root.key"), "-keyout", wheel.directory.file("middle.key"), "-out",
                    wheel.directory.file("middle-leaf.pem"),
                ],
            ] {
                let made = try await run(openssl, arguments)
                try #require(made.code == 0, "\(made.errors)")
            }
            try wheel.directory.write(
                "middle.pem", wheel.directory.read("middle-leaf.pem") + wheel.directory.read("middle-root.pem"))
        }

        private static func body(of token: String) throws -> JSON {
            var text = token.trimmingCharacters(in: .whitespacesAndNewlines).dropFirst("nave-join:".count)
                .replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
            text += String(repeating: "=", count: (4 - text.count % 4) % 4)
            return try JSON(parsing: Array(try #require(Data(base64Encoded: text))))
        }

        /// The token as he would hand it on: with his address. It is not signed, and need not be.
        private static func turned(_ token: String, to address: String) throws -> String {
            var object = try #require(try body(of: token).object)
            object["address"] = .string(address)
            let text = Data(JSON.object(object).canonicalBytes).base64EncodedString()
            return "nave-join:"
                + text.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                .replacingOccurrences(of: "=", with: "")
        }
    }
}

/// The proxy: ends TLS with the given chain, writes down each byte that it reads, and passes it on to the front listener.
private final class Middleman: Sendable {
    let port: Int
    private let directory: TemporaryDirectory
    private let child: ChildProcess

    /// - Parameter passed: how many connections go through untouched before he steps in.
    init(_ wheel: Wheel, _ name: String, chain: String, passed: Int) async throws {
        directory = try TemporaryDirectory()
        port = try freePort()
        let script = try directory.write("middle.py", Self.script)
        let child = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            [
                "-u", script, "\(port)", "\(wheel.frontPort)", try directory.write("chain.pem", chain),
                wheel.directory.file("middle.key"), try directory.write("heard", ""), "\(passed)",
            ])
        self.child = child
        try await eventually("the man in the middle listens") {
            guard child.isRunning else { throw TimedOut(description: "he ended: \(child.standardError)") }
            return child.standardOutput.contains("listening")
        }
    }

    deinit { child.signal(SIGKILL) }

    /// What was said to him over TLS.
    func heard() throws -> String { try directory.read("heard") }
    var connections: Int { child.standardOutput.components(separatedBy: "connection").count - 1 }

    private static let script = #"""
        import socket, ssl, sys, threading
        port, front, chain, key, heard, passed = sys.argv[1:7]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        onward = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        onward.check_hostname = False
        onward.verify_mode = ssl.CERT_NONE

        def pump(source, target, record=None):
            try:
                while data := source.recv(65536):
                    if record:
                        with open(record, "ab") as file: file.write(data)
                    target.sendall(data)
            except OSError: pass
            for side in (source, target):
                try: side.shutdown(socket.SHUT_RDWR)
                except OSError: pass

        def serve(connection, untouched):
            try:
                hub = socket.create_connection(("127.0.0.1", int(front)))
                if not untouched:
                    connection = context.wrap_socket(connection, server_side=True)
                    hub = onward.wrap_socket(hub, server_hostname="h1.hub.corp.example")
            except (OSError, ssl.SSLError) as error:
                print("ended", error)
                return
            threading.Thread(target=pump, args=(hub, connection), daemon=True).start()
            pump(connection, hub, None if untouched else heard)

        listener = socket.create_server(("127.0.0.1", int(port)))
        print("listening")
        count = 0
        while True:
            connection, _ = listener.accept()
            print("connection")
            threading.Thread(target=serve, args=(connection, count < int(passed)), daemon=True).start()
            count += 1
        """#
}
