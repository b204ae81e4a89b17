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

from adapters.decorators.logging import CallLogger, LoggingProvider
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
from ports.use_cases.create_database import CreateDatabase, CreateRequest
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
from tests.support.use_cases import create_create_database

PATIENT = RetryPolicy(attempts=4, base=0.01, cap=0.05, deadline=20)
HASTY = RetryPolicy(attempts=1)

CANCELLING = {
    name: (injection, PATIENT)
    for name, injection in (INJECTIONS | SLOW_INJECTIONS).items()
    if injection.cancels
}
CUTTING = {
    name: (injection, HASTY) for name, injection in INJECTIONS.items() if not injection.cancels
}
KINDS = CANCELLING | CUTTING  # a policy with retries would survive a lost connection


@pytest.fixture(scope="module")
async def killable_provider() -> AsyncIterator[PostgresProvider]:
    """Unlike other servers of the tests, this one keeps committed data when it is killed."""
    with ram_folder() as folder:
        settings = {"fsync": "off", "full_page_writes": "off"}
        bundle = EmbeddedOptions(folder=folder / "embedded", settings=settings)
        log = structlog.get_logger()
        async with open_embedded_provider(bundle, INSTALLATION, SystemClock(), log) as provider:
            yield provider


@pytest.mark.parametrize(("injection", "policy"), KINDS.values(), ids=KINDS.keys())
async def test_a_broken_creation_returns_a_working_database_or_leaves_none(
    bundled_18: PostgresProvider, injection: Injection, policy: RetryPolicy
) -> None:
    await inject_at_every(
        await _record_requests(bundled_18), _create_case(bundled_18, injection, policy), injection
    )


async def test_a_creation_survives_a_lost_answer(bundled_18: PostgresProvider) -> None:
    injection = INJECTIONS["answer swallowed"]
    await inject_at_every(
        await _record_requests(bundled_18),
        _create_case(bundled_18, injection, PATIENT, ProvisionedDatabase),
        injection,
    )


async def test_a_creation_whose_session_is_killed_returns_a_working_database_or_leaves_none(
    killable_provider: PostgresProvider,
) -> None:
    injection = Injection(FaultKind.WATCHED, kill=_kill_session, concurrency=1)
    await inject_at_every(
        await _record_requests(killable_provider),
        _create_case(killable_provider, injection, PATIENT),
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
        provision_request, fault = new_provision_request(), Fault(injection.how, at)
        async with proxied_provider(killable_provider, fault) as broken:
            await run_with_fault(broken.provision_and_verify(provision_request), fault, injection)
            await broken.provision_again(provision_request)
            assert await broken.traces(provision_request.tenant) == COMPLETE
            await broken.retrying.delete(provision_request.tenant)
            assert await broken.traces(provision_request.tenant) == NO_TRACES

    injection = Injection(FaultKind.WATCHED, kill=kill, concurrency=1)
    await inject_at_every(await _record_requests(killable_provider), case, injection)


async def test_a_repeated_deletion_leaves_nothing_after_a_kill(
    killable_provider: PostgresProvider,
) -> None:
    async def case(at: int) -> None:
        provision_request, fault = new_provision_request(), Fault(injection.how, at)
        async with proxied_provider(killable_provider) as whole:
            await whole.provision_again(provision_request)
        async with proxied_provider(killable_provider, fault) as broken:
            await run_with_fault(broken.provider.delete(provision_request.tenant), fault, injection)
            await broken.retrying.delete(provision_request.tenant)
            assert await broken.traces(provision_request.tenant) == NO_TRACES

    injection, provision_request = (
        Injection(FaultKind.WATCHED, kill=_kill_session, concurrency=1),
        new_provision_request(),
    )
    async with proxied_provider(killable_provider) as whole:
        await whole.provision_again(provision_request)
    async with proxied_provider(killable_provider) as whole:
        await whole.provider.delete(provision_request.tenant)
        requests = list(whole.proxy.requests)
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
    async with proxied_provider(provider) as whole:
        await whole.provision_and_verify(provision_request)
        requests = list(whole.proxy.requests)
        await whole.provider.delete(provision_request.tenant)
    return requests


def _create_case(
    provider: PostgresProvider, injection: Injection, policy: RetryPolicy, outcome: type = object
) -> Callable[[int], Awaitable[None]]:
    """Return a case that breaks a creation at one request. The record shows the remaining state."""

    async def case(at: int) -> None:
        registry, fault = MemoryRegistry(), Fault(injection.how, at)
        async with proxied_provider(provider, fault) as broken:
            provision_and_verify = _create_use_case(broken, registry, policy)
            found = await run_with_fault(
                provision_and_verify(CreateRequest(nickname=unique_name())), fault, injection
            )
            assert isinstance(found, outcome), repr(found)
            await _assert_complete_or_absent(broken, registry, found)

    return case


def _create_use_case(
    over: ProxiedProvider, registry: Registry, policy: RetryPolicy
) -> CreateDatabase:
    clock, randomness = SystemClock(), SystemRandomness()
    retrying = Retrying(policy, clock, randomness)
    observed = LoggingProvider(over.provider, CallLogger(clock, structlog.get_logger()))
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
    broken: ProxiedProvider, registry: Registry, outcome: Any
) -> None:
    """Check that the database works, or that a deletion by its record removes everything."""
    [record] = await registry.search(Query())
    if isinstance(outcome, ProvisionedDatabase):
        assert record.state is State.READY
        assert await broken.traces(record.tenant) == COMPLETE
        await RetryingLoginCheck(PostgresLoginCheck(), RETRYING).verify(outcome.connection)
    else:
        assert record.state in {State.FAILED, State.DELETING}
    if record.state is not State.FAILED:
        delete = DeleteDatabase(
            registry=registry,
            provider=broken.retrying,
            leases=InProcessLeases(),
            clock=SystemClock(),
            target=TARGET,
        )
        await delete.request(record.id)
        await delete.finish(record.id)
    assert await broken.traces(record.tenant) == NO_TRACES
