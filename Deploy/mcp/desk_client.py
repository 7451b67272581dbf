"""A session of the official Python SDK's client with a spoke itself, over mutual TLS, that answers what servers ask.

Usage: desk_client.py URL CERTIFICATE KEY MODE 'STEPS'     (MODE: auto, legacy or 2026-07-28)
       desk_client.py URL oauth ROOTS MODE 'STEPS'         (with an access token of the authorization server that URL names)

STEPS is a JSON array; each step gives one JSON line on stdout:
  {"call": NAME, "arguments": {...}}     -> {"isError": bool, "text": "..."}
  {"list": "tools"}                      -> {"names": [...]}
  {"listen": [URI, ...]}                 -> {"honored": {...}}; from then on, what comes is noted
  {"touch": FILE}                        -> {} after the file was made
  {"until": WORD}                        -> {"seen": [...]} once a notification or event holds the word
A step that the server refuses gives {"error": "..."}, one that is not done in 40 s {"late": true}.
"""

import asyncio
import json
import pathlib
import ssl
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import SubscriptionLost
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    Root,
    TextContent,
)

asked = []
seen = []


async def elicited(context, params):
    asked.append("elicitation")
    return ElicitResult(action="accept", content={"sure": True})


async def sampled(context, params):
    asked.append("sampling")
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="yes"), model="none")


async def roots(context):
    asked.append("roots")
    return ListRootsResult(roots=[Root(uri="file:///work", name="work")])


async def noted(message):
    seen.append(repr(message))


def text(parts):
    return "".join(getattr(part, "text", "") or "" for part in parts)


async def follow(subscription):
    try:
        async for event in subscription:
            seen.append(repr(event))
    except SubscriptionLost:
        pass
    seen.append("the end")


async def take(client, step, keep):
    if "call" in step:
        asked.clear()
        result = await client.call_tool(step["call"], step.get("arguments", {}))
        return {"isError": bool(result.is_error), "text": text(result.content), "asked": list(asked)}
    if "list" in step:
        return {"names": sorted(tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools)}
    if "listen" in step:
        subscription = await keep.enter_async_context(
            client.listen(tools_list_changed=True, resource_subscriptions=step["listen"])
        )
        asyncio.create_task(follow(subscription))
        return {"honored": subscription.honored.model_dump(mode="json", by_alias=True, exclude_none=True)}
    if "touch" in step:
        pathlib.Path(step["touch"]).touch()
        return {}
    if "until" in step:
        while not any(step["until"] in line for line in seen):
            await asyncio.sleep(0.02)
        return {"seen": list(seen)}
    raise SystemExit(f"unknown step {step}")


class Tokens:
    """What the SDK keeps of an authorization server."""

    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


def authorization(url):
    """The whole flow of the SDK; the person at the browser says yes at once."""
    from mcp.client.auth import OAuthClientProvider
    from mcp.client.auth.oauth2 import AuthorizationCodeResult
    from mcp.shared.auth import OAuthClientMetadata

    answered = []

    async def redirect(address):
        async with httpx2.AsyncClient() as browser:
            answered.append((await browser.get(address)).headers["location"])

    async def callback():
        parameters = httpx2.URL(answered.pop()).params
        return AuthorizationCodeResult(code=parameters["code"], state=parameters["state"])

    metadata = OAuthClientMetadata(client_name="desk", redirect_uris=["http://127.0.0.1:9/back"])
    return OAuthClientProvider(url, metadata, Tokens(), redirect, callback)


async def main():
    from contextlib import AsyncExitStack

    url, certificate, key, mode, steps = sys.argv[1:]
    if certificate == "oauth":
        credential = {"verify": ssl.create_default_context(cafile=key), "auth": authorization(url)}
    else:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(certificate, key)
        credential = {"verify": context}
    async with AsyncExitStack() as keep:
        http = await keep.enter_async_context(httpx2.AsyncClient(timeout=60, **credential))
        client = await keep.enter_async_context(
            Client(
                streamable_http_client(url, http_client=http), mode=mode, elicitation_callback=elicited,
                sampling_callback=sampled, list_roots_callback=roots, message_handler=noted,
            )
        )
        for step in json.loads(steps):
            try:
                answer = await asyncio.wait_for(take(client, step, keep), 40)
            except TimeoutError:
                answer = {"late": True, "seen": list(seen)}
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}", "seen": list(seen)}
            print(json.dumps(answer), flush=True)


asyncio.run(main())
