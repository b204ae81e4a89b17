"""Each request of a provider's call, broken in every way: the next call restores a consistent
state."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.provisioning import Order
from tests.support.databases import vended
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
from tests.support.obstacles import crowd, run
from tests.support.pgproxy import Fault
from tests.support.provision_requests import new_order, rotated

Call = Callable[[Site, Order], Coroutine[Any, Any, object]]
Repair = Callable[[Site, Order, Connection | None], Awaitable[None]]


async def vend_again(here: Site, order: Order, _: Connection | None) -> None:
    await here.vend_again(order)


async def rotate_again(here: Site, order: Order, old: Connection | None) -> None:
    assert old
    await PostgresLoginCheck().verify(await here.retrying.rotate(rotated(order)))
    with pytest.raises(ProviderRejected):
        await PostgresLoginCheck().verify(old)


async def suspend_again(here: Site, order: Order, connection: Connection | None) -> None:
    assert connection
    await here.retrying.suspend(order.tenant)
    with pytest.raises(ProviderRejected):
        await PostgresLoginCheck().verify(connection)


async def bury(here: Site, order: Order) -> None:
    """Run a deletion that leaves a tombstone, and those that remove it in parts."""
    while await here.provider.delete(order.tenant):
        pass


CALLS: Mapping[str, Call] = {
    "provision": lambda here, order: here.vend(order),
    "delete": lambda here, order: here.provider.delete(order.tenant),
    "tombstone": bury,
    "rotate": lambda here, order: here.provider.rotate(rotated(order)),
    "suspend": lambda here, order: here.provider.suspend(order.tenant),
}

ASKS = {
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
        "goodbye",
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
}
"""Some of the requests that have to be among the broken ones."""


class Story(NamedTuple):
    """The call that is broken, and the call that follows; then the database is deleted."""

    call: str
    repair: Repair | None = None
    blows: Mapping[str, Blow] = BLOWS | SLOW


TWO = {name: BLOWS[name] for name in ("cut after", "cancelled")}
"""Faults that cover the states that any fault leaves: after a request, or during one."""

STORIES = {
    "a provision, repeated": Story("provision", vend_again),
    "a provision, deleted": Story("provision", None, BLOWS),
    "a deletion, repeated": Story("delete"),
    "a deletion, provisioned": Story("delete", vend_again, TWO),
    "a tombstone, repeated": Story("tombstone", None, TWO),
    "a rotation, repeated": Story("rotate", rotate_again),
    "a suspension, repeated": Story("suspend", suspend_again),
    "a suspension, let in": Story("suspend", vend_again, TWO),
    "a suspension, deleted": Story("suspend", None, TWO),
}

EVERY = [
    pytest.param(story, blow, id=f"{title}, {name}")
    for title, story in STORIES.items()
    for name, blow in story.blows.items()
]


@pytest.fixture
async def neighbour(bundled_18: PostgresProvider) -> AsyncIterator[Connection]:
    async with vended(bundled_18, new_order()) as connection:
        yield connection


@pytest.mark.parametrize("name", CALLS)
async def test_all_expected_requests_are_broken(
    bundled_18: PostgresProvider, neighbour: Connection, name: str
) -> None:
    requests = await _requests(bundled_18, name, neighbour)

    assert [ask for ask in ASKS[name] if not any(ask in request for request in requests)] == []
    if name == "suspend":  # the owner's logins, after its sessions, and its database's
        assert sum(request.startswith("SET LOCAL") for request in requests) == 2


@pytest.mark.parametrize(("story", "blow"), EVERY)
async def test_the_next_call_repairs_a_broken_one(
    bundled_18: PostgresProvider, neighbour: Connection, story: Story, blow: Blow
) -> None:
    async def case(at: int) -> None:
        order, fault = _order(story.call), Fault(blow.how, at)
        before = await _provisioned(bundled_18, story.call, order, neighbour)
        async with site(bundled_18, fault) as broken:
            await struck(CALLS[story.call](broken, order), fault, blow)
            if story.repair:
                await story.repair(broken, order, before)
                assert await broken.traces(order.tenant) == WHOLE
            while await broken.retrying.delete(order.tenant):
                pass
        # and no session created anything afterwards
        assert await broken.traces(order.tenant) == NOTHING

    await at_every(await _requests(bundled_18, story.call, neighbour), case, blow)


async def _requests(bundled: PostgresProvider, name: str, neighbour: Connection) -> list[str]:
    """Return the requests of the call, in order, without a fault."""
    order = _order(name)
    await _provisioned(bundled, name, order, neighbour)
    async with site(bundled) as whole:
        await CALLS[name](whole, order)
        requests = list(whole.proxy.requests)
    await bundled.delete(order.tenant)
    return requests


def _order(call: str) -> Order:
    return replace(new_order(), extensions=("vector",)) if call == "provision" else new_order()


async def _provisioned(
    bundled: PostgresProvider, call: str, order: Order, neighbour: Connection
) -> Connection | None:
    if call == "provision":
        return None
    connection = await bundled.provision(order)
    if call == "tombstone":
        await run(neighbour, crowd(order.tenant.id), about=connection)
    return connection
