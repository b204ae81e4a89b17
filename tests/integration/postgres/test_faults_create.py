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

from adapters.decorators.logging import CallLogger
from adapters.decorators.observing import ObservingProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.embedded.server import EmbeddedOptions, open_embedded_provider
from adapters.memory.registry import MemoryRegistry
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from adapters.system.clock import SystemClock
from adapters.system.leases import InProcessLeases
from adapters.system.randomness import SystemRandomness
from domain.expiry import ExpiryPolicy
from domain.lifecycle import State
from domain.retry import RetryPolicy
from ports.driven.registry import Query, Registry
from ports.use_cases.create_database import CreateDatabase
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.fault_injection import (
    COMPLETE,
    INJECTIONS,
    NO_TRACES,
    SLOW_INJECTIONS,
    Injection,
    ProxiedProvider,
    inject_at_every,
    proxied_provider,
    run_with_fault,
)
from tests.support.pgproxy import Fault, FaultKind
from tests.support.provision_requests import INSTALLATION, new_provision_request, unique_name
from tests.support.records import TARGET
from tests.support.retrying import RETRYING
from tests.support.servers import ram_folder
from tests.support.use_cases import create_create_database, create_use_case

WITH_RETRIES = RetryPolicy(attempts=4, base=0.01, cap=0.05, deadline=20)
WITHOUT_RETRIES = RetryPolicy(attempts=1)

CANCELLATIONS = {
    name: (injection, WITH_RETRIES)
    for name, injection in (INJECTIONS | SLOW_INJECTIONS).items()
    if injection.cancels
}
CUTS = {
    name: (injection, WITHOUT_RETRIES)
    for name, injection in INJECTIONS.items()
    if not injection.cancels
}
KINDS = CANCELLATIONS | CUTS
"""Faults with the policy of retries: with retries, a creation would survive a cut."""


@pytest.fixture(scope="module")
async def killable_provider() -> AsyncIterator[PostgresProvider]:
    """Unlike other servers of the tests, this one keeps committed data when it is killed."""
    with ram_folder() as folder:
        settings = {"fsync": "off", "full_page_writes": "off"}
        options = EmbeddedOptions(folder=folder / "embedded", settings=settings)
        log = structlog.get_logger()
        async with open_embedded_provider(options, INSTALLATION, SystemClock(), log) as provider:
            yield provider


@pytest.mark.parametrize(("injection", "policy"), KINDS.values(), ids=KINDS.keys())
async def test_a_creation_with_a_fault_returns_a_working_database_or_leaves_none(
    bundled_18: PostgresProvider, injection: Injection, policy: RetryPolicy
) -> None:
    await inject_at_every(
        await _record_requests(bundled_18), _create_case(bundled_18, injection, policy), injection
    )


async def test_a_creation_survives_a_lost_answer(bundled_18: PostgresProvider) -> None:
    injection = INJECTIONS["answer swallowed"]
    await inject_at_every(
        await _record_requests(bundled_18),
        _create_case(bundled_18, injection, WITH_RETRIES, ProvisionedDatabase),
        injection,
    )


async def test_a_creation_whose_session_is_killed_returns_a_working_database_or_leaves_none(
    killable_provider: PostgresProvider,
) -> None:
    injection = Injection(FaultKind.WATCHED, kill=_kill_session, concurrency=1)
    await inject_at_every(
        await _record_requests(killable_provider),
        _create_case(killable_provider, injection, WITH_RETRIES),
        injection,
    )


async def test_a_repeated_creation_converges_after_the_server_was_killed(
    killable_provider: PostgresProvider,
) -> None:
    """The parent process dies; its sessions may continue for a moment. The service restarts it."""
    pid_file = Path(killable_provider.server.admin["host"], "postmaster.pid")

    async def kill(_: Fault) -> None:
        _kill_by(pid_file)

    async def case(at: int) -> None:
        provision_request, fault = new_provision_request(), Fault(injection.kind, at)
        async with proxied_provider(killable_provider, fault) as proxied:
            await run_with_fault(proxied.provision_and_verify(provision_request), fault, injection)
            await proxied.provision_again(provision_request)
            assert await proxied.fetch_traces(provision_request.tenant) == COMPLETE
            await proxied.retrying.delete(provision_request.tenant)
            assert await proxied.fetch_traces(provision_request.tenant) == NO_TRACES

    injection = Injection(FaultKind.WATCHED, kill=kill, concurrency=1)
    await inject_at_every(await _record_requests(killable_provider), case, injection)


async def test_a_repeated_deletion_leaves_nothing_after_a_kill(
    killable_provider: PostgresProvider,
) -> None:
    async def case(at: int) -> None:
        provision_request, fault = new_provision_request(), Fault(injection.kind, at)
        async with proxied_provider(killable_provider) as proxied:
            await proxied.provision_again(provision_request)
        async with proxied_provider(killable_provider, fault) as proxied:
            await run_with_fault(
                proxied.provider.delete(provision_request.tenant), fault, injection
            )
            await proxied.retrying.delete(provision_request.tenant)
            assert await proxied.fetch_traces(provision_request.tenant) == NO_TRACES

    injection, provision_request = (
        Injection(FaultKind.WATCHED, kill=_kill_session, concurrency=1),
        new_provision_request(),
    )
    async with proxied_provider(killable_provider) as proxied:
        await proxied.provision_again(provision_request)
    async with proxied_provider(killable_provider) as proxied:
        await proxied.provider.delete(provision_request.tenant)
        requests = list(proxied.proxy.requests)
    await inject_at_every(requests, case, injection)


async def _kill_session(fault: Fault) -> None:
    """Kill one session. The server ends all others, recovers, and continues."""
    if fault.pid:  # none before the login
        with suppress(ProcessLookupError):  # a closing session ends by itself
            os.kill(fault.pid, signal.SIGKILL)


def _kill_by(pid_file: Path) -> None:
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)


async def _record_requests(provider: PostgresProvider) -> list[str]:
    """Return the requests of a creation, in order, without a fault."""
    provision_request = new_provision_request()
    async with proxied_provider(provider) as proxied:
        await proxied.provision_and_verify(provision_request)
        requests = list(proxied.proxy.requests)
        await proxied.provider.delete(provision_request.tenant)
    return requests


def _create_case(
    provider: PostgresProvider, injection: Injection, policy: RetryPolicy, expected: type = object
) -> Callable[[int], Awaitable[None]]:
    """Return a case that creates a database with a fault at one request, and compares its record
    with the server."""

    async def case(at: int) -> None:
        registry, fault = MemoryRegistry(), Fault(injection.kind, at)
        async with proxied_provider(provider, fault) as proxied:
            create_database = _create_use_case(proxied, registry, policy)
            result = await run_with_fault(
                create_database(CreateRequest(nickname=unique_name())), fault, injection
            )
            assert isinstance(result, expected), repr(result)
            await _assert_complete_or_absent(proxied, registry, result)

    return case


def _create_use_case(
    proxied: ProxiedProvider, registry: Registry, policy: RetryPolicy
) -> CreateDatabase:
    clock, randomness = SystemClock(), SystemRandomness()
    retrying = Retrying(policy, clock, randomness)
    observed = ObservingProvider(proxied.provider, CallLogger(clock, structlog.get_logger()))
    return create_create_database(
        registry=registry,
        provider=RetryingProvider(observed, retrying),
        login_check=RetryingLoginCheck(PostgresLoginCheck(), retrying),
        leases=InProcessLeases(),
        clock=clock,
        randomness=randomness,
        expiry=ExpiryPolicy(default=None, max_ttl=None),
        target=TARGET,
    )


async def _assert_complete_or_absent(
    proxied: ProxiedProvider, registry: Registry, result: Any
) -> None:
    """Check that the database works, or that a deletion by its record removes everything."""
    [record] = await registry.search(Query())
    if isinstance(result, ProvisionedDatabase):
        assert record.state is State.READY
        assert await proxied.fetch_traces(record.tenant) == COMPLETE
        await RetryingLoginCheck(PostgresLoginCheck(), RETRYING).verify(result.connection)
    else:
        assert record.state in {State.FAILED, State.DELETING}
    if record.state is not State.FAILED:
        parts = {
            "registry": registry,
            "provider": proxied.retrying,
            "leases": InProcessLeases(),
            "clock": SystemClock(),
            "target": TARGET,
        }
        delete = create_use_case(DeleteDatabase, parts)
        await delete.request(record.id)
        await delete.finish(record.id)
    assert await proxied.fetch_traces(record.tenant) == NO_TRACES
