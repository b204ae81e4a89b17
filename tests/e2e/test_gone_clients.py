"""Clients that hang up in the middle: what they asked for is finished, or never begun."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from tests.support.apps import RunningApp, running_app
from tests.support.polling import until
from tests.support.trouble import Gate

BODY = json.dumps({"nickname": "left alone"}).encode()


@pytest.mark.parametrize("moment", ["before provision", "amid provision", "after provision"])
async def test_a_vend_whose_caller_has_gone_is_finished(moment: str) -> None:
    gate = Gate(moment)
    async with running_app(MemoryProvider(trouble=gate)) as app:
        async with _connection(app) as caller:
            caller.write(_head(len(BODY)) + BODY)
            await gate.reached.wait()
        gate.open()

        record = await _settled(app)
        assert record["state"] == "ready"
        assert [holding.id for holding in await app.provider.inventory()] == [record["id"]]


async def test_a_caller_who_leaves_amid_the_body_gets_nothing_made(app: RunningApp) -> None:
    with _no_crash():
        async with _connection(app) as caller:
            caller.write(_head(len(BODY)) + BODY[:5])
            await until(app.is_connected)
        await app.get("/livez")

    assert await app.nothing_is_left()


async def test_the_service_goes_on_after_garbage_that_is_not_http(app: RunningApp) -> None:
    async with _connection(app) as caller:
        caller.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        await caller.drain()

    assert await app.get("/livez") == {"status": "ok"}


@asynccontextmanager
async def _connection(app: RunningApp) -> AsyncIterator[asyncio.StreamWriter]:
    """A connection that is cut without a goodbye at the end, which the service has then seen."""
    _, writer = await asyncio.open_connection("127.0.0.1", app.port)
    try:
        yield writer
    finally:
        writer.transport.abort()
        await until(app.is_alone)


@contextmanager
def _no_crash() -> Iterator[None]:
    with capture_logs() as logged:
        yield
    assert not [event for event in logged if event["log_level"] in {"error", "critical"}]


def _head(length: int) -> bytes:
    lines = (
        "POST /v1/databases HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def _settled(app: RunningApp) -> dict[str, str]:
    async with asyncio.timeout(10):
        while True:
            (record,) = await app.live()
            if record["state"] != "provisioning":
                return dict(record)
            await asyncio.sleep(0.01)
