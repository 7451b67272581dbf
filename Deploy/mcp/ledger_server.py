"""A small MCP server over HTTP, made with the official Python SDK: what the demo and the end-to-end tests put behind a spoke.

Usage: ledger_server.py PORT [json]   (loopback only; `json` answers with plain JSON instead of event streams)
"""

import asyncio
import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations, ToolListChangedNotification

server = MCPServer("ledger", instructions="The general ledger of a company that does not exist.")
entries = {"4711": 1200, "4712": 80}


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def read_entry(account: str) -> str:
    """The balance of one account."""
    return f"{account}: {entries.get(account, 0)}"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def read_slowly(steps: int, ctx: Context) -> str:
    """Reads with progress, one step every 50 ms."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps)
        await asyncio.sleep(0.05)
    return f"{steps} steps"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def read_much(bytes: int) -> str:
    """As many letters as asked for."""
    return "x" * bytes


@server.tool()
def write_entry(account: str, amount: int) -> str:
    """Books an amount."""
    entries[account] = entries.get(account, 0) + amount
    return f"{account}: {entries[account]}"


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def delete_entry(account: str) -> str:
    """Deletes an account."""
    entries.pop(account, None)
    return "deleted"


@server.tool()
async def open_account(account: str, ctx: Context) -> str:
    """Adds the tool `read_ACCOUNT`, as servers do that change while they run."""
    server.add_tool(
        lambda: f"{account}: 0", name=f"read_{account}", annotations=ToolAnnotations(read_only_hint=True)
    )
    await ctx.session.send_notification(ToolListChangedNotification(), related_request_id=ctx.request_id)
    return "opened"


@server.resource("ledger://reports/2026")
def report() -> str:
    """The yearly report."""
    return "all is well"


@server.resource("ledger://secrets/plan")
def plan() -> str:
    """Not for everyone."""
    return "secret"


@server.resource("ledger://reports/{year}/{quarter}")
def quarter(year: str, quarter: str) -> str:
    """One quarter's report."""
    return f"{quarter}/{year}: all is well"


@server.prompt()
def summarize(account: str) -> str:
    """Asks for a summary."""
    return f"Summarize account {account}."


@server.prompt()
def forge(account: str) -> str:
    """Not for everyone."""
    return f"Forge account {account}."


if __name__ == "__main__":
    server.run(
        "streamable-http", host="127.0.0.1", port=int(sys.argv[1]), json_response=sys.argv[2:] == ["json"]
    )
