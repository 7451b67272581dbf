"""Answers what a file of scenarios says, in every version of MCP over HTTP; the standard library only.

usage: scenario_server.py PORT SCENARIOS.json
"""

import json
import secrets
import sys
import threading
from http.server import ThreadingHTTPServer

from plain_http import PlainHandler

SCENARIOS = json.load(open(sys.argv[2], encoding="utf-8"))
HANDSHAKE = ["2025-03-26", "2025-06-18", "2025-11-25"]
META = "io.modelcontextprotocol/"
SESSIONS: dict[str, str] = {}
ANSWERS: dict[tuple, dict] = {}
ARRIVED = threading.Condition()
LISTS = {
    "tools/list": ("tools", "name"),
    "prompts/list": ("prompts", "name"),
    "resources/list": ("resources", "uri"),
}


def target(method, params):
    if method == "completion/complete":
        return params["ref"]["name"]
    return params.get("name") or params.get("uri")


BY_CALL = {(s["method"], target(s["method"], s["params"])): s for s in SCENARIOS}


def listed(method):
    key, name = LISTS[method]
    use = {"tools": "tools/call", "prompts": "prompts/get", "resources": "resources/read"}[key]
    items = []
    for (called, what), scenario in BY_CALL.items():
        if called != use or "error" in scenario or what.startswith("test://template/"):
            continue
        item = {name: what, "description": scenario["name"]}
        if key == "tools":
            item["inputSchema"] = {"type": "object"}
        if key == "resources":
            item["name"] = scenario["name"]
        items.append(item)
    return {key: items}


class Handler(PlainHandler):
    def do_DELETE(self):
        self.whole(200 if SESSIONS.pop(self.headers.get("Mcp-Session-Id"), None) else 404)

    def do_POST(self):
        message = self.message()
        session = self.headers.get("Mcp-Session-Id")
        if self.headers.get("MCP-Protocol-Version") == "2026-07-28":
            return self.stateless(message)
        if message.get("method") == "initialize":
            session = secrets.token_hex(16)
            wanted = message["params"]["protocolVersion"]
            SESSIONS[session] = wanted if wanted in HANDSHAKE else HANDSHAKE[-1]
            result = {"protocolVersion": SESSIONS[session], "serverInfo": {"name": "scenarios", "version": "1"}}
            result["capabilities"] = {"tools": {}, "prompts": {}, "resources": {}, "completions": {}, "logging": {}}
            return self.whole(200, reply(message, result=result), Mcp_Session_Id=session)
        if session not in SESSIONS:
            return self.whole(404 if session else 400, reply({"id": "server-error"}, error=(-32600, "no session")))
        if "method" not in message:
            with ARRIVED:
                ANSWERS[session, message["id"]] = message
                ARRIVED.notify_all()
            return self.whole(202)
        if "id" not in message:
            return self.whole(202)
        return self.answer(message, session)

    def stateless(self, message):
        if message["method"] == "server/discover":
            capabilities = {"tools": {}, "prompts": {}, "resources": {}, "completions": {}}
            result = {"supportedVersions": ["2026-07-28"], "capabilities": capabilities}
            result |= {"resultType": "complete", "ttlMs": 60000, "cacheScope": "public"}
            return self.whole(200, reply(message, result=result))
        return self.answer(message, None)

    def answer(self, message, session):
        method, params = message["method"], message.get("params") or {}
        modern = session is None
        if method in LISTS or method == "resources/templates/list":
            result = listed(method) if method in LISTS else {
                "resourceTemplates": [{"uriTemplate": "test://template/{id}/data", "name": "template"}]
            }
            if modern:
                result |= {"resultType": "complete", "ttlMs": 60000, "cacheScope": "public"}
            return self.whole(200, reply(message, result=result))
        scenario = BY_CALL.get((method, target(method, params) if params else None))
        if scenario is None:
            return self.whole(200, reply(message, error=(-32602, "no such scenario")))
        if "error" in scenario:
            error = {"jsonrpc": "2.0", "id": message["id"], "error": scenario["error"]}
            return self.whole(scenario.get("status", 200) if modern else 200, error)
        result = dict(scenario["result"])
        if method == "prompts/get" and not scenario.get("rounds") and "arguments" in scenario["params"]:
            assert params["arguments"] == scenario["params"]["arguments"]
        if scenario.get("echoCapabilities"):
            declared = params["_meta"][META + "clientCapabilities"]
            result["content"] = [{"type": "text", "text": ",".join(sorted(declared))}]
        assert "somethingElse" not in params and "_extra" not in params
        if modern:
            result["resultType"] = scenario.get("resultType", "complete")
            if method == "resources/read":
                result |= {"ttlMs": 60000, "cacheScope": "public"}
            result = self.round(scenario, params) or result
        before, asks = scenario.get("before", []), scenario.get("asks")
        if not before and not asks:
            return self.whole(200, reply(message, result=result))
        self.stream()
        for notification in before:
            self.event({"jsonrpc": "2.0", **notification})
        if asks:
            number = f"ask-{secrets.token_hex(4)}"
            self.event({"jsonrpc": "2.0", "id": number, "method": asks["method"], "params": asks["params"]})
            with ARRIVED:
                ARRIVED.wait_for(lambda: (session, number) in ANSWERS, timeout=20)
            if ANSWERS.get((session, number), {}).get("result") != asks["answer"]:
                return self.event(reply(message, error=(-32603, f"got {ANSWERS.get((session, number))}")))
        self.event(reply(message, result=result))
        return None

    def round(self, scenario, params):
        """What is asked next; None when all was answered."""
        rounds = scenario.get("rounds", [])
        state = params.get("requestState")
        done = next((n + 1 for n, one in enumerate(rounds) if one["state"] == state), 0)
        if state is not None and not done:
            return {"resultType": "complete", "content": [], "isError": True, "wrong": f"state {state}"}
        if done and (params.get("inputResponses") or {}) != rounds[done - 1]["responses"]:
            return {"resultType": "complete", "content": [], "isError": True, "wrong": "answers"}
        if done == len(rounds):
            return None
        asked = {"resultType": "input_required", "requestState": rounds[done]["state"]}
        if "requests" in rounds[done]:
            asked["inputRequests"] = rounds[done]["requests"]
        return asked


def reply(message, result=None, error=None):
    if error:
        return {"jsonrpc": "2.0", "id": message["id"], "error": {"code": error[0], "message": error[1]}}
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.daemon_threads = True
print("running on", server.server_address, file=sys.stderr, flush=True)
server.serve_forever()
