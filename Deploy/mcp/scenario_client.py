"""Plays a file of scenarios at a spoke in one version of MCP, and says of each whether the answer is what the server meant.

usage: scenario_client.py PORT CHAIN KEY VERSION SCENARIOS.json
"""

import base64
import http.client
import itertools
import json
import ssl
import sys

PORT, CHAIN, KEY, VERSION, FILE = sys.argv[1:]
SCENARIOS = json.load(open(FILE, encoding="utf-8"))
MODERN = VERSION == "2026-07-28"
META = "io.modelcontextprotocol/"
CAPABILITIES = {"sampling": {}, "elicitation": {}, "roots": {"listChanged": True}}
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE
TLS.load_cert_chain(CHAIN, KEY)
NUMBERS = itertools.count(1)
session = None


def post(message, answers=lambda _: None, headers=()):
    """The status, the answer's headers, and the messages that came; requests of the server are answered meanwhile."""
    connection = http.client.HTTPSConnection("127.0.0.1", int(PORT), context=TLS, timeout=40)
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    method, params = message.get("method"), message.get("params") or {}
    if MODERN:
        sent |= {"MCP-Protocol-Version": VERSION, "Mcp-Method": method}
        name = params.get("name") or params.get("uri")
        if name and method in ("tools/call", "prompts/get", "resources/read"):
            sent["Mcp-Name"] = name if name.isascii() else f"=?base64?{base64.b64encode(name.encode()).decode()}?="
    elif session:
        sent["Mcp-Session-Id"] = session
        if VERSION != "2025-03-26":
            sent["MCP-Protocol-Version"] = VERSION
    connection.request("POST", "/scenarios/mcp", json.dumps(message).encode(), sent | dict(headers))
    response = connection.getresponse()
    if not (response.getheader("Content-Type") or "").startswith("text/event-stream"):
        body = response.read()
        return response.status, response, [json.loads(body)] if body else []
    messages, data = [], []
    while line := response.readline():
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
        elif not line and data:
            one = json.loads(b"\n".join(data))
            data = []
            if "method" in one and "id" in one:
                status, _, _ = post({"jsonrpc": "2.0", "id": one["id"], **answers(one)})
                assert status == 202, status
            messages.append(one)
    return response.status, response, messages


def request(method, params, **more):
    number = next(NUMBERS)
    params = dict(params)
    meta = {"progressToken": more["token"]} if more.get("token") else {}
    if MODERN:
        meta |= {META + "protocolVersion": VERSION, META + "clientCapabilities": CAPABILITIES}
    if meta:
        params["_meta"] = meta
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    status, response, messages = post(message, **{k: v for k, v in more.items() if k in ("answers", "headers")})
    assert messages[-1]["id"] == number, messages
    return status, response, messages


def same(found, wanted, method):
    found = dict(found)
    if MODERN:
        assert found.pop("resultType") == "complete", found
        if method.endswith("/list") or method == "resources/read":
            assert found.pop("cacheScope") == "private", found
            assert 0 <= found.pop("ttlMs") <= 10000, found
    assert found == wanted, f"{found} is not {wanted}"


def play(scenario):
    method, params = scenario["method"], dict(scenario["params"])
    asks, rounds = scenario.get("asks"), scenario.get("rounds", [])

    def answer(one):
        assert one["method"] == asks["method"] and one["params"] == asks["params"], one
        return {"result": asks["answer"]}

    extra = {"inputResponses": scenario["sendResponses"]} if "sendResponses" in scenario else {}
    extra |= scenario.get("extraParams", {})
    more = {"token": scenario.get("progressToken"), "answers": answer}
    status, _, messages = request(method, params | extra, **more)
    for one in rounds:
        if "expectError" in scenario and not scenario.get("tamper"):
            break
        result = messages[-1]["result"]
        assert result["resultType"] == "input_required", result
        assert result.get("inputRequests") == one.get("requests"), result
        # What the server keeps in its state is nobody's to read.
        assert result["requestState"] != one["state"], result
        state = result["requestState"]
        if scenario.get("tamper"):
            state = state[:-2] + ("AA" if state[-2:] != "AA" else "BB")
        status, _, messages = request(
            method, params | {"requestState": state, "inputResponses": one["responses"]}, **more
        )
    if "expectError" in scenario or "error" in scenario:
        assert status == scenario["status"], (status, messages)
        error = messages[-1]["error"]
        wanted = scenario.get("error")
        assert error == wanted if wanted else error["code"] == scenario["expectError"], error
        return
    assert status == 200, (status, messages)
    same(messages[-1]["result"], scenario["result"], method)
    told = [one for one in messages[:-1] if "id" not in one]
    assert told == [{"jsonrpc": "2.0", **one} for one in scenario.get("before", [])], told


def lists():
    for method, key, name in (
        ("tools/list", "tools", "name"), ("prompts/list", "prompts", "name"), ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
    ):
        _, _, messages = request(method, {})
        result = messages[-1]["result"]
        if MODERN:
            assert result["cacheScope"] == "private" and result["ttlMs"] <= 10000, result
        names = [item[name] for item in result[key]]
        assert names and len(set(names)) == len(names), names


def begin():
    """server-initialize, or server-stateless."""
    global session
    if MODERN:
        _, response, messages = request("server/discover", {})
        assert messages[-1]["result"]["supportedVersions"] == [VERSION], messages
        # Nothing of sessions, and nothing but POST.
        assert response.getheader("Mcp-Session-Id") is None
        for verb in ("GET", "DELETE"):
            connection = http.client.HTTPSConnection("127.0.0.1", int(PORT), context=TLS, timeout=20)
            connection.request(verb, "/scenarios/mcp", headers={"MCP-Protocol-Version": VERSION, "Accept": "text/event-stream"})
            assert connection.getresponse().status == 405
        status, _, messages = request("tools/unheard", {})
        assert status == 404 and messages[-1]["error"]["code"] == -32601, messages
        return
    params = {"protocolVersion": VERSION, "capabilities": CAPABILITIES, "clientInfo": {"name": "s", "version": "1"}}
    _, response, messages = request("initialize", params)
    assert messages[-1]["result"]["protocolVersion"] == VERSION, messages
    session = response.getheader("Mcp-Session-Id")
    assert post({"jsonrpc": "2.0", "method": "notifications/initialized"})[0] == 202


def rebinding():
    status, _, _ = post(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}, headers=[("Origin", "http://evil.example")]
    )
    assert status == 403, status


def multiple():
    """Several streams at once, each with its own answer: server-sse-multiple-streams."""
    import threading

    found = []
    slow = [s for s in SCENARIOS if s.get("before") and serves(s)]
    threads = [threading.Thread(target=lambda s=s: found.append(run(play, s)), daemon=True) for s in slow * 3]
    for one in threads:
        one.start()
    for one in threads:
        one.join(40)
    assert found == [None] * len(threads), found


def serves(scenario):
    versions = scenario["versions"]
    if isinstance(versions, list):
        return VERSION in versions
    return versions == "all" or versions == ("stateless" if MODERN else "handshake")


def run(what, *arguments):
    try:
        what(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:500].replace("\n", " ")
    return None


steps = [("server-stateless" if MODERN else "server-initialize", begin, []), ("lists-and-caching", lists, [])]
steps += [(one["name"], play, [one]) for one in SCENARIOS if serves(one)]
steps += [("dns-rebinding-protection", rebinding, []), ("server-sse-multiple-streams", multiple, [])]
for name, what, arguments in steps:
    problem = run(what, *arguments)
    print(f"{'ok' if problem is None else 'FAILED'} {name}{'' if problem is None else ': ' + problem}", flush=True)
print("played", len(steps), flush=True)
