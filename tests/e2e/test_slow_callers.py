"""Slow callers do not block others; requests that they abandon are completed or never started."""

import asyncio
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from tests.support.apps import RunningApp, running_app
from tests.support.polling import wait_until
from tests.support.provider_faults import Gate
from tests.support.raw_connections import (
    ASK,
    RawConnection,
    ask_once,
    connect_raw,
    request,
    running_limited_app,
)

SHORT = 0.2
LONG = 3600.0
BODY = b'{"nickname": "left alone"}'


@pytest.mark.parametrize("head", [b"", b"G", ASK[:-1], ASK[:-2]])
async def test_an_incomplete_head_closes_the_connection(head: bytes) -> None:
    async with running_limited_app(head=SHORT, idle=LONG) as port, connect_raw(port) as wire:
        wire.send(head)
        assert await wire.read_to_end() == b""
        assert (await ask_once(port)).status == 200


async def test_a_head_that_arrives_slowly_closes_the_connection() -> None:
    async with running_limited_app(head=SHORT, idle=LONG) as port, connect_raw(port) as wire:
        trickle = asyncio.create_task(_send_slowly(wire))
        try:
            assert await wire.read_to_end() == b""
        finally:
            trickle.cancel()


async def test_a_second_head_has_the_same_time_limit() -> None:
    async with running_limited_app(head=SHORT, idle=LONG) as port, connect_raw(port) as wire:
        assert (await wire.ask()).status == 200
        wire.send(ASK[:-1])
        assert await wire.read_to_end() == b""


async def test_an_idle_connection_has_more_time_than_a_head() -> None:
    async with running_limited_app(head=SHORT, idle=LONG) as port, connect_raw(port) as quiet:
        assert (await quiet.ask()).status == 200
        async with connect_raw(port) as later:
            await later.read_to_end()  # the time for a head is over
        assert (await quiet.ask()).status == 200


async def test_an_idle_connection_is_closed() -> None:
    async with running_limited_app(head=LONG, idle=SHORT) as port, connect_raw(port) as wire:
        assert (await wire.ask()).status == 200
        assert await wire.read_to_end() == b""


async def test_a_body_has_more_time_than_a_head() -> None:
    async with running_limited_app(head=SHORT) as port, connect_raw(port) as wire:
        wire.send(_create_head(len(BODY)) + BODY[:-1])
        async with connect_raw(port) as later:
            await later.read_to_end()
        assert (await wire.ask(BODY[-1:])).status == 201


async def test_a_stalled_reader_is_disconnected() -> None:
    async with running_limited_app(stall=SHORT) as port, connect_raw(port, limit=1) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's writer has it
        wire.send(request("/openapi.json") * 2000)
        await _wait_until_disconnected(wire)
        assert (await ask_once(port)).status == 200


@pytest.mark.parametrize("moment", ["before provision", "during provision", "after provision"])
async def test_a_creation_completes_although_its_caller_disconnects(moment: str) -> None:
    gate = Gate(moment)
    async with running_app(MemoryProvider(fault_hook=gate)) as app:
        async with connect_raw(app.port) as wire:
            wire.send(_create_head(len(BODY)) + BODY)
            await gate.reached.wait()
        await wait_until(app.is_disconnected)
        gate.open()
        (record,) = await app.list_live()

        await app.wait_for_state(record["id"], "ready")
        assert [item.id for item in await app.provider.inventory()] == [record["id"]]


async def test_a_request_with_an_incomplete_body_creates_nothing(app: RunningApp) -> None:
    with capture_logs() as logged:
        async with connect_raw(app.port) as wire:
            wire.send(_create_head(len(BODY)) + BODY[:5])
            await wait_until(app.is_connected)
        await wait_until(app.is_disconnected)
        await app.get("/livez")

    assert not [event for event in logged if event["log_level"] in {"error", "critical"}]
    assert await app.is_empty()


async def _send_slowly(wire: RawConnection) -> None:
    wire.send(b"GET /livez HTTP/1.1\r\n")
    while True:
        wire.send(b"X: y\r\n")
        await asyncio.sleep(SHORT / 10)


async def _wait_until_disconnected(wire: RawConnection) -> None:
    """Send until the service has closed the connection."""
    with suppress(ConnectionError):
        async with asyncio.timeout(60):
            while True:
                wire.send(ASK)
                await wire.writer.drain()
                await asyncio.sleep(SHORT / 10)


def _create_head(length: int) -> bytes:
    return request(
        "/v1/databases", "POST", Content_Type="application/json", Content_Length=str(length)
    )
