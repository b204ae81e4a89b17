"""Limits of connections: a new caller is answered although many are connected."""

import asyncio
import resource
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.raw_connections import (
    ASK,
    RawConnection,
    ask_once,
    connect_many_raw,
    connect_raw,
    request,
    running_limited_app,
)
from tests.support.requirements import skip_without
from tests.support.service import running_service

MAX_CONNECTIONS = 20


async def test_the_connection_that_is_idle_for_longest_is_closed_for_a_new_one() -> None:
    async with (
        running_limited_app(max_connections=MAX_CONNECTIONS) as port,
        connect_many_raw(port, MAX_CONNECTIONS) as wires,
    ):
        for wire in wires[1:]:
            await wire.ask()
        async with connect_raw(port) as late:
            assert (await late.ask()).status == 200

        assert await wires[0].read_to_end() == b""
        assert [(await wire.ask()).status for wire in wires[1:]] == [200] * (MAX_CONNECTIONS - 1)


async def test_connections_with_incomplete_bodies_are_closed_too() -> None:
    head = request("/v1/databases", "POST", Content_Type="application/json", Content_Length="9")
    async with (
        running_limited_app(max_connections=MAX_CONNECTIONS) as port,
        connect_many_raw(port, MAX_CONNECTIONS) as wires,
    ):
        for wire in wires:
            await wire.ask()
            wire.send(head)
        await asyncio.gather(*(ask_once(port) for _ in range(MAX_CONNECTIONS)))

        assert (await ask_once(port)).status == 200


async def test_the_service_recovers_from_a_flood_of_connections() -> None:
    async with running_limited_app(max_connections=MAX_CONNECTIONS) as port:
        async with connect_many_raw(port, MAX_CONNECTIONS * 10):
            assert (await ask_once(port)).status == 200
        async with connect_many_raw(port, MAX_CONNECTIONS) as wires:
            answers = await asyncio.gather(*(wire.ask() for wire in wires))
    assert [answer.status for answer in answers] == [200] * MAX_CONNECTIONS


async def test_pipelined_requests_are_answered_in_order() -> None:
    many = 2000
    async with running_limited_app() as port, connect_raw(port) as wire:
        sending = asyncio.create_task(_send_requests(wire, many))
        for number in range(many):
            answer = await wire.read_answer()
            assert (answer.status, answer.headers["X-Request-ID"]) == (200, f"n-{number}")
        await sending


async def test_a_pipelining_caller_does_not_block_others() -> None:
    async with running_limited_app() as port, connect_raw(port) as greedy:
        greedy.writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's writer has it
        greedy.send(ASK * 100_000)
        assert [(await ask_once(port)).status for _ in range(10)] == [200] * 10


async def test_ten_thousand_idle_connections_do_not_block_callers(tmp_path: Path) -> None:
    """The real service with its maximum number of connections."""
    _require_descriptors(12_000)
    async with running_service(tmp_path, PGVEND_PROVIDER="memory") as service:
        port = urlsplit(service.url).port or 0
        async with connect_many_raw(port, 10_500):
            assert (await ask_once(port)).status == 200

        assert await service.stop() == 0


async def test_few_descriptors_are_not_all_used_by_callers(tmp_path: Path) -> None:
    python = _create_limited_python(200, tmp_path / "python")
    folder = tmp_path / "data"
    async with running_service(folder, python=python, PGVEND_PROVIDER="memory") as service:
        port = urlsplit(service.url).port or 0
        async with connect_many_raw(port, 400):
            assert (await ask_once(port)).status == 200

        assert "connections.exhausted" not in service.output()


async def _send_requests(wire: RawConnection, many: int) -> None:
    for number in range(many):
        wire.send(request(X_Request_ID=f"n-{number}"))
        await wire.writer.drain()


def _require_descriptors(many: int) -> None:
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard_limit != resource.RLIM_INFINITY and hard_limit < many:
        skip_without(f"{many} file descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(many, hard_limit), hard_limit))


def _create_limited_python(many: int, file: Path) -> Path:
    """Create a Python with that limit of file descriptors."""
    file.write_text(f'#!/bin/sh\nulimit -n {many}\nexec {sys.executable} "$@"\n')
    file.chmod(0o755)
    return file
