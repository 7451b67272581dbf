"""An MCP server that asks back, made with the official Python SDK: what the end-to-end tests of streams put behind a spoke.

Usage: desk_server.py PORT    (HTTP on loopback, streams that can be resumed)
       desk_server.py stdio
"""

import sys
from typing import Annotated

from event_memory import memory
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp.server.streamable_http import EventMessage, EventStore
from mcp_types import CreateMessageResult, ListRootsResult, SamplingMessage, TextContent, ToolAnnotations
from pydantic import BaseModel

server = MCPServer("desk")
closed = []


class Confirmation(BaseModel):
    sure: bool


def confirmation(account: str) -> Elicit[Confirmation]:
    return Elicit(f"Close account {account}?", Confirmation)


def opinion() -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text="and?"))], max_tokens=10)


def directories() -> ListRoots:
    return ListRoots()


@server.tool()
def close_account(account: str, answer: Annotated[Confirmation, Resolve(confirmation)]) -> str:
    """Closes an account once somebody confirmed it."""
    closed.append(account)
    return f"{account}: {'closed' if answer.sure else 'kept'}"


@server.tool()
def ask_opinion(answer: Annotated[CreateMessageResult, Resolve(opinion)]) -> str:
    """Asks the client's model."""
    return f"it says {answer.content.text}"


@server.tool()
def ask_roots(answer: Annotated[ListRootsResult, Resolve(directories)]) -> str:
    """Asks where the client works."""
    return " ".join(str(root.uri) for root in answer.roots)


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def announce(uri: str, ctx: Context) -> str:
    """Says that a resource changed, in both eras."""
    await ctx.notify_resource_updated(uri)
    if ctx.protocol_version != "2026-07-28":
        await ctx.session.send_resource_updated(uri)
    return f"announced {uri}"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def count(to: int, ctx: Context) -> str:
    """Counts with progress, so that its stream has events."""
    for number in range(to):
        await ctx.report_progress(number + 1, to)
    return f"counted to {to}"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def fetch(url: str) -> str:
    """Says what it would fetch."""
    return f"fetched {url}"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def environment() -> str:
    """What this process sees of the host."""
    import os

    seen = ["home" if os.path.exists("/home") else "no home", "shadow" if os.path.exists("/etc/shadow") else "no shadow"]
    return f"{sorted(os.environ)} {os.getuid()} {' '.join(seen)}"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def heard(ctx: Context) -> str:
    """The headers of this call."""
    import json

    return json.dumps(dict(ctx.request_context.request.headers))


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def hoard(megabytes: int) -> str:
    """Takes memory."""
    return f"held {len(bytearray(megabytes << 20))}"


@server.resource("desk://open/list")
def open_list() -> str:
    """What is open."""
    return "open"


@server.resource("desk://secret/list")
def secret_list() -> str:
    """Not for everyone."""
    return "secret"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]), event_store=memory(EventStore, EventMessage))
