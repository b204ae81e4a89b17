"""The use case over a server that fails at each request: it returns a working database or leaves
none."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog

from adapters.decorators.logging import Observation, ObservedProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.embedded.server import Bundle, opened_bundle
from adapters.memory.registry import MemoryRegistry
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from adapters.system.clock import SystemClock
from adapters.system.leases import MemoryLeases
from adapters.system.randomness import SystemRandomness
from domain.expiry import ExpiryPolicy
from domain.retry import RetryPolicy
from domain.states import State
from ports.driven.registry import Query, Registry
from ports.use_cases.create_database import VendDatabase, VendRequest
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.provisioned_database import Vended
from tests.support.fault_injection import (
    BLOWS,
    NOTHING,
    SLOW,
    WHOLE,
    Blow,
    Site,
    at_every,
    site,
    struck,
)
from tests.support.pgproxy import Fault, How
from tests.support.provision_requests import INSTALLATION, new_order, unique_name
from tests.support.records import TARGET
from tests.support.retrying import RETRYING
from tests.support.servers import ram_folder
from tests.support.use_cases import vend_with

PATIENT = RetryPolicy(attempts=4, base=0.01, cap=0.05, deadline=20)
HASTY = RetryPolicy(attempts=1)

CANCELLING = {name: (blow, PATIENT) for name, blow in (BLOWS | SLOW).items() if blow.cancels}
CUTTING = {name: (blow, HASTY) for name, blow in BLOWS.items() if not blow.cancels}
KINDS = CANCELLING | CUTTING  # a policy with retries would survive a lost connection


@pytest.fixture(scope="module")
async def mortal() -> AsyncIterator[PostgresProvider]:
    """Unlike other servers of the tests, this one keeps committed data when it is killed."""
    with ram_folder() as folder:
        settings = {"fsync": "off", "full_page_writes": "off"}
        bundle = Bundle(folder=folder / "embedded", settings=settings)
        log = structlog.get_logger()
        async with opened_bundle(bundle, INSTALLATION, SystemClock(), log) as provider:
            yield provider


@pytest.mark.parametrize(("blow", "policy"), KINDS.values(), ids=KINDS.keys())
async def test_a_broken_creation_returns_a_working_database_or_leaves_none(
    bundled_18: PostgresProvider, blow: Blow, policy: RetryPolicy
) -> None:
    await at_every(await _requests(bundled_18), _vends(bundled_18, blow, policy), blow)


async def test_a_creation_survives_a_lost_answer(bundled_18: PostgresProvider) -> None:
    blow = BLOWS["answer swallowed"]
    await at_every(await _requests(bundled_18), _vends(bundled_18, blow, PATIENT, Vended), blow)


async def test_a_creation_whose_session_is_killed_returns_a_working_database_or_leaves_none(
    mortal: PostgresProvider,
) -> None:
    blow = Blow(How.WATCHED, kill=_kill_session, at_once=1)
    await at_every(await _requests(mortal), _vends(mortal, blow, PATIENT), blow)


async def test_a_repeated_creation_converges_after_the_server_was_killed(
    mortal: PostgresProvider,
) -> None:
    """The parent process dies; its sessions may continue for a moment. The service restarts it."""
    pid_file = Path(mortal.server.admin["host"], "postmaster.pid")

    async def kill(_: Fault) -> None:
        _kill_by(pid_file)

    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        async with site(mortal, fault) as broken:
            await struck(broken.vend(order), fault, blow)
            await broken.vend_again(order)
            assert await broken.traces(order.tenant) == WHOLE
            await broken.retrying.delete(order.tenant)
            assert await broken.traces(order.tenant) == NOTHING

    blow = Blow(How.WATCHED, kill=kill, at_once=1)
    await at_every(await _requests(mortal), case, blow)


async def test_a_repeated_deletion_leaves_nothing_after_a_kill(
    mortal: PostgresProvider,
) -> None:
    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        async with site(mortal) as whole:
            await whole.vend_again(order)
        async with site(mortal, fault) as broken:
            await struck(broken.provider.delete(order.tenant), fault, blow)
            await broken.retrying.delete(order.tenant)
            assert await broken.traces(order.tenant) == NOTHING

    blow, order = Blow(How.WATCHED, kill=_kill_session, at_once=1), new_order()
    async with site(mortal) as whole:
        await whole.vend_again(order)
    async with site(mortal) as whole:
        await whole.provider.delete(order.tenant)
        requests = list(whole.proxy.requests)
    await at_every(requests, case, blow)


async def _kill_session(fault: Fault) -> None:
    """Kill one session. The server ends all others, recovers, and continues."""
    if fault.pid:  # none before the login
        with suppress(ProcessLookupError):  # a closing session ends by itself
            os.kill(fault.pid, signal.SIGKILL)


def _kill_by(pid_file: Path) -> None:
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)


async def _requests(provider: PostgresProvider) -> list[str]:
    """Return the requests of a creation, in order, without a fault."""
    order = new_order()
    async with site(provider) as whole:
        await whole.vend(order)
        requests = list(whole.proxy.requests)
        await whole.provider.delete(order.tenant)
    return requests


def _vends(
    provider: PostgresProvider, blow: Blow, policy: RetryPolicy, outcome: type = object
) -> Callable[[int], Awaitable[None]]:
    """Return a case that breaks a creation at one request. The record shows the remaining state."""

    async def case(at: int) -> None:
        registry, fault = MemoryRegistry(), Fault(blow.how, at)
        async with site(provider, fault) as broken:
            vend = _vend_over(broken, registry, policy)
            found = await struck(vend(VendRequest(nickname=unique_name())), fault, blow)
            assert isinstance(found, outcome), repr(found)
            await _assert_whole_or_nothing(broken, registry, found)

    return case


def _vend_over(over: Site, registry: Registry, policy: RetryPolicy) -> VendDatabase:
    clock, randomness = SystemClock(), SystemRandomness()
    retrying = Retrying(policy, clock, randomness)
    observed = ObservedProvider(over.provider, Observation(clock, structlog.get_logger()))
    return vend_with(
        registry=registry,
        provider=RetryingProvider(observed, retrying),
        login_check=RetryingLoginCheck(PostgresLoginCheck(), retrying),
        leases=MemoryLeases(),
        clock=clock,
        randomness=randomness,
        expiry=ExpiryPolicy(default=None, longest=None),
        target=TARGET,
    )


async def _assert_whole_or_nothing(broken: Site, registry: Registry, outcome: Any) -> None:
    """Check that the database works, or that a deletion by its record removes everything."""
    [record] = await registry.search(Query())
    if isinstance(outcome, Vended):
        assert record.state is State.READY
        assert await broken.traces(record.tenant) == WHOLE
        await RetryingLoginCheck(PostgresLoginCheck(), RETRYING).verify(outcome.connection)
    else:
        assert record.state in {State.FAILED, State.DELETING}
    if record.state is not State.FAILED:
        delete = DeleteDatabase(
            registry=registry,
            provider=broken.retrying,
            leases=MemoryLeases(),
            clock=SystemClock(),
            target=TARGET,
        )
        await delete.request(record.id)
        await delete.finish(record.id)
    assert await broken.traces(record.tenant) == NOTHING
