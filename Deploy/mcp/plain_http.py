"""What servers made of the standard library alone share: whole answers and event streams over HTTP/1.1."""

import json
from http.server import BaseHTTPRequestHandler


class PlainHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def message(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def whole(self, status, body=None, **headers):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if data:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, value):
        self.wfile.write(b"event: message\r\ndata: " + json.dumps(value).encode() + b"\r\n\r\n")
        self.wfile.flush()

    # There is no stream of a session's own.
    def do_GET(self):
        self.whole(405)
