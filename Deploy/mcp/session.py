"""One session of the official Python SDK's client with a stdio MCP server, as a script of steps.

Usage: session.py [--mode auto|legacy|2026-07-28] 'STEPS' COMMAND [ARG ...]

STEPS is a JSON array; each step gives one JSON line on stdout:
  {"list": "tools"|"resources"|"templates"|"prompts"} -> {"names": [...]}
  {"call": NAME, "arguments": {...}}                   -> {"isError": bool, "text": "..."}
  {"read": URI}                                         -> {"text": "..."}
  {"prompt": NAME, "arguments": {...}}                  -> {"text": "..."}
A step that the server refuses gives {"error": "...", "code": N}. Works with the SDK's 1.x and 2.x.
"""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

try:
    from mcp.client.client import Client
except ImportError:
    Client = None
from mcp.client.stdio import StdioServerParameters, stdio_client


@asynccontextmanager
async def connected(parameters, mode):
    if Client is not None:
        async with Client(stdio_client(parameters), mode=mode) as client:
            yield client
    else:
        from mcp import ClientSession

        async with stdio_client(parameters) as (read, write):
            async with ClientSession(read, write) as session:
                await session.initialize()
                yield session


def text(parts):
    return "".join(getattr(part, "text", "") or "" for part in parts)


async def take(client, step):
    if "list" in step:
        kind = step["list"]
        if kind == "tools":
            return {"names": [tool.name for tool in (await client.list_tools()).tools]}
        if kind == "resources":
            return {"names": [str(item.uri) for item in (await client.list_resources()).resources]}
        if kind == "prompts":
            return {"names": [item.name for item in (await client.list_prompts()).prompts]}
        result = await client.list_resource_templates()
        templates = getattr(result, "resource_templates", None)
        if templates is None:
            templates = result.resourceTemplates
        return {"names": [getattr(t, "uri_template", None) or t.uriTemplate for t in templates]}
    if "call" in step:
        seen = []

        async def progress(done, total, message):
            seen.append(done)

        result = await client.call_tool(step["call"], step.get("arguments", {}), progress_callback=progress)
        failed = getattr(result, "is_error", None)
        if failed is None:
            failed = getattr(result, "isError", False)
        answer = {"isError": bool(failed), "text": text(result.content)}
        if seen:
            answer["progress"] = len(seen)
        return answer
    if "read" in step:
        uri = step["read"]
        if Client is None:
            from pydantic import AnyUrl

            uri = AnyUrl(uri)
        return {"text": text((await client.read_resource(uri)).contents)}
    if "prompt" in step:
        result = await client.get_prompt(step["prompt"], step.get("arguments", {}))
        return {"text": text([message.content for message in result.messages])}
    raise SystemExit(f"unknown step {step}")


async def main():
    arguments = sys.argv[1:]
    mode = "auto"
    if arguments[0] == "--mode":
        mode, arguments = arguments[1], arguments[2:]
    steps, command = json.loads(arguments[0]), arguments[1:]
    parameters = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    async with connected(parameters, mode) as client:
        for step in steps:
            try:
                answer = await asyncio.wait_for(take(client, step), 60)
            except Exception as error:
                detail = getattr(error, "error", None)
                answer = {"error": str(error), "code": getattr(detail, "code", None)}
            print(json.dumps(answer), flush=True)


asyncio.run(main())
