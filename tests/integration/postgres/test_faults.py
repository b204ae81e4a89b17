"""A fault of every kind at each request of a provider's call: the next call restores a consistent
state."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.provisioning import ProvisionRequest
from tests.support.databases import provisioned_database
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
from tests.support.obstacles import create_many_policies, run
from tests.support.pgproxy import Fault
from tests.support.provision_requests import new_provision_request, with_next_password
from tests.support.spare_requests import claim_of, fill_spare, new_spare_request, spare_of

Call = Callable[[ProxiedProvider, ProvisionRequest], Coroutine[Any, Any, object]]
Repair = Callable[[ProxiedProvider, ProvisionRequest, Connection | None], Awaitable[None]]


async def provision_again(
    proxied: ProxiedProvider, provision_request: ProvisionRequest, _: Connection | None
) -> None:
    await proxied.provision_again(provision_request)


async def provision_unclaimed(
    proxied: ProxiedProvider, claim: ProvisionRequest, _: Connection | None
) -> None:
    """Provision the database without its spare, as after an interrupted claim."""
    await proxied.provision_again(with_next_password(replace(claim, claims=False)))


async def rotate_again(
    proxied: ProxiedProvider, provision_request: ProvisionRequest, old: Connection | None
) -> None:
    assert old
    await PostgresLoginCheck().verify(
        await proxied.retrying.rotate(with_next_password(provision_request))
    )
    with pytest.raises(ProviderRejected):
        await PostgresLoginCheck().verify(old)


async def suspend_again(
    proxied: ProxiedProvider, provision_request: ProvisionRequest, connection: Connection | None
) -> None:
    assert connection
    await proxied.retrying.suspend(provision_request.tenant)
    with pytest.raises(ProviderRejected):
        await PostgresLoginCheck().verify(connection)


async def delete_with_tombstone(
    proxied: ProxiedProvider, provision_request: ProvisionRequest
) -> None:
    """Run a deletion that leaves a tombstone, and those that remove it in parts."""
    while await proxied.provider.delete(provision_request.tenant):
        pass


CALLS: Mapping[str, Call] = {
    "provision": lambda proxied, provision_request: proxied.provision_and_verify(provision_request),
    "delete": lambda proxied, provision_request: proxied.provider.delete(provision_request.tenant),
    "tombstone": delete_with_tombstone,
    "rotate": lambda proxied, provision_request: proxied.provider.rotate(
        with_next_password(provision_request)
    ),
    "suspend": lambda proxied, provision_request: proxied.provider.suspend(
        provision_request.tenant
    ),
    "claim": lambda proxied, claim: proxied.provider.provision(claim),
}

EXPECTED_REQUESTS = {
    "provision": [
        "log in",
        "SELECT pg_advisory_lock",
        "run WITH named",
        "run SELECT datname",
        "CREATE ROLE",
        "CREATE DATABASE",
        "REVOKE ALL ON DATABASE",
        "SELECT pg_advisory_unlock_all",
        "CREATE EXTENSION",
        "password",
        "SELECT 1",
        "terminate",
    ],
    "delete": ["SELECT pg_terminate_backend", "SET LOCAL", "DROP DATABASE"],
    "tombstone": [
        "ALTER ROLE … RENAME TO",
        "run SELECT DISTINCT c.oid",
        "LOCK TABLE ONLY",
        "DROP POLICY",
    ],
    "rotate": ["ALTER ROLE … PASSWORD …"],
    "suspend": ["SET LOCAL"],
    "claim": ["SET LOCAL"],
}
"""Some of the requests that have to get a fault."""


class Story(NamedTuple):
    """The call that has a fault, and the call that follows; then the database is deleted."""

    call: str
    repair: Repair | None = None
    injections: Mapping[str, Injection] = INJECTIONS | SLOW_INJECTIONS


TWO_INJECTIONS = {name: INJECTIONS[name] for name in ("cut after", "cancelled")}
"""Faults that cover the states that any fault leaves: after a request, or during one."""

STORIES = {
    "a provision, repeated": Story("provision", provision_again),
    "a provision, deleted": Story("provision", None, INJECTIONS),
    "a deletion, repeated": Story("delete"),
    "a deletion, provisioned": Story("delete", provision_again, TWO_INJECTIONS),
    "a tombstone, repeated": Story("tombstone", None, TWO_INJECTIONS),
    "a rotation, repeated": Story("rotate", rotate_again),
    "a suspension, repeated": Story("suspend", suspend_again),
    "a suspension, provisioned": Story("suspend", provision_again, TWO_INJECTIONS),
    "a suspension, deleted": Story("suspend", None, TWO_INJECTIONS),
    "a claim, repeated": Story("claim", provision_again),
    "a claim, deleted": Story("claim", None, INJECTIONS),
    "a claim, provisioned": Story("claim", provision_unclaimed, TWO_INJECTIONS),
}

CASES = [
    pytest.param(story, injection, id=f"{title}, {name}")
    for title, story in STORIES.items()
    for name, injection in story.injections.items()
]


@pytest.fixture
async def neighbour(bundled_18: PostgresProvider) -> AsyncIterator[Connection]:
    async with provisioned_database(bundled_18, new_provision_request()) as connection:
        yield connection


@pytest.mark.parametrize("name", CALLS)
async def test_faults_cover_all_expected_requests(
    bundled_18: PostgresProvider, neighbour: Connection, name: str
) -> None:
    requests = await _record_requests(bundled_18, name, neighbour)

    assert [
        expected
        for expected in EXPECTED_REQUESTS[name]
        if not any(expected in request for request in requests)
    ] == []
    if name == "claim":  # nothing is left to reset in the session
        assert not any("pg_advisory_unlock_all" in request for request in requests)
    if name == "suspend":  # the owner's logins, after its sessions, and its database's
        assert sum(request.startswith("SET LOCAL") for request in requests) == 2


@pytest.mark.parametrize(("story", "injection"), CASES)
async def test_the_call_after_a_fault_restores_a_consistent_state(
    bundled_18: PostgresProvider, neighbour: Connection, story: Story, injection: Injection
) -> None:
    async def case(at: int) -> None:
        provision_request, fault = _create_request(story.call), Fault(injection.kind, at)
        before = await _provision(bundled_18, story.call, provision_request, neighbour)
        async with proxied_provider(bundled_18, fault) as provider:
            await run_with_fault(CALLS[story.call](provider, provision_request), fault, injection)
            if story.repair:
                await story.repair(provider, provision_request, before)
                assert await provider.fetch_traces(provision_request.tenant) == COMPLETE
            while await provider.retrying.delete(provision_request.tenant):
                pass
        # no session created anything afterwards
        assert await provider.fetch_traces(provision_request.tenant) == NO_TRACES

    await inject_at_every(
        await _record_requests(bundled_18, story.call, neighbour), case, injection
    )


async def _record_requests(
    bundled: PostgresProvider, name: str, neighbour: Connection
) -> list[str]:
    """Return the requests of the call, in order, without a fault."""
    provision_request = _create_request(name)
    await _provision(bundled, name, provision_request, neighbour)
    async with proxied_provider(bundled) as whole:
        await CALLS[name](whole, provision_request)
        requests = list(whole.proxy.requests)
    await bundled.delete(provision_request.tenant)
    return requests


def _create_request(call: str) -> ProvisionRequest:
    if call == "claim":
        return claim_of(new_spare_request())
    return (
        replace(new_provision_request(), extensions=("vector",))
        if call == "provision"
        else new_provision_request()
    )


async def _provision(
    bundled: PostgresProvider, call: str, provision_request: ProvisionRequest, neighbour: Connection
) -> Connection | None:
    if call == "provision":
        return None
    if call == "claim":
        await fill_spare(bundled, PostgresLoginCheck(), spare_of(provision_request))
        return None
    connection = await bundled.provision(provision_request)
    if call == "tombstone":
        await run(neighbour, create_many_policies(provision_request.tenant.id), about=connection)
    return connection
