import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// Sessions of the handshake era as a client of that age speaks them, request by request.
    @Suite("sessions of the handshake era")
    struct HandshakeTests {
        @Test(
            "2025-06-18 and 2025-11-25: a session, its list, its end; nobody else's",
            arguments: ["2025-06-18", "2025-11-25"])
        func session(version: String) async throws {
            let wheel = try await Wheel.turning()
            try await wheel.enrolClient("finance/housekeeping", as: "housekeeping")
            let opened = try await wheel.curl("/ledger/mcp", as: "bot", body: Wheel.hello(version))
            #expect(opened.status == 200, "\(opened)")
            let session = try #require(opened.headers["mcp-session-id"])
            #expect(opened.body.contains("\"protocolVersion\":\"\(version)\""), "\(opened)")
            let headers = ["MCP-Protocol-Version: \(version)", "Mcp-Session-Id: \(session)"]
            let initialized = try await wheel.curl(
                "/ledger/mcp", as: "bot", body: #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
                headers: headers)
            #expect(initialized.status == 202, "\(initialized)")

            let list = #"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#
            let listed = try await wheel.curl("/ledger/mcp", as: "bot", body: list, headers: headers)
            #expect(listed.status == 200 && listed.body.contains("read_entry") && !listed.body.contains("write_entry"))
            let call =
                #"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"read_entry","arguments":{"account":"4711"}}}"#
            let called = try await wheel.curl("/ledger/mcp", as: "bot", body: call, headers: headers)
            #expect(called.status == 200 && called.body.contains("4711: 1200"), "\(called)")

            // Another caller with the very same session id; and an id that nobody was given.
            let foreign = try await wheel.curl("/ledger/mcp", as: "housekeeping", body: list, headers: headers)
            let unknown = try await wheel.curl(
                "/ledger/mcp", as: "housekeeping", body: list,
                headers: ["MCP-Protocol-Version: \(version)", "Mcp-Session-Id: 00000000000000000000000000000000"])
            #expect(foreign.status == 404 && unknown.status == 404)
            #expect(foreign.body == unknown.body)
            let stolenEnd = try await wheel.curl(
                "/ledger/mcp", as: "housekeeping", headers: headers, more: ["-X", "DELETE"])
            #expect(stolenEnd.status == 404)

            let ended = try await wheel.curl("/ledger/mcp", as: "bot", headers: headers, more: ["-X", "DELETE"])
            #expect((200..<300).contains(ended.status), "\(ended)")
            let afterwards = try await wheel.curl("/ledger/mcp", as: "bot", body: list, headers: headers)
            #expect(afterwards.status == 404, "\(afterwards)")
        }
    }
}
