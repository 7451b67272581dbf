import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// Certificates in their life: renewed while calls go on, after they ended, and refused once revoked.
    @Suite("certificates end to end")
    struct CertificateTests {
        private let openssl = URL(fileURLWithPath: "/usr/bin/openssl")

        @Test("a spoke renews with a new key, a kept connection goes on, the next start shows the new certificate")
        func renewal() async throws {
            let wheel = try await Wheel.turning()
            let first = try await spokeCertificates(wheel)
            #expect(first.count == 1)
            try await wheel.restartSpoke(["--renew-after", "4s"])
            let kept = try Prober(wheel, server: "ledger")
            defer { kept.stop() }
            try await eventually("the kept connection has an answer") { kept.lines.contains("kept 200") }
            try await eventually("the spoke renewed twice", seconds: 40) {
                try await spokeCertificates(wheel).count >= 3
            }
            let before = kept.lines.count { $0 == "kept 200" }
            try await eventually("the kept connection goes on") { kept.lines.count { $0 == "kept 200" } > before + 3 }
            #expect(!kept.lines.contains { $0.hasPrefix("kept ended") }, "\(kept.lines.suffix(5))")
            let rows = try await spokeCertificates(wheel)
            #expect(Set(rows.compactMap { $0["key"]?.string }).count == rows.count)
            #expect(rows.count { $0["state"]?.string == "current" } == 1)

            // The stream came back under the new identity: a change still arrives.
            try wheel.addRules(
                "later.yaml",
                "  - { id: later, deny: [\"tool:nothing\"], servers: [ledger], to: [anyone], reason: a test }")
            try await wheel.apply()
            try await wheel.converge()
            try await wheel.restartSpoke([])
            let newest = try #require(try await spokeCertificates(wheel).first { $0["state"]?.string == "current" })
            let shown = try await run(
                openssl,
                [
                    "s_client", "-connect", "127.0.0.1:\(wheel.spokePort)", "-showcerts", "-cert", kept.chain, "-key",
                    kept.key,
                ])
            let serial = try await run(openssl, ["x509", "-noout", "-serial"], input: shown.output)
            #expect(serial.output.lowercased() == "serial=\(newest["serial"]?.string ?? "")\n", "\(serial)")
            #expect(wheel.spoke?.standardError.contains("the stored delivery is refused") == false)
        }

        @Test("a spoke whose certificate ended renews by itself with its old key, once the hub is there")
        func expiry() async throws {
            let wheel = try await Wheel.turning()
            _ = try await wheel.hub?.terminate()
            // Eight days later, for the hub and the spoke.
            let later = try await clock(in: wheel.directory, ahead: 8 * 86_400)
            try await wheel.restartSpoke([], environment: later)
            let spoke = try #require(wheel.spoke)
            try await eventually("the spoke tries in vain") {
                spoke.standardError.contains("the certificate could not be renewed")
            }
            try await wheel.startHub(environment: later)
            try await eventually("the spoke is back: \(spoke.standardError.suffix(2000))", seconds: 60) {
                spoke.standardError.contains("certificate renewed")
                    && spoke.standardError.contains("connected to the hub")
            }
            let log = wheel.hub?.standardError ?? ""
            #expect(log.contains("an expired certificate was renewed"), "\(log.suffix(2000))")
            // Twenty days after that the grace is over, too.
            _ = try await wheel.hub?.terminate()
            let tooLate = try await clock(in: wheel.directory, ahead: 40 * 86_400)
            try await wheel.startHub(environment: tooLate)
            try await wheel.restartSpoke([], environment: tooLate)
            let late = try #require(wheel.spoke)
            try await eventually("the spoke is told that it is too late: \(late.standardError.suffix(2000))") {
                late.standardError.contains("more than 14d ago")
            }
            #expect(!late.standardError.contains("certificate renewed"))
        }

        @Test("a client whose certificate ended renews with its old key, where its zone lets it; a person does not")
        func lateClient() async throws {
            let wheel = try await Wheel.withHub()
            let zone = try wheel.directory.read("topology/zones/finance/zone.yaml")
            try wheel.directory.write(
                "topology/zones/finance/zone.yaml",
                zone.replacing("\nclassification:", with: "\nrenewal: { expired: false }\nclassification:"))
            try await wheel.apply()
            let exported = try await wheel.nave(["topology", "export", wheel.directory.file("exported")])
            #expect(exported.code == 0)
            #expect(try wheel.directory.read("exported/zones/finance.yaml").contains("expired: false"))
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
            try await wheel.enrolClient("finance/housekeeping", as: "keeper")
            #expect(try await wheel.hub?.terminate() == 0)
            let later = try await clock(in: wheel.directory, ahead: 8 * 86_400)

            func connect(_ name: String) async throws -> Finished {
                try await run(
                    Checkout.program("nave"), ["connect", "finance/ledger"],
                    environment: later.merging([
                        "NAVE_CONTEXT": wheel.directory.file("\(name).json"),
                        "XDG_CACHE_HOME": wheel.directory.file("late-cache"),
                    ]) { $1 }, input: Wheel.hello() + "\n")
            }
            let (bot, keeper) = try (wheel.directory.read("bot.json"), wheel.directory.read("keeper.json"))
            let away = try await connect("bot")
            #expect(away.errors.contains("could not be renewed, it ended at"), "\(away)")
            #expect(away.output.contains("\"error\"") && !away.output.contains("serverInfo"), "\(away)")
            #expect(try wheel.directory.read("bot.json") == bot)

            try await wheel.startHub(environment: later)
            let renewed = try await connect("bot")
            #expect(!renewed.errors.contains("could not be renewed"), "\(renewed)")
            let after = try wheel.directory.read("bot.json")
            #expect(after != bot)
            #expect(wheel.hub?.standardError.contains("an expired certificate was renewed") == true)
            // The hub lets it in again: nothing is left to renew.
            let again = try await connect("bot")
            #expect(!again.output.contains("ended at"), "\(again)")
            #expect(try wheel.directory.read("bot.json") == after)

            let refused = try await connect("keeper")
            #expect(refused.errors.contains("`finance` are not renewed") && refused.errors.contains("--replace"))
            #expect(try wheel.directory.read("keeper.json") == keeper)
            let person = try await run(
                Checkout.program("nave"), ["status"],
                environment: later.merging(["NAVE_CONTEXT": wheel.directory.file("dana.json")]) { $1 })
            #expect(person.code == 1 && person.errors.contains("enrol again"), "\(person)")
        }

        /// Variables that set a program's wall clock ahead.
        private func clock(in directory: TemporaryDirectory, ahead seconds: Int) async throws -> [String: String] {
            let library = directory.file("ahead-\(seconds).so")
            let source = try directory.write(
                "ahead.c",
                """
                #define _GNU_SOURCE
                #include <dlfcn.h>
                #include <sys/time.h>
                #include <time.h>
                int clock_gettime(clockid_t id, struct timespec *now) {
                    static int (*real)(clockid_t, struct timespec *);
                    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
                    int result = real(id, now);
                    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) now->tv_sec += AHEAD;
                    return result;
                }
                time_t time(time_t *out) {
                    struct timespec now;
                    clock_gettime(CLOCK_REALTIME, &now);
                    if (out) *out = now.tv_sec;
                    return now.tv_sec;
                }
                int gettimeofday(struct timeval *restrict out, void *restrict zone) {
                    struct timespec now;
                    clock_gettime(CLOCK_REALTIME, &now);
                    out->tv_sec = now.tv_sec;
                    out->tv_usec = now.tv_nsec / 1000;
                    return 0;
                }

                """)
            let made = try await run(
                URL(fileURLWithPath: "/usr/bin/env"),
                ["cc", "-shared", "-fPIC", "-DAHEAD=\(seconds)", "-o", library, source, "-ldl"])
            try #require(made.code == 0, "\(made.errors)")
            return ["LD_PRELOAD": library]
        }

        @Test("a context is renewed by the command that uses it, and by a connect that lasts; a failure only warns")
        func contexts() async throws {
            let wheel = try await Wheel.withHub()
            let file = wheel.directory.file("dana.json")
            let first = try wheel.directory.read("dana.json")
            let quiet = try await wheel.nave(["status"])
            #expect(quiet.code == 0)
            #expect(try wheel.directory.read("dana.json") == first)
            let program = Checkout.program("nave")
            let renewing = ["NAVE_CONTEXT": file, "NAVE_RENEW_AFTER": "1s"]
            try await eventually("a command renews the context") {
                let renewed = try await run(program, ["status"], environment: renewing)
                #expect(renewed.code == 0 && !renewed.errors.contains("warning"), "\(renewed)")
                return try wheel.directory.read("dana.json") != first
            }
            let second = try wheel.directory.read("dana.json")
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let listed = try await wheel.nave(["certificate", "list", "-o", "json"])
            let mine = try #require(try JSON(parsing: Array(listed.output.utf8)).array).filter {
                $0["identity"]?.string?.contains("/user/") ?? false
            }
            #expect(mine.compactMap { $0["state"]?.string } == ["current", "superseded"], "\(listed.output)")

            // One that lasts renews by itself, also before anybody called anything.
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
            let bot = try wheel.directory.read("bot.json")
            try await eventually("nave connect renews its context") {
                let connect = try await run(
                    URL(fileURLWithPath: "/bin/sh"),
                    ["-c", "sleep 1 | exec \"$0\" connect finance/ledger", program.path],
                    environment: ["NAVE_CONTEXT": wheel.directory.file("bot.json"), "NAVE_RENEW_AFTER": "1s"])
                #expect(connect.code == 0 && !connect.errors.contains("warning"), "\(connect)")
                return try wheel.directory.read("bot.json") != bot
            }

            // Where the hub does not renew, the command fails for its own reason and the file stays.
            _ = try await wheel.hub?.terminate()
            try await eventually("the command warns and fails for its own reason") {
                let away = try await run(program, ["status"], environment: renewing)
                #expect(away.code == 1 && away.errors.contains("cannot reach the hub"), "\(away)")
                return away.errors.contains("warning: the certificate of")
            }
            #expect(try wheel.directory.read("dana.json") == second)
        }

        @Test("a revoked client's kept connection and resumed session are refused within seconds; --wait says when")
        func revocation() async throws {
            let wheel = try await Wheel.turning()
            let prober = try Prober(wheel, server: "ledger")
            defer { prober.stop() }
            try await eventually("the prober resumed and kept") {
                prober.lines.contains("resumed true 200") && prober.lines.contains("kept 200")
            }
            let revoked = try await wheel.nave([
                "client", "revoke", "analytics/reporting-bot", "--why", "lost laptop", "--yes", "--wait", "30s", "-o",
                "json",
            ])
            // Data and nothing else on standard output.
            let change = try JSON(parsing: Array(revoked.output.utf8))
            #expect(change["index"]?.integer != nil && change["spokes"]?.array?.isEmpty == false, "\(revoked)")
            #expect(revoked.code == 0 && revoked.errors.contains("1 spoke acknowledged it"), "\(revoked)")
            // From the acknowledgement on.
            try await eventually("both are refused", seconds: 5) {
                prober.lines.contains { $0.hasPrefix("kept ended") }
                    && prober.lines.contains { $0.hasPrefix("resumed refused") }
            }
            let last = prober.lines.lastIndex { $0.hasPrefix("resumed true") } ?? 0
            let refused = prober.lines.firstIndex { $0.hasPrefix("resumed refused") } ?? 0
            #expect(last < refused, "\(prober.lines)")

            let again = try await wheel.nave(["client", "invite", "analytics/reporting-bot"])
            #expect(again.code == 1 && again.errors.contains("--replace"), "\(again)")
            let replaced = try await wheel.nave(["client", "invite", "analytics/reporting-bot", "--replace"])
            #expect(replaced.code == 0)

            // A revoked spoke comes back with another key only, and by itself.
            let old = try wheel.directory.read("spoke/key.pem")
            let gone = try await wheel.nave(["spoke", "revoke", "finance/fin-1", "--why", "x", "--yes", "--wait", "5s"])
            #expect(gone.code == 0, "\(gone)")
            let token = try await wheel.nave(["spoke", "invite", "finance/fin-1", "--replace"]).output
            let enrolled = try await run(
                Checkout.program("nave-spoke"), ["enroll", "--data", wheel.directory.file("spoke")], input: token)
            #expect(enrolled.code == 0, "\(enrolled)")
            #expect(try wheel.directory.read("spoke/key.pem") != old)
            try await wheel.restartSpoke([])
            try await wheel.converge()

            // A spoke that is away acknowledges nothing.
            _ = try await wheel.spoke?.terminate()
            try await wheel.enrolClient("finance/housekeeping", as: "keeper")
            let missed = try await wheel.nave([
                "client", "revoke", "finance/housekeeping", "--why", "x", "--yes", "--wait", "1s",
            ])
            #expect(missed.code == 5 && missed.errors.contains("finance/fin-1"), "\(missed)")
        }

        @Test("one certificate is revoked by its serial, and openssl believes the zone's list")
        func revocationList() async throws {
            let wheel = try await Wheel.withHub()
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
            let (chain, _) = try wheel.credential(of: "bot")
            let root = wheel.directory.file("hub/keys/root.pem")
            try await crl(wheel, "analytics")
            let check = [
                "verify", "-crl_check", "-CAfile", root, "-untrusted", chain, "-CRLfile",
                wheel.directory.file("crl.pem"),
                chain,
            ]
            let good = try await run(openssl, check)
            #expect(good.code == 0, "\(good)")

            let serial = try await run(openssl, ["x509", "-noout", "-serial", "-in", chain])
            let number = serial.output.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "=").last.map(
                String.init)
            let shown = try await wheel.nave(["certificate", "show", try #require(number)])
            #expect(
                shown.output.contains("current") && shown.output.contains("-----BEGIN CERTIFICATE-----"), "\(shown)")
            // The first digits are enough.
            let revoked = try await wheel.nave([
                "certificate", "revoke", String(try #require(number).prefix(20)), "--why", "stolen", "--yes",
            ])
            #expect(revoked.code == 0, "\(revoked)")
            try await crl(wheel, "analytics")
            let bad = try await run(openssl, check)
            #expect(bad.code != 0 && bad.errors.contains("certificate revoked"), "\(bad)")
            let refused = try await wheel.nave(["connect", "finance/ledger"], as: "bot", input: Wheel.hello() + "\n")
            #expect(refused.output.contains("error") && !refused.output.contains("serverInfo"), "\(refused)")
            let verified = try await wheel.verifyHub()
            #expect(verified.code == 0, "\(verified)")
        }

        @Test("a hub with encrypted keys needs its passphrase and serves")
        func passphrase() async throws {
            let wheel = try Wheel()
            let file = try wheel.directory.write("passphrase", "correct horse battery\n")
            try await wheel.initializeHub(["--key-passphrase-file", file])
            let hub = Checkout.program("nave-hub")
            let data = wheel.directory.file("hub")
            let without = try await run(hub, ["serve", "--data", data])
            #expect(without.code == 1 && without.errors.contains("--key-passphrase-file"), "\(without)")
            let wrong = try await run(hub, ["serve", "--data", data], environment: ["NAVE_KEY_PASSPHRASE": "wrong"])
            #expect(wrong.code == 1 && wrong.errors.contains("does not open"), "\(wrong)")
            try await wheel.startHub(["--key-passphrase-file", file])
            try await wheel.apply(why: "first import")
            let keys = try FileManager.default.subpathsOfDirectory(atPath: "\(data)/keys").filter {
                $0.hasSuffix(".key")
            }
            #expect(keys.contains("zones/finance.key"))
            for key in keys {
                #expect(try wheel.directory.read("hub/keys/\(key)").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
            }
        }

        /// Of `finance/fin-1`, newest first.
        private func spokeCertificates(_ wheel: Wheel) async throws -> [JSON] {
            let listed = try await wheel.nave(["certificate", "list", "--zone", "finance", "-o", "json"])
            return try (JSON(parsing: Array(listed.output.utf8)).array ?? []).filter {
                $0["identity"]?.string?.hasSuffix("/spoke/fin-1") ?? false
            }
        }

        /// Fetches a zone's list from the front listener as `crl.pem`.
        private func crl(_ wheel: Wheel, _ zone: String) async throws {
            let der = wheel.directory.file("crl.der")
            let fetched = try await run(
                URL(fileURLWithPath: "/usr/bin/curl"),
                [
                    "-sSf", "--cacert", wheel.directory.file("hub/keys/root.pem"), "--connect-to",
                    "h1.hub.corp.example:\(wheel.frontPort):127.0.0.1:\(wheel.frontPort)", "-o", der,
                    "https://h1.hub.corp.example:\(wheel.frontPort)/v1/crl/\(zone)",
                ])
            try #require(fetched.code == 0, "\(fetched)")
            let converted = try await run(
                openssl, ["crl", "-inform", "DER", "-in", der, "-out", wheel.directory.file("crl.pem")])
            try #require(converted.code == 0, "\(converted)")
        }
    }
}

/// The bot with a TLS stack that is not ours: one connection kept alive, and new ones that resume one session.
final class Prober: Sendable {
    let key: String
    let chain: String
    private let child: ChildProcess

    init(_ wheel: Wheel, server: String) throws {
        (chain, key) = try wheel.credential(of: "bot")
        let call = Wheel.modernCall("read_entry", ["account": "4711"])
        let headers =
            call.headers + [
                "Content-Type: application/json", "Accept: application/json, text/event-stream", "Host: fin-1",
            ]
        let body = try wheel.directory.write("prober.body", call.body)
        let head = try wheel.directory.write("prober.head", headers.joined(separator: "\n"))
        let script = try wheel.directory.write("prober.py", Self.script)
        child = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            ["-u", script, "\(wheel.spokePort)", chain, key, head, body, "/\(server)/mcp"])
    }

    var lines: [String] { child.standardOutput.split(separator: "\n").map(String.init) }

    func stop() { child.signal(SIGKILL) }

    private static let script = #"""
        import http.client, ssl, sys, time
        port, chain, key, head, body, path = sys.argv[1:7]
        headers = dict(line.split(": ", 1) for line in open(head).read().split("\n"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(chain, key)

        class Connection(http.client.HTTPSConnection):
            session = None
            def connect(self):
                http.client.HTTPConnection.connect(self)
                self.sock = context.wrap_socket(self.sock, server_hostname="fin-1", session=self.session)

        def connection(session=None):
            made = Connection("127.0.0.1", int(port), timeout=10, context=context)
            made.session = session
            return made

        def ask(over):
            over.request("POST", path, open(body, "rb").read(), headers)
            answer = over.getresponse()
            answer.read()
            return answer.status

        kept = connection()
        session = None
        isKept, isRefused = True, False
        while isKept or not isRefused:
            if isKept:
                try:
                    reused = kept.sock is not None or session is None
                    if not reused: raise ConnectionError("closed by the peer")
                    print("kept", ask(kept))
                    if kept.sock is not None: session = kept.sock.session or session
                except Exception as error:
                    isKept = False
                    print("kept ended", type(error).__name__)
            if session is not None:
                other = connection(session)
                try:
                    status = ask(other)
                    print("resumed", str(other.sock.session_reused).lower() if other.sock else "unknown", status)
                    if other.sock is not None: session = other.sock.session or session
                except Exception as error:
                    isRefused = True
                    print("resumed refused", type(error).__name__)
                other.close()
            time.sleep(0.2)
        time.sleep(600)
        """#
}
