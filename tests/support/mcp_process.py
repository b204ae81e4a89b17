"""`pgvend mcp` over HTTP, in a process of its own."""

import asyncio
import re
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.command_line import PGVEND, plain_environment

PATIENCE = 60.0
"""Seconds; no test is about this time."""


@asynccontextmanager
async def serving_mcp(**environment: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run `pgvend mcp --http 0 --allow-delete`, and yield the process and its address."""
    process = await asyncio.create_subprocess_exec(
        *(*PGVEND, "mcp", "--http", "0", "--allow-delete"),
        cwd="/",
        env=plain_environment(**environment),
        stderr=PIPE,
    )
    try:
        assert process.stderr
        line = (await asyncio.wait_for(process.stderr.readline(), PATIENCE)).decode()
        match = re.fullmatch(r"pgvend serves MCP at (http://\S+/mcp) for (http://\S+)\n", line)
        assert match, line + (await process.stderr.read()).decode()
        yield process, match[1]
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
