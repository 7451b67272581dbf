"""A server of 2026-07-28 whose one tool answers with a task (io.modelcontextprotocol/tasks): no SDK has that extension yet.

Usage: tasks_server.py PORT    (loopback)
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

tasks = {}
META = {"io.modelcontextprotocol/serverInfo": {"name": "tasks", "version": "1"}}
CLIENT = "io.modelcontextprotocol/clientCapabilities"


def answer(method, params):
    if method == "server/discover":
        return {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"}
    if method == "tools/list":
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        return {"tools": [{"name": "compute", "inputSchema": schema}], "ttlMs": 0, "cacheScope": "private"}
    if method == "tools/call" and params["name"] == "compute":
        if "io.modelcontextprotocol/tasks" not in params["_meta"][CLIENT].get("extensions", {}):
            return {"content": [{"type": "text", "text": "at once"}]}
        name = f"task-{len(tasks) + 1}"
        tasks[name] = {"status": "working", "n": params["arguments"]["n"]}
        return {"resultType": "task", **shown(name)}
    if method == "tasks/get" and params["taskId"] in tasks:
        task = tasks[params["taskId"]]
        before = shown(params["taskId"])
        if task["status"] == "working":
            task["status"] = "input_required"
        return before
    if method == "tasks/update" and params["taskId"] in tasks:
        tasks[params["taskId"]].update(status="completed", said=params["inputResponses"])
        return {}
    return None


def shown(name):
    task = tasks[name]
    body = {"taskId": name, "status": task["status"], "createdAt": "2026-11-21T00:00:00Z", "ttlMs": 60000}
    if task["status"] == "input_required":
        body["inputRequests"] = {"k": {"method": "elicitation/create", "params": {"message": "go on?"}}}
    if task["status"] == "completed":
        body["result"] = {"content": [{"type": "text", "text": f"{task['n']} {json.dumps(task['said'])}"}]}
    return body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        result = answer(message["method"], message.get("params", {}))
        if result is None:
            code = -32602 if message["method"].startswith("t") else -32601
            body = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": "Unknown tool or method"}}
        else:
            result = {"resultType": "complete", **result, "_meta": META}
            body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        data = json.dumps(body).encode()
        self.send_response(200 if result is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    listener = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print("running on loopback", file=sys.stderr, flush=True)
    listener.serve_forever()
