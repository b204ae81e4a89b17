"""However many connect, and however much they ask at once: whoever comes next is answered."""

import asyncio
import resource
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.needs import lacking
from tests.support.service import running_service
from tests.support.wires import ASK, Wire, asked, limited_app, request, wire_to, wires_to

MOST = 20


async def test_the_connection_that_is_at_rest_for_longest_leaves_for_a_new_one() -> None:
    async with limited_app(most=MOST) as port, wires_to(port, MOST) as wires:
        for wire in wires[1:]:
            await wire.ask()
        async with wire_to(port) as late:
            assert (await late.ask()).status == 200

        assert await wires[0].ended() == b""
        assert [(await wire.ask()).status for wire in wires[1:]] == [200] * (MOST - 1)


async def test_whose_bodies_do_not_come_leave_too() -> None:
    head = request("/v1/databases", "POST", Content_Type="application/json", Content_Length="9")
    async with limited_app(most=MOST) as port, wires_to(port, MOST) as wires:
        for wire in wires:
            await wire.ask()
            wire.send(head)
        await asyncio.gather(*(asked(port) for _ in range(MOST)))

        assert (await asked(port)).status == 200


async def test_a_flood_of_connections_is_over_when_it_is_over() -> None:
    async with limited_app(most=MOST) as port:
        async with wires_to(port, MOST * 10):
            assert (await asked(port)).status == 200
        async with wires_to(port, MOST) as wires:
            answers = await asyncio.gather(*(wire.ask() for wire in wires))
    assert [answer.status for answer in answers] == [200] * MOST


async def test_many_requests_sent_ahead_are_answered_in_order() -> None:
    many = 2000
    async with limited_app() as port, wire_to(port) as wire:
        sending = asyncio.create_task(_sent(wire, many))
        for number in range(many):
            answer = await wire.answer()
            assert (answer.status, answer.headers["X-Request-ID"]) == (200, f"n-{number}")
        await sending


async def test_while_one_sends_ahead_others_are_answered() -> None:
    async with limited_app() as port, wire_to(port) as greedy:
        greedy.writer.transport.pause_reading()  # type: ignore[attr-defined] # a stream's writer has it
        greedy.send(ASK * 100_000)
        assert [(await asked(port)).status for _ in range(10)] == [200] * 10


async def test_ten_thousand_idle_connections_lock_nobody_out(tmp_path: Path) -> None:
    """The real service, with all that it may have."""
    _needs_descriptors(12_000)
    async with running_service(tmp_path, PGVEND_PROVIDER="memory") as service:
        port = urlsplit(service.url).port or 0
        async with wires_to(port, 10_500):
            assert (await asked(port)).status == 200

        assert await service.stop() == 0


async def test_where_descriptors_are_few_callers_do_not_take_them_all(tmp_path: Path) -> None:
    python = _with_descriptors(200, tmp_path / "python")
    folder = tmp_path / "data"
    async with running_service(folder, python=python, PGVEND_PROVIDER="memory") as service:
        port = urlsplit(service.url).port or 0
        async with wires_to(port, 400):
            assert (await asked(port)).status == 200

        assert "connections.none_left" not in service.output()


async def _sent(wire: Wire, many: int) -> None:
    for number in range(many):
        wire.send(request(X_Request_ID=f"n-{number}"))
        await wire.writer.drain()


def _needs_descriptors(many: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < many:
        lacking(f"{many} file descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(many, most), most))


def _with_descriptors(many: int, file: Path) -> Path:
    """A Python that may open so many."""
    file.write_text(f'#!/bin/sh\nulimit -n {many}\nexec {sys.executable} "$@"\n')
    file.chmod(0o755)
    return file
