"""A server that dies at each request, by SIGKILL, and comes back."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from adapters.embedded.opening import Bundle, opened_bundle
from adapters.memory.registry import MemoryRegistry
from adapters.postgres.provider import PostgresProvider
from adapters.system.clock import SystemClock
from ports.driving.vend import VendRequest
from tests.support.faults import Blow, assert_ours, at_every, requests_of, site, struck
from tests.support.orders import INSTALLATION, new_order, unique_name
from tests.support.pgproxy import Fault, How
from tests.support.servers import ram_folder
from tests.support.traces import NOTHING, WHOLE
from tests.support.vends import PATIENT, assert_whole_or_nothing, vend_over


@pytest.fixture(scope="module")
async def mortal() -> AsyncIterator[PostgresProvider]:
    """Unlike other servers of the tests, it keeps what it has answered for when it is killed."""
    with ram_folder() as folder:
        settings = {"fsync": "off", "full_page_writes": "off"}
        bundle = Bundle(folder=folder / "embedded", settings=settings)
        log = structlog.get_logger()
        async with opened_bundle(bundle, INSTALLATION, SystemClock(), log) as provider:
            yield provider


def _killing_server(provider: PostgresProvider) -> Blow:
    """The parent dies; its sessions may work on for a moment. The service starts it again."""

    file = Path(provider.server.admin["host"], "postmaster.pid")

    async def kill(_: Fault) -> None:
        _kill_by(file)

    return Blow(How.WATCHED, kill=kill, at_once=1)


def _kill_by(pid_file: Path) -> None:
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)


def _killing_session() -> Blow:
    """One session dies; the server ends all others, recovers, and goes on."""

    async def kill(fault: Fault) -> None:
        if fault.pid:  # none before the login
            with suppress(ProcessLookupError):  # after a goodbye it ends by itself
                os.kill(fault.pid, signal.SIGKILL)

    return Blow(How.WATCHED, kill=kill, at_once=1)


@pytest.fixture(scope="module")
async def vend_requests(mortal: PostgresProvider) -> list[str]:
    order = new_order()
    requests = await requests_of(mortal, lambda whole: whole.vend(order))
    await mortal.retire(order.tenant)
    return requests


async def test_a_vend_converges_when_it_is_called_again_on_a_server_that_was_killed(
    mortal: PostgresProvider, vend_requests: list[str]
) -> None:
    blow = _killing_server(mortal)

    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        async with site(mortal, fault) as broken:
            assert_ours(await struck(broken.vend(order), fault, blow))
            await broken.vend_again(order)
            assert await broken.traces(order.tenant) == WHOLE
            await broken.retrying.retire(order.tenant)
            assert await broken.traces(order.tenant) == NOTHING

    await at_every(vend_requests, case, blow)


async def test_a_vend_whose_session_is_killed_hands_out_a_working_database_or_leaves_none(
    mortal: PostgresProvider, vend_requests: list[str]
) -> None:
    blow = _killing_session()

    async def case(at: int) -> None:
        registry, fault = MemoryRegistry(), Fault(blow.how, at)
        async with site(mortal, fault) as broken:
            vend = vend_over(broken, registry, PATIENT)
            outcome = await struck(vend(VendRequest(nickname=unique_name())), fault, blow)
            assert_ours(outcome)
            await assert_whole_or_nothing(broken, registry, outcome)

    await at_every(vend_requests, case, blow)


async def test_a_retirement_leaves_nothing_when_it_is_called_again_after_a_kill(
    mortal: PostgresProvider,
) -> None:
    blow, order = _killing_session(), new_order()
    await mortal.provision(order)
    requests = await requests_of(mortal, lambda whole: whole.provider.retire(order.tenant))

    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        async with site(mortal) as whole:
            await whole.vend_again(order)
        async with site(mortal, fault) as broken:
            assert_ours(await struck(broken.provider.retire(order.tenant), fault, blow))
            await broken.retrying.retire(order.tenant)
            assert await broken.traces(order.tenant) == NOTHING

    await at_every(requests, case, blow)
