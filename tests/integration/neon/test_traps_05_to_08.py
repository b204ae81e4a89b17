"""Neon's traps 5 to 8: lost passwords, strangers' belongings, and what a status means."""

import pytest

from adapters.neon.api_provider import ApiProvider
from adapters.neon.branch import NeonBranch
from adapters.neon.errors import AlreadyThere
from domain.errors import NameTaken, ProviderLocked
from domain.target import Isolation
from ports.driven.database_provider import DatabaseProvider
from tests.support.neon.checks import (
    left_as_it_was,
    persistently,
    requests_to,
    turned,
    works,
)
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import vending_on
from tests.support.orders import new_order

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

LOST = ("lost_after", "failed_after", "gateway_html", "garbage")


@pytest.mark.parametrize(("stored", "way"), [(True, "reveal_password"), (False, "reset_password")])
async def test_trap_05_a_lost_password_is_revealed_or_else_made_anew(
    neon: RunningEmulator, stored: bool, way: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with turned(neon, store_passwords=stored):
            neon.fault("create_role", "lost_after")
            asked = requests_to(neon)
            made = await persistently(lambda: provider.provision(order))

            assert await works(made)
            assert [path for _, path, status in asked.all() if path.endswith(way) and status == 200]
            await provider.retire(order.tenant)


async def test_trap_06_a_role_of_somebody_else_s_is_not_adopted(neon: RunningEmulator) -> None:
    order = new_order()
    await neon.client.done(await neon.client.create_role(order.tenant.names.owner))
    uri = await neon.client.uri(order.tenant.names.owner, "neondb")
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with pytest.raises(NameTaken):
            await provider.provision(order)

        await provider.retire(order.tenant)
        assert await neon.client.uri(order.tenant.names.owner, "neondb") == uri
    await neon.client.done(await neon.client.delete_role(order.tenant.names.owner))


async def test_trap_06_a_database_of_somebody_else_s_is_not_adopted(neon: RunningEmulator) -> None:
    order = new_order()
    name = order.tenant.names.database
    await neon.client.done(await neon.client.create_database(name, "neondb_owner"))
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with pytest.raises(NameTaken):
            await provider.provision(order)

        await provider.retire(order.tenant)
    await neon.client.done(await neon.client.delete_database(name))


@pytest.mark.parametrize("code", ["", "PROJECT_IS_BUSY", "423"])
async def test_trap_07_a_lock_is_known_by_its_status_whatever_its_code(
    neon: RunningEmulator, code: str
) -> None:
    async with vending_on(neon, NONE) as provider:
        with turned(neon, locked_code=code):
            neon.emulator.first.operations.hold(None)
            with pytest.raises(ProviderLocked):
                await provider.provision(new_order())


@pytest.mark.parametrize("code", ["", "ROLE_ALREADY_EXISTS"])
async def test_trap_07_a_duplicate_is_known_by_its_status_whatever_its_words(
    neon: RunningEmulator, code: str
) -> None:
    words = {"duplicate_role_code": code, "duplicate_role_message": "no"}
    async with vending_on(neon, NONE) as provider:
        with turned(neon, **words), pytest.raises(AlreadyThere):
            await _branch(provider).order_role("neondb_owner")


async def test_trap_08_a_retirement_of_what_is_gone_succeeds(neon: RunningEmulator) -> None:
    order = new_order()
    names = order.tenant.names
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        await provider.provision(order)
        await neon.client.done(await neon.client.delete_database(names.database))
        await neon.client.done(await neon.client.delete_role(names.owner))

        await provider.retire(order.tenant)
        await provider.retire(order.tenant)


async def test_trap_08_an_answer_without_a_body_is_one(neon: RunningEmulator) -> None:
    async with vending_on(neon, NONE) as provider:
        asked = requests_to(neon)
        await _branch(provider).drop_role("nobody")
        await _branch(provider).drop_database("nothing")

    assert asked.statuses() == [204, 204]


def _branch(provider: DatabaseProvider) -> NeonBranch:
    assert isinstance(provider, ApiProvider)
    return provider.branch
