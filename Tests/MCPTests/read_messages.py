"""Reads messages with Python's json and says where it finds another call than the spoke did.

Each line of the file holds, in hexadecimal, the bytes that came and those that would go on, and what was understood of them.
"""

import json
import struct
import sys

TARGETS = {
    "tools/call": "name", "prompts/get": "name", "resources/read": "uri", "resources/subscribe": "uri",
    "resources/unsubscribe": "uri", "tasks/get": "taskId", "tasks/result": "taskId", "tasks/cancel": "taskId",
    "tasks/update": "taskId",
}


def dump(value):
    if value is None:
        return "z"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, int):
        return f"i{value};"
    if isinstance(value, float):
        return f"d{struct.unpack('>Q', struct.pack('>d', value))[0]:x};"
    if isinstance(value, str):
        return f"s{value.encode('utf-8').hex()};"
    if isinstance(value, list):
        return "[" + "".join(map(dump, value)) + "]"
    pairs = sorted((key.encode("utf-8").hex(), item) for key, item in value.items())
    return "{" + "".join(f"{key}:{dump(item)}" for key, item in pairs) + "}"


def call(text):
    message = json.loads(text)
    method = message.get("method")
    params = message.get("params", {})
    target = arguments = None
    if method is not None and "id" in message:
        if method in TARGETS:
            target = params[TARGETS[method]]
        if method in ("tools/call", "prompts/get"):
            arguments = params.get("arguments", {})
        if method == "completion/complete":
            reference = params["ref"]
            target = reference["name" if reference["type"] == "ref/prompt" else "uri"]
    return "".join(map(dump, (method, message.get("id"), target, arguments)))


count = 0
for line in open(sys.argv[1]):
    came, goes, understood = line.rstrip("\n").split(" ")
    count += 1
    for what, text in (("came", came), ("goes on", goes)):
        try:
            found = call(bytes.fromhex(text))
        except Exception as error:  # whatever it is, the two readers disagree
            found = repr(error)
        if found != understood:
            print(f"what {what}: {bytes.fromhex(text)!r}\n  understood {understood}\n  found {found}".replace("\n", " | "))
print(f"{count} read")
