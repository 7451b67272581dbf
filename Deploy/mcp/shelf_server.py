"""One MCP server for every Python SDK that the matrix of versions knows, from `mcp` 1.6.0 to `fastmcp` 4: tools, resources, prompts,
completion, progress, elicitation, sampling, cancellation, streams that can be resumed.

Usage: shelf_server.py PORT     (HTTP on loopback)
       shelf_server.py stdio    (`mcp` 1.6.0 knows nothing else that a spoke dials)
"""

import sys
from importlib.metadata import PackageNotFoundError, version

import anyio
from event_memory import memory
from pydantic import BaseModel

WHERE = sys.argv[1]
NAMES = ["ana", "anton", "berta"]
cancelled = []


def installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class Sure(BaseModel):
    sure: bool


def add(a: int, b: int) -> str:
    """Adds."""
    return str(a + b)


def count_cancelled() -> str:
    """How many waits were called off."""
    return str(len(cancelled))


async def wait() -> str:
    """Waits until it is called off."""
    try:
        await anyio.sleep(60)
    except anyio.get_cancelled_exc_class():
        cancelled.append(True)
        raise
    return "waited"


def book() -> str:
    """A book."""
    return "once upon a time"


def page(number: str) -> str:
    """A page of it."""
    return f"page {number}"


def greet(name: str) -> str:
    """A greeting."""
    return f"Good day, {name}"


def completed(argument):
    return [name for name in NAMES if name.startswith(argument.value)]


def plain(server):
    """What every SDK declares alike."""
    for tool in (add, count_cancelled, wait):
        server.tool()(tool)
    server.resource("shelf://book/one")(book)
    server.resource("shelf://page/{number}")(page)
    server.prompt()(greet)
    return server


def serve_first():
    """`mcp` 1.x."""
    from mcp.server.fastmcp import Context, FastMCP
    from mcp.types import Completion, SamplingMessage, TextContent

    settings = {}
    if WHERE != "stdio":
        from mcp.server.streamable_http import EventMessage, EventStore

        settings = {"host": "127.0.0.1", "port": int(WHERE), "event_store": memory(EventStore, EventMessage)}
    server = plain(FastMCP("shelf", **settings))

    @server.tool()
    async def count(to: int, ctx: Context) -> str:
        """Counts with progress."""
        for number in range(to):
            await ctx.report_progress(number + 1, to)
            # Of these SDKs, what bears a message of the call's own on the call's own stream.
            await ctx.info(f"at {number + 1}")
            await anyio.sleep(0.05)
        return f"counted to {to}"

    @server.tool()
    async def think(ctx: Context) -> str:
        """Asks the client's model."""
        messages = [SamplingMessage(role="user", content=TextContent(type="text", text="and?"))]
        answer = await ctx.session.create_message(messages, max_tokens=10)
        return f"it says {answer.content.text}"

    if hasattr(Context, "elicit"):

        @server.tool()
        async def ask(ctx: Context) -> str:
            """Asks the client's person."""
            answer = await ctx.elicit("Sure?", Sure)
            return f"sure: {answer.data.sure}"

    @server._mcp_server.completion()
    async def complete(reference, argument, *_):
        return Completion(values=completed(argument))

    server.run("stdio" if WHERE == "stdio" else "streamable-http")


def serve_second():
    """`mcp` 2.x."""
    from typing import Annotated

    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.resolve import Elicit, Resolve, Sample
    from mcp.server.streamable_http import EventMessage, EventStore
    from mcp_types import Completion, CreateMessageResult, SamplingMessage, TextContent

    server = plain(MCPServer("shelf"))

    def sure() -> Elicit[Sure]:
        return Elicit("Sure?", Sure)

    def thought() -> Sample:
        return Sample([SamplingMessage(role="user", content=TextContent(type="text", text="and?"))], max_tokens=10)

    async def count(to: int, ctx: Context) -> str:
        """Counts with progress."""
        for number in range(to):
            await ctx.report_progress(number + 1, to)
            await anyio.sleep(0.05)
        return f"counted to {to}"

    def ask(answer: Annotated[Sure, Resolve(sure)]) -> str:
        """Asks the client's person."""
        return f"sure: {answer.sure}"

    def think(answer: Annotated[CreateMessageResult, Resolve(thought)]) -> str:
        """Asks the client's model."""
        return f"it says {answer.content.text}"

    for tool in (count, ask, think):
        server.tool()(tool)

    @server.completion()
    async def complete(reference, argument, context):
        return Completion(values=completed(argument))

    server.run("streamable-http", host="127.0.0.1", port=int(WHERE), event_store=memory(EventStore, EventMessage))


def serve_fastmcp():
    """`fastmcp` 4."""
    from fastmcp import Context, FastMCP
    from mcp_types import (
        CreateMessageRequest, CreateMessageRequestParams, ElicitRequest, ElicitRequestFormParams, InputRequiredResult,
        SamplingMessage, TextContent,
    )

    server = plain(FastMCP("shelf"))

    @server.tool()
    async def count(to: int, ctx: Context) -> str:
        """Counts with progress."""
        for number in range(to):
            await ctx.report_progress(number + 1, to)
            await anyio.sleep(0.05)
        return f"counted to {to}"

    def asking(key, request, said):
        """A tool that wants an input first: the guard that this SDK asks with on stateless connections."""

        async def tool(ctx: Context) -> str | InputRequiredResult:
            if not ctx.input_responses:
                return InputRequiredResult(input_requests={key: request})
            return said(ctx.input_responses[key])

        tool.__name__ = key
        return server.tool()(tool)

    schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
    asking(
        "ask", ElicitRequest(params=ElicitRequestFormParams(message="Sure?", requested_schema=schema)),
        lambda answer: f"sure: {answer.content['sure']}",
    )
    question = SamplingMessage(role="user", content=TextContent(type="text", text="and?"))
    asking(
        "think", CreateMessageRequest(params=CreateMessageRequestParams(messages=[question], max_tokens=10)),
        lambda answer: f"it says {answer.content.text}",
    )

    @server.completion
    async def complete(reference, argument, context):
        return completed(argument)

    server.run("http", host="127.0.0.1", port=int(WHERE), show_banner=False)


if installed("fastmcp"):
    serve_fastmcp()
elif version("mcp").startswith("1."):
    serve_first()
else:
    serve_second()
