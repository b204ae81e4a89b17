"""Slow callers do not block others; requests that they abandon are completed or never started."""

import asyncio
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from tests.support.apps import RunningApp, running_app
from tests.support.polling import until
from tests.support.provider_faults import Gate
from tests.support.raw_connections import ASK, Wire, asked, limited_app, request, wire_to

SHORT = 0.2
LONG = 3600.0
BODY = b'{"nickname": "left alone"}'


@pytest.mark.parametrize("begun", [b"", b"G", ASK[:-1], ASK[:-2]])
async def test_an_incomplete_head_closes_the_connection(begun: bytes) -> None:
    async with limited_app(head=SHORT, idle=LONG) as port, wire_to(port) as wire:
        wire.send(begun)
        assert await wire.ended() == b""
        assert (await asked(port)).status == 200


async def test_a_head_that_arrives_slowly_closes_the_connection() -> None:
    async with limited_app(head=SHORT, idle=LONG) as port, wire_to(port) as wire:
        trickle = asyncio.create_task(_trickle(wire))
        try:
            assert await wire.ended() == b""
        finally:
            trickle.cancel()


async def test_a_second_head_has_the_same_time_limit() -> None:
    async with limited_app(head=SHORT, idle=LONG) as port, wire_to(port) as wire:
        assert (await wire.ask()).status == 200
        wire.send(ASK[:-1])
        assert await wire.ended() == b""


async def test_an_idle_connection_has_more_time_than_a_head() -> None:
    async with limited_app(head=SHORT, idle=LONG) as port, wire_to(port) as quiet:
        assert (await quiet.ask()).status == 200
        async with wire_to(port) as later:
            await later.ended()  # the time for a head is over
        assert (await quiet.ask()).status == 200


async def test_an_idle_connection_is_closed() -> None:
    async with limited_app(head=LONG, idle=SHORT) as port, wire_to(port) as wire:
        assert (await wire.ask()).status == 200
        assert await wire.ended() == b""


async def test_a_body_has_more_time_than_a_head() -> None:
    async with limited_app(head=SHORT) as port, wire_to(port) as wire:
        wire.send(_order(len(BODY)) + BODY[:-1])
        async with wire_to(port) as later:
            await later.ended()
        assert (await wire.ask(BODY[-1:])).status == 201


async def test_a_stalled_reader_is_disconnected() -> None:
    async with limited_app(stall=SHORT) as port, wire_to(port, limit=1) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's writer has it
        wire.send(request("/openapi.json") * 2000)
        await _is_cut(wire)
        assert (await asked(port)).status == 200


@pytest.mark.parametrize("moment", ["before provision", "amid provision", "after provision"])
async def test_a_creation_completes_although_its_caller_disconnects(moment: str) -> None:
    gate = Gate(moment)
    async with running_app(MemoryProvider(trouble=gate)) as app:
        async with wire_to(app.port) as wire:
            wire.send(_order(len(BODY)) + BODY)
            await gate.reached.wait()
        await until(app.is_alone)
        gate.open()
        (record,) = await app.live()

        await app.comes_to(record["id"], "ready")
        assert [holding.id for holding in await app.provider.inventory()] == [record["id"]]


async def test_a_request_with_an_incomplete_body_creates_nothing(app: RunningApp) -> None:
    with capture_logs() as logged:
        async with wire_to(app.port) as wire:
            wire.send(_order(len(BODY)) + BODY[:5])
            await until(app.is_connected)
        await until(app.is_alone)
        await app.get("/livez")

    assert not [event for event in logged if event["log_level"] in {"error", "critical"}]
    assert await app.nothing_is_left()


async def _trickle(wire: Wire) -> None:
    wire.send(b"GET /livez HTTP/1.1\r\n")
    while True:
        wire.send(b"X: y\r\n")
        await asyncio.sleep(SHORT / 10)


async def _is_cut(wire: Wire) -> None:
    """Send until the service has closed the connection."""
    with suppress(ConnectionError):
        async with asyncio.timeout(60):
            while True:
                wire.send(ASK)
                await wire.writer.drain()
                await asyncio.sleep(SHORT / 10)


def _order(length: int) -> bytes:
    return request(
        "/v1/databases", "POST", Content_Type="application/json", Content_Length=str(length)
    )
