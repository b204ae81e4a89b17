"""Claims on names: only roles created under a claim are ours."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from adapters.neon.api_provider import ApiProvider
from adapters.neon.claims import Claim, Ledger
from domain.errors import DatabaseNotFound, NameTaken, OutcomeUnknown, ProviderBusy, ProviderLocked
from domain.provisioning import Order
from domain.targets import Isolation
from ports.driven.database_provider import DatabaseProvider
from tests.support.databases import held, holding_of
from tests.support.neon.checks import left_as_it_was, persistently, turned, works
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import vending_on
from tests.support.polling import until
from tests.support.provision_requests import new_order

NONE, PROJECT = Isolation.NONE, Isolation.PROJECT

Then = Callable[[DatabaseProvider, Order], Awaitable[None]]


@pytest.mark.parametrize("seconds", [2, 5])
async def test_a_role_older_than_the_claim_is_neither_imported_nor_deleted(
    neon: RunningEmulator, seconds: int
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, _stranger(neon, order, age=seconds):
        with turned(neon):
            neon.fault("create_role", "reset_before")
            with pytest.raises(OutcomeUnknown):
                await provider.provision(order)

        with pytest.raises(NameTaken):
            await provider.provision(order)
        await provider.delete(order.tenant)


async def test_a_role_created_before_our_request_is_not_imported(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider:
        with turned(neon):
            neon.fault("list_roles", "unavailable")
            with pytest.raises(ProviderBusy):
                await provider.provision(order)

        async with _stranger(neon, order):
            with pytest.raises(NameTaken):
                await provider.provision(order)
            await provider.delete(order.tenant)


async def _provision(provider: DatabaseProvider, order: Order) -> None:
    with pytest.raises(NameTaken):
        await provider.provision(order)


async def _delete(provider: DatabaseProvider, order: Order) -> None:
    await provider.delete(order.tenant)


async def _use(provider: DatabaseProvider, order: Order) -> None:
    await provider.suspend(order.tenant)
    for call in (provider.rotate, provider.reveal):
        with pytest.raises(DatabaseNotFound):
            await call(order)
    assert await held(provider, order) == []
    await provider.delete(order.tenant)


@pytest.mark.parametrize("failures", [1, None], ids=["once", "always"])
@pytest.mark.parametrize("then", [_provision, _delete, _use])
async def test_an_unreleased_claim_does_not_import_a_foreign_role(
    neon: RunningEmulator, failures: int | None, then: Then
) -> None:
    order = new_order()
    async with _unreleasing(neon, failures) as provider, _stranger(neon, order):
        with pytest.raises(NameTaken):
            await provider.provision(order)

        await then(provider, order)


async def test_a_database_under_an_unreleased_claim_is_deleted(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with _unreleasing(neon, 1) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault("create_role", "locked")
            with pytest.raises(ProviderLocked):
                await provider.provision(order)
        assert await works(await provider.provision(order))
        assert await held(provider, order) == [holding_of(order)]

        await provider.delete(order.tenant)


async def test_services_that_start_at_once_create_one_table_of_claims() -> None:
    async with running_emulator(checked=False) as neon:
        await asyncio.gather(*(_start(neon) for _ in range(4)))

        async with vending_on(neon, NONE) as provider:
            assert isinstance(provider, ApiProvider)
            async with _table_in_the_making(neon):
                creations = asyncio.gather(*(provider.ledger.open() for _ in range(4)))
                await until(lambda: _wait_for_locks(neon, 4))
            await creations

            assert await provider.inventory() == []


@pytest.mark.parametrize("isolation", [NONE, PROJECT])
async def test_extensions_are_installed_after_a_late_login_works(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = replace(new_order(), extensions=("plpgsql",))  # the only one of the bundled server
    async with vending_on(neon, isolation) as provider, left_as_it_was(neon):
        with turned(neon, late_seconds=1.0):
            connection = await persistently(lambda: provider.provision(order))

        assert await works(connection)
        await provider.delete(order.tenant)


@asynccontextmanager
async def _stranger(neon: RunningEmulator, order: Order, age: int = 0) -> AsyncIterator[None]:
    """Create a foreign role of the tenant's name, `age` seconds old, that the next list omits.

    Check at the end that it still exists with its password, and delete it.
    """
    owner = order.tenant.names.owner
    neon.fault("create_role", "stale_404", reads=1)
    await neon.client.wait_until_done(await neon.client.create_role(owner))
    role = neon.emulator.first.roles.find(owner)
    assert role
    role.created_at -= timedelta(seconds=age)
    uri = await neon.client.uri(owner, "neondb")

    yield

    assert await neon.client.uri(owner, "neondb") == uri
    assert owner in (await neon.snapshot()).real_roles
    await neon.client.wait_until_done(await neon.client.delete_role(owner))


@dataclass(frozen=True)
class Keeping(Ledger):
    """A table of claims whose `release` raises these errors first."""

    errors: Iterator[ProviderBusy] = field(kw_only=True)

    async def release(self, claim: Claim) -> None:
        for error in self.errors:
            raise error
        await super().release(claim)


@asynccontextmanager
async def _unreleasing(
    neon: RunningEmulator, failures: int | None
) -> AsyncIterator[DatabaseProvider]:
    errors = itertools.repeat(ProviderBusy(), *([failures] if failures else []))
    async with vending_on(neon, NONE) as provider:
        assert isinstance(provider, ApiProvider)
        ledger = Keeping(provider.ledger.admin, provider.ledger.marks, errors=errors)
        yield replace(provider, ledger=ledger)


@asynccontextmanager
async def _table_in_the_making(neon: RunningEmulator) -> AsyncIterator[None]:
    """Drop the table of claims; creating it blocks until the context exits."""
    async with neon.session() as admin:
        await admin.execute("DROP TABLE pgvend.claims")
        transaction = admin.transaction()
        await transaction.start()
        await admin.execute("CREATE TABLE pgvend.claims ()")
        yield
        await transaction.rollback()


async def _wait_for_locks(neon: RunningEmulator, sessions: int) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with neon.session() as admin:
        return bool(await admin.fetchval(query) == sessions)


async def _start(neon: RunningEmulator) -> None:
    async with vending_on(neon, NONE) as provider:
        await provider.inventory()
