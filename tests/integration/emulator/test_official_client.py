"""Neon's official Python client, on the emulator as on Neon."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from neon_api import NeonAPI, NeonAPIError  # type: ignore[import-untyped] # it has no types

from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.official_client import Account


@pytest.fixture
async def account(neon: RunningEmulator) -> AsyncIterator[Account]:
    """Its base address has to end in a slash."""
    client = NeonAPI(neon.key, base_url=f"{neon.url}/")
    account = Account(client, neon.project_id, neon.branch_id)
    before = await account.role_names(), await account.database_names()
    yield account
    assert (await account.role_names(), await account.database_names()) == before
    client._session.close()


@pytest.fixture
async def ana(account: Account) -> AsyncIterator[str]:
    """A role."""
    created = await account.change(account.client.role_create, "client-ana")
    yield created.role.name
    await account.change(account.client.role_delete, "client-ana")


@pytest.fixture
async def shop(account: Account, ana: str) -> AsyncIterator[str]:
    """A database of hers."""
    wished = {"name": "client-shop", "owner_name": ana}
    created = await account.change(account.client.database_create, database=wished)
    yield created.database.name
    await account.change(account.client.database_delete, "client-shop")


async def test_sees_its_projects(account: Account, neon: RunningEmulator) -> None:
    listed = await asyncio.to_thread(account.client.projects)

    assert neon.project_id in {project.id for project in listed.projects}


async def test_sees_a_project(account: Account) -> None:
    shown = await account.ask(account.client.project)

    assert shown.project.id == account.project


async def test_sees_no_shared_projects(account: Account) -> None:
    listed = await asyncio.to_thread(account.client.projects, shared=True)

    assert listed.projects == []


async def test_sees_the_branches(account: Account) -> None:
    listed = await account.ask(account.client.branches)

    assert [branch.id for branch in listed.branches] == [account.branch]


async def test_sees_a_branch(account: Account) -> None:
    shown = await account.see(account.client.branch)

    assert shown.branch.id == account.branch


async def test_sees_the_endpoints(account: Account, neon: RunningEmulator) -> None:
    listed = await account.ask(account.client.endpoints)

    assert [endpoint.host for endpoint in listed.endpoints] == [neon.host]


async def test_sees_who_it_is(account: Account) -> None:
    me = await asyncio.to_thread(account.client.me)

    assert me.projects_limit > 0


async def test_creates_a_role(account: Account, ana: str) -> None:
    assert ana in await account.role_names()


async def test_sees_a_role(account: Account, ana: str) -> None:
    shown = await account.see(account.client.role, ana)

    assert (shown.role.name, shown.role.password) == (ana, None)


async def test_creates_a_database(account: Account, shop: str) -> None:
    assert shop in await account.database_names()


async def test_sees_a_database(account: Account, ana: str, shop: str) -> None:
    shown = await account.see(account.client.database, shop)

    assert shown.database.owner_name == ana


async def test_gives_a_database_to_another(account: Account, ana: str, shop: str) -> None:
    await account.change(
        account.client.database_update, shop, database={"owner_name": "neondb_owner"}
    )

    shown = await account.see(account.client.database, shop)
    assert shown.database.owner_name == "neondb_owner"


async def test_gets_a_connection_string_that_connects(
    account: Account, ana: str, shop: str
) -> None:
    assert await _user_of(await account.uri(shop, ana)) == ana


async def test_resets_a_password(account: Account, ana: str, shop: str) -> None:
    before = await account.uri(shop, ana)

    reset = await account.change(account.client.role_password_reset, ana)

    after = await account.uri(shop, ana)
    assert reset.role.password in after
    assert await _user_of(after) == ana
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _user_of(before)


async def test_reveals_a_password(account: Account, ana: str, shop: str) -> None:
    """By the client's transport: its method of that name sends POST, where Neon has GET."""
    path = f"projects/{account.project}/branches/{account.branch}/roles/{ana}/reveal_password"
    revealed = await asyncio.to_thread(account.client._request, "GET", path)

    assert revealed["password"] in await account.uri(shop, ana)


async def test_is_refused_the_wrong_method(account: Account, ana: str) -> None:
    with pytest.raises(NeonAPIError, match="message"):
        await account.see(account.client.role_password_reveal, ana)


async def test_sees_the_operations_of_a_change(account: Account, ana: str) -> None:
    begun = await account.change(account.client.role_password_reset, ana)

    (operation,) = begun.operations
    shown = await account.ask(account.client.operation, operation.id)
    assert (shown.operation.action.value, shown.operation.status.value) == (
        "apply_config",
        "finished",
    )


async def test_is_refused_what_is_there_already(account: Account, ana: str) -> None:
    with pytest.raises(NeonAPIError, match="already exists"):
        await account.see(account.client.role_create, ana)


async def test_is_refused_with_another_key(neon: RunningEmulator) -> None:
    client = NeonAPI("another", base_url=f"{neon.url}/")

    with pytest.raises(NeonAPIError, match="supplied credentials do not pass authentication"):
        await asyncio.to_thread(client.projects)
    client._session.close()


async def _user_of(uri: str) -> str:
    connection = await asyncpg.connect(uri)
    try:
        user: str = await connection.fetchval("SELECT current_user")
    finally:
        await connection.close()
    return user
