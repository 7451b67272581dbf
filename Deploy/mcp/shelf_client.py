"""One script for every client of the matrix of versions: tools, resources, prompts, completion, progress, elicitation, sampling,
cancellation and resumption, each as far as the SDK of this Python knows it.

Usage: shelf_client.py URL [CERTIFICATE KEY]    (URL ends in /mcp or /sse)

Prints one JSON object: for each feature "yes", "-" where this SDK does not know it, or what went wrong.
"""

import asyncio
import json
import ssl
import sys
from importlib.metadata import PackageNotFoundError, version

import anyio

URL, CERTIFICATE = sys.argv[1], sys.argv[2:4]
FEATURES = [
    "tools", "resources", "prompts", "completion", "progress", "elicitation", "sampling", "cancel", "resume"
]


class Unknown(Exception):
    """This SDK does not know it."""


def installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def context():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if CERTIFICATE:
        made.load_cert_chain(*CERTIFICATE)
    return made


def text(parts):
    return "".join(getattr(part, "text", "") or "" for part in parts)


def same(found, expected):
    if found != expected:
        raise AssertionError(f"{found!r} instead of {expected!r}")


class Script:
    """What each feature is shown by; how it is done stands in the class of an SDK."""

    async def tools(self):
        names = await self.names()
        for name in ("add", "count", "wait"):
            assert name in names, names
        same(await self.call("add", {"a": 1, "b": 2}), "3")

    async def resources(self):
        same(await self.read("shelf://book/one"), "once upon a time")
        same(await self.read("shelf://page/7"), "page 7")

    async def prompts(self):
        same(await self.prompt("greet", {"name": "ana"}), "Good day, ana")

    async def completion(self):
        same(await self.complete("greet", "name", "an"), ["ana", "anton"])

    async def progress(self):
        same(await self.counted(4), [1, 2, 3, 4])

    async def elicitation(self):
        if "ask" not in await self.names():
            raise Unknown
        same(await self.call("ask", {}), "sure: True")

    async def sampling(self):
        if "think" not in await self.names():
            raise Unknown
        same(await self.call("think", {}), "it says yes")

    async def cancel(self):
        await self.call_off("wait")
        with anyio.fail_after(8):
            while await self.call("count_cancelled", {}) == "0":
                await anyio.sleep(0.05)

    async def resume(self):
        raise Unknown


class First(Script):
    """`mcp` 1.x: a session of the handshake era, over HTTP+SSE or Streamable HTTP."""

    def __init__(self):
        import httpx

        begin = httpx.AsyncClient.__init__

        # The oldest of them have no way to name a client certificate.
        def patched(client, *arguments, **named):
            named.setdefault("verify", context())
            begin(client, *arguments, **named)

        httpx.AsyncClient.__init__ = patched
        self.seen = []

    def transport(self, **named):
        if URL.endswith("/sse"):
            from mcp.client.sse import sse_client

            return sse_client(URL, **named)
        from mcp.client.streamable_http import streamablehttp_client

        return streamablehttp_client(URL, **named)

    def make(self, streams):
        from mcp import ClientSession
        from mcp.types import CreateMessageResult, TextContent

        async def sampled(*_):
            return CreateMessageResult(role="assistant", content=TextContent(type="text", text="yes"), model="none")

        async def noted(message):
            self.seen.append(message)

        named = {"sampling_callback": sampled, "message_handler": noted}
        try:
            from mcp.types import ElicitResult

            async def elicited(*_):
                return ElicitResult(action="accept", content={"sure": True})

            named["elicitation_callback"] = elicited
        except ImportError:
            pass
        return ClientSession(streams[0], streams[1], **named)

    async def run(self, script):
        async with self.transport() as streams:
            async with self.make(streams) as self.session:
                self.version = (await self.session.initialize()).protocolVersion
                await script(self)

    async def names(self):
        return sorted(tool.name for tool in (await self.session.list_tools()).tools)

    async def call(self, name, arguments):
        return text((await self.session.call_tool(name, arguments)).content)

    async def read(self, uri):
        from pydantic import AnyUrl

        return text((await self.session.read_resource(AnyUrl(uri))).contents)

    async def prompt(self, name, arguments):
        return text(message.content for message in (await self.session.get_prompt(name, arguments)).messages)

    async def complete(self, prompt, argument, value):
        from mcp.types import PromptReference

        reference = PromptReference(type="ref/prompt", name=prompt)
        result = await self.session.complete(reference, {"name": argument, "value": value})
        return result.completion.values

    def request(self, tool, arguments, token=None):
        from mcp.types import CallToolRequest, CallToolRequestParams, ClientRequest

        named = {"_meta": {"progressToken": token}} if token else {}
        params = CallToolRequestParams(name=tool, arguments=arguments, **named)
        return ClientRequest(CallToolRequest(method="tools/call", params=params))

    async def counted(self, to):
        from mcp.types import CallToolResult

        self.seen.clear()
        await self.session.send_request(self.request("count", {"to": to}, "steps"), CallToolResult)
        params = [getattr(getattr(message, "root", None), "params", None) for message in self.seen]
        return [int(one.progress) for one in params if getattr(one, "progressToken", None) == "steps"]

    async def call_off(self, tool):
        if version("mcp") in ("1.6.0", "1.9.4"):
            # Their own servers end the whole session over a cancellation, with or without a spoke.
            raise Unknown
        from mcp.types import (
            CallToolResult, CancelledNotification, CancelledNotificationParams, ClientNotification
        )

        number = self.session._request_id
        task = asyncio.create_task(self.session.send_request(self.request(tool, {}), CallToolResult))
        await anyio.sleep(0.5)
        params = CancelledNotificationParams(requestId=number, reason="enough")
        await self.session.send_notification(
            ClientNotification(CancelledNotification(method="notifications/cancelled", params=params))
        )
        # Its answer is an error, where the server gives one.
        await asyncio.wait([task], timeout=2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def resume(self):
        if URL.endswith("/sse"):
            raise Unknown
        from mcp.shared.message import ClientMessageMetadata
        from mcp.types import CallToolResult

        tokens = []

        async def noted(token):
            tokens.append(token)

        async with self.transport(terminate_on_close=False) as streams:
            async with self.make(streams) as session:
                await session.initialize()
                name = streams[2]()
                metadata = ClientMessageMetadata(on_resumption_token_update=noted)
                async with anyio.create_task_group() as group:
                    async def lost():
                        await session.send_request(
                            self.request("count", {"to": 20}, "lost"), CallToolResult, metadata=metadata
                        )

                    group.start_soon(lost)
                    with anyio.fail_after(8):
                        while len(tokens) < 3:
                            await anyio.sleep(0.02)
                    group.cancel_scope.cancel()
        headers = {"mcp-session-id": name, "mcp-protocol-version": self.version}
        async with self.transport(headers=headers) as streams:
            async with self.make(streams) as session:
                metadata = ClientMessageMetadata(resumption_token=tokens[-1])
                with anyio.fail_after(8):
                    result = await session.send_request(
                        self.request("count", {"to": 20}), CallToolResult, metadata=metadata
                    )
                same(text(result.content), "counted to 20")


class Second(Script):
    """`mcp` 2.x: the stateless era, which takes no stream up again."""

    async def run(self, script):
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client
        from mcp_types import CreateMessageResult, ElicitResult, TextContent

        async def elicited(*_):
            return ElicitResult(action="accept", content={"sure": True})

        async def sampled(*_):
            return CreateMessageResult(role="assistant", content=TextContent(type="text", text="yes"), model="none")

        async with httpx2.AsyncClient(verify=context(), timeout=60) as http:
            transport = streamable_http_client(URL, http_client=http)
            async with Client(transport, elicitation_callback=elicited, sampling_callback=sampled) as self.client:
                self.version = self.client.protocol_version
                await script(self)

    async def names(self):
        return sorted(tool.name for tool in (await self.client.list_tools()).tools)

    async def call(self, name, arguments):
        return text((await self.client.call_tool(name, arguments)).content)

    async def read(self, uri):
        return text((await self.client.read_resource(uri)).contents)

    async def prompt(self, name, arguments):
        return text(message.content for message in (await self.client.get_prompt(name, arguments)).messages)

    async def complete(self, prompt, argument, value):
        from mcp_types import PromptReference

        result = await self.client.complete(PromptReference(name=prompt), {"name": argument, "value": value})
        return result.completion.values

    async def counted(self, to):
        steps = []

        async def noted(progress, total, message):
            steps.append(int(progress))

        await self.client.call_tool("count", {"to": to}, progress_callback=noted)
        return steps

    async def call_off(self, tool):
        with anyio.move_on_after(0.7):
            await self.client.call_tool(tool, {})


class FastMCP(Second):
    """`fastmcp` 4."""

    async def run(self, script):
        from fastmcp import Client
        from fastmcp.client.transports import StreamableHttpTransport

        async def sampled(*_):
            return "yes"

        async def elicited(message, response_type, params, context):
            return {"sure": True}

        transport = StreamableHttpTransport(URL, verify=context())
        async with Client(transport, sampling_handler=sampled, elicitation_handler=elicited) as self.client:
            self.version = self.client.protocol_version
            await script(self)

    async def names(self):
        return sorted(tool.name for tool in await self.client.list_tools())

    async def read(self, uri):
        return text(await self.client.read_resource(uri))

    async def complete(self, prompt, argument, value):
        from mcp_types import PromptReference

        return (await self.client.complete(PromptReference(name=prompt), {"name": argument, "value": value})).values

    async def counted(self, to):
        steps = []

        async def noted(progress, total, message):
            steps.append(int(progress))

        await self.client.call_tool("count", {"to": to}, progress_handler=noted)
        return steps


async def main():
    found = {}

    async def script(client):
        found["version"] = client.version
        for feature in FEATURES:
            try:
                with anyio.fail_after(20):
                    await getattr(client, feature)()
                found[feature] = "yes"
            except Unknown:
                found[feature] = "-"
            except BaseException as error:  # A group of errors is what anyio gives.
                found[feature] = f"{type(error).__name__}: {error} {getattr(error, 'exceptions', '')}"

    if installed("fastmcp"):
        client = FastMCP()
    else:
        client = First() if version("mcp").startswith("1.") else Second()
    try:
        with anyio.fail_after(60):
            await client.run(script)
    except BaseException as error:
        if not found:
            raise
        print(f"at the end: {error!r} {getattr(error, 'exceptions', '')}", file=sys.stderr)
    print(json.dumps(found))


asyncio.run(main())
