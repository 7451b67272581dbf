"""A server of the handshake era, with sessions and nothing newer, over HTTP or standard streams; the standard library only.

Tells on standard output (over streams: on standard error) what it was sent, a JSON line each, so that a test can see what
reached it.

usage: handshake_server.py PORT | stdio
"""

import json
import os
import pathlib
import secrets
import sys
import threading
import time
from http.server import ThreadingHTTPServer

from plain_http import PlainHandler

VERSIONS = ["2025-03-26", "2025-06-18", "2025-11-25"]
LOCK = threading.Lock()
SESSIONS: dict[str, str] = {}
CANCELLED: dict[tuple, threading.Event] = {}
ANSWERS: dict[tuple, dict] = {}
OVER_STREAMS = sys.argv[1] == "stdio"


def tell(**what):
    with LOCK:
        print(json.dumps(what), file=sys.stderr if OVER_STREAMS else sys.stdout, flush=True)


def tool(name, **properties):
    return {"name": name, "description": name, "inputSchema": {"type": "object", "properties": properties}}


TOOLS = [
    tool("echo", text={"type": "string"}),
    tool("whoami"),
    tool("big", bytes={"type": "integer"}),
    tool("count", to={"type": "integer"}),
    tool("slow", begun={"type": "string"}),
    tool("stubborn", begun={"type": "string"}),
    tool("ask", kinds={"type": "array", "items": {"type": "string"}}),
]


def text(value):
    return {"content": [{"type": "text", "text": value}], "isError": False}


QUESTIONS = {
    "elicitation": (
        "elicitation/create",
        {
            "message": "Sure?",
            "requestedSchema": {"type": "object", "properties": {"sure": {"type": "boolean"}}},
        },
    ),
    "sampling": (
        "sampling/createMessage",
        {"messages": [{"role": "user", "content": {"type": "text", "text": "and?"}}], "maxTokens": 10},
    ),
    "roots": ("roots/list", {}),
}


def ask(session, request, kinds, say):
    """Asks the client one thing after the other; None when the call was called off meanwhile."""
    heard_of = []
    for kind in kinds:
        method, params = QUESTIONS[kind]
        number = "ask-" + secrets.token_hex(4)
        say({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        called_off = CANCELLED.setdefault((session, str(request)), threading.Event())
        while (session, number) not in ANSWERS:
            if called_off.wait(0.02):
                tell(event="stopped", session=session, id=request)
                return None
        heard_of.append(ANSWERS.pop((session, number)).get("result", "refused"))
    return text(json.dumps(heard_of))


def call(session, request, name, arguments, progress, say):
    if name == "ask":
        return ask(session, request, arguments["kinds"], say)
    if name == "echo":
        return text(arguments.get("text", ""))
    if name == "whoami":
        return text(f"session {session} of process {os.getpid()}")
    if name == "big":
        return text("x" * arguments["bytes"])
    if name == "count":
        for number in range(arguments["to"]):
            progress(number + 1)
        return text(f"counted to {arguments['to']}")
    if name in ("slow", "stubborn"):
        # Makes the file, and is done once somebody removed it, or, but for the stubborn one, once it is called off.
        begun = pathlib.Path(arguments["begun"])
        begun.touch()
        called_off = CANCELLED.setdefault((session, str(request)), threading.Event())
        while begun.exists():
            if called_off.wait(0.02) and name == "slow":
                tell(event="stopped", session=session, id=request)
                return None
            if called_off.is_set():
                time.sleep(0.02)
        return text("done at last")
    return {"content": [{"type": "text", "text": f"Unknown tool: {name}"}], "isError": True}


def answer(session, message, progress, say):
    """The answer to a request; None for what is not answered any more."""
    method, params = message["method"], message.get("params") or {}
    result = None
    if method == "initialize":
        wanted = params.get("protocolVersion")
        result = {
            "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[-1],
            "capabilities": {"tools": {}, "resources": {}},
            "serverInfo": {"name": "handshake", "version": "1"},
            "instructions": "ask politely",
        }
    elif method == "ping":
        result = {}
    elif method == "tools/list":
        result = {"tools": TOOLS}
    elif method == "resources/list":
        result = {"resources": [{"uri": "note://one", "name": "one"}]}
    elif method == "resources/templates/list":
        result = {"resourceTemplates": []}
    elif method == "resources/read":
        if params.get("uri") == "note://one":
            result = {"contents": [{"uri": "note://one", "mimeType": "text/plain", "text": "a note"}]}
        else:
            error = {"code": -32002, "message": "Resource not found"}
            return {"jsonrpc": "2.0", "id": message["id"], "error": error}
    elif method == "tools/call":
        result = call(session, message["id"], params.get("name"), params.get("arguments") or {}, progress, say)
        if result is None:
            return None
    else:
        error = {"code": -32601, "message": "Method not found"}
        return {"jsonrpc": "2.0", "id": message["id"], "error": error}
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def heard(session, message):
    tell(session=session, **{key: message.get(key) for key in ("method", "id", "params") if key in message})
    if message.get("method") == "notifications/cancelled":
        request = str((message.get("params") or {}).get("requestId"))
        CANCELLED.setdefault((session, request), threading.Event()).set()
    if "method" not in message:
        ANSWERS[(session, message["id"])] = message


class Handler(PlainHandler):
    def refuse(self, status, words):
        error = {"code": -32600, "message": words}
        self.whole(status, {"jsonrpc": "2.0", "id": "server-error", "error": error})

    def do_DELETE(self):
        session = self.headers.get("Mcp-Session-Id")
        tell(session=session, method="DELETE")
        self.whole(200 if SESSIONS.pop(session, None) else 404)

    def do_POST(self):
        message = self.message()
        session = self.headers.get("Mcp-Session-Id")
        heard(session, message)
        if message.get("method") == "initialize":
            session = secrets.token_hex(16)
            SESSIONS[session] = "new"
            return self.whole(200, answer(session, message, None, None), Mcp_Session_Id=session)
        if session is None:
            return self.refuse(400, "Bad Request: Missing session ID")
        if session not in SESSIONS:
            return self.refuse(404, "Session not found")
        if "id" not in message or "method" not in message:
            if message.get("method") == "notifications/initialized":
                SESSIONS[session] = "open"
            return self.whole(202)
        if SESSIONS[session] != "open":
            return self.refuse(400, "Received request before initialization was complete")
        token = ((message.get("params") or {}).get("_meta") or {}).get("progressToken")
        if token is None and (message.get("params") or {}).get("name") != "ask":
            made = answer(session, message, lambda _: None, None)
            if made is None:
                self.close_connection = True
                return None
            return self.whole(200, made)
        self.stream()
        made = answer(session, message, lambda n: self.event(progressed(token, n)), self.event)
        if made is not None:
            self.event(made)
        return None


def progressed(token, number):
    params = {"progressToken": token, "progress": number}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


def streams():
    def say(value):
        with LOCK:
            print(json.dumps(value), flush=True)

    def work(message):
        token = ((message.get("params") or {}).get("_meta") or {}).get("progressToken")
        made = answer("process", message, lambda n: token is not None and say(progressed(token, n)), say)
        if made is not None:
            say(made)

    for line in sys.stdin:
        message = json.loads(line)
        heard("process", message)
        if "id" in message and "method" in message:
            threading.Thread(target=work, args=[message], daemon=True).start()


if OVER_STREAMS:
    streams()
else:
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    print("running on", server.server_address, file=sys.stderr, flush=True)
    server.serve_forever()
