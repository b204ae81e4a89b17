"""The MCP server for one client, over standard input and output."""

import signal
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


async def serve_stdio(server: Server[Any]) -> None:
    """Serve until the client closes standard input. Ctrl-C ends the process at once: a thread that
    waits for input could not be ended otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
