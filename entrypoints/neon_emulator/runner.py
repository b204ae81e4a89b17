"""The emulator as a program: it listens on loopback and uses a temporary folder."""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
from aiohttp import web

from adapters.system.clock import SystemClock
from domain.errors import StartupError
from entrypoints.neon_emulator.api.middleware import API
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.startup import open_emulator
from entrypoints.neon_emulator.state.emulator import HOST, Emulator

DISPOSABLE_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""The data does not need to survive a crash: it is removed when the emulator stops."""

DRAIN_TIMEOUT = 5.0
"""Seconds for running requests to finish."""

Announce = Callable[[Emulator, str], None]


def serve(port: int, behaviour: Behaviour, announce: Announce) -> None:
    """Serve until SIGINT or SIGTERM; call `announce` with the API's URL when it is ready.

    Raises StartupError.
    """
    with _listen(port) as listener, suppress(asyncio.CancelledError):
        asyncio.run(_serve_until_stopped(listener, behaviour, announce))


async def _serve_until_stopped(
    listener: socket.socket, behaviour: Behaviour, announce: Announce
) -> None:
    """Serve until a signal arrives, during startup too; repeated signals have no effect."""
    task = asyncio.create_task(_serve(listener, behaviour, announce))

    def stop() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await task


async def _serve(listener: socket.socket, behaviour: Behaviour, announce: Announce) -> None:
    with tempfile.TemporaryDirectory(prefix="pgvend-neon-") as folder:
        async with (
            open_emulator(
                behaviour,
                folder=Path(folder),
                clock=SystemClock(),
                log=structlog.get_logger(),
                settings=DISPOSABLE_SETTINGS,
            ) as emulator,
            _serving(emulator, listener),
        ):
            announce(emulator, f"http://{HOST}:{listener.getsockname()[1]}{API}")
            await asyncio.Event().wait()


@asynccontextmanager
async def _serving(emulator: Emulator, listener: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(emulator.app, access_log=None, shutdown_timeout=DRAIN_TIMEOUT)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


def _listen(port: int) -> socket.socket:
    """Listen before anything else starts, so that a port in use is reported at once."""
    try:
        return socket.create_server((HOST, port), backlog=512)
    except OSError as error:
        raise StartupError(
            f"Cannot listen on {HOST} port {port} ({os.strerror(error.errno or 0)}): choose a "
            "free port with --port, or stop the process that uses this one."
        ) from error
