"""Neon's official Python client, on the emulator as on Neon."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from neon_api import NeonAPI, NeonAPIError  # type: ignore[import-untyped] # it has no types

from tests.support.neon.client import OWNER
from tests.support.neon.emulator import RunningEmulator
from tests.support.polling import wait_until

UNFINISHED = {"scheduling", "running", "cancelling"}


@dataclass(frozen=True)
class Account:
    """The client, whose blocking calls run in threads."""

    client: NeonAPI
    project: str
    branch: str

    async def call(self, call: Callable[..., Any], *args: object, **kwargs: object) -> Any:
        return await asyncio.to_thread(call, self.project, *args, **kwargs)

    async def call_on_branch(self, call: Callable[..., Any], *args: object) -> Any:
        """Call a method with the project and the branch."""
        return await self.call(call, self.branch, *args)

    async def change(self, call: Callable[..., Any], *args: object, **kwargs: object) -> Any:
        """Call a method with the project and the branch; wait for its operations."""
        answer = await self.call(call, self.branch, *args, **kwargs)
        await wait_until(self._is_settled)
        return answer

    async def _is_settled(self) -> bool:
        """Return whether no operation is running; some responses do not list their operations."""
        listed = (await self.call(self.client.operations)).operations
        return not UNFINISHED & {operation.status.value for operation in listed}

    async def names(self) -> set[str]:
        """Return the names of the listed roles and databases."""
        roles = (await self.call_on_branch(self.client.roles)).roles
        databases = (await self.call_on_branch(self.client.databases)).databases
        return {each.name for each in (*roles, *databases)}

    async def uri(self, database: str, role: str) -> str:
        return str((await self.call(self.client.connection_uri, database, role)).uri)


@pytest.fixture
async def account(neon: RunningEmulator) -> AsyncIterator[Account]:
    """An account with a role `client-ana` and its database `client-shop`.

    The base URL ends with a slash.
    """
    client = NeonAPI(neon.key, base_url=f"{neon.url}/")
    account = Account(client, neon.project_id, neon.branch_id)
    before = await account.names()
    created = await account.change(client.role_create, "client-ana")
    assert created.role.password.startswith("npg_")
    new = {"name": "client-shop", "owner_name": "client-ana"}
    await account.change(client.database_create, database=new)
    assert await account.names() == before | {"client-ana", "client-shop"}
    yield account
    await account.change(client.database_delete, "client-shop")
    await account.change(client.role_delete, "client-ana")
    assert await account.names() == before
    client._session.close()


async def test_the_client_lists_all_objects(account: Account, neon: RunningEmulator) -> None:
    client = account.client
    projects = (await asyncio.to_thread(client.projects)).projects
    branches = (await account.call(client.branches)).branches
    endpoints = (await account.call(client.endpoints)).endpoints
    roles = (await account.call_on_branch(client.roles)).roles
    roles.append((await account.call_on_branch(client.role, "client-ana")).role)

    assert neon.project_id in {project.id for project in projects}
    assert (await asyncio.to_thread(client.projects, shared=True)).projects == []
    assert (await asyncio.to_thread(client.me)).projects_limit > 0
    assert (await account.call(client.project)).project.id == account.project
    assert [branch.id for branch in branches] == [account.branch]
    assert (await account.call_on_branch(client.branch)).branch.id == account.branch
    assert [endpoint.host for endpoint in endpoints] == [neon.host]
    assert (roles[-1].name, {role.password for role in roles}) == ("client-ana", {None})
    assert await _get_owner(account) == "client-ana"


async def test_the_client_changes_objects_and_connects(account: Account) -> None:
    """The test reveals the password with the client's transport, because the client's method sends
    POST and Neon expects GET."""
    client = account.client
    role = f"projects/{account.project}/branches/{account.branch}/roles/client-ana"
    before = await account.uri("client-shop", "client-ana")

    reset = await account.change(client.role_password_reset, "client-ana")
    (operation,) = reset.operations
    shown = (await account.call(client.operation, operation.id)).operation
    after = await account.uri("client-shop", "client-ana")
    revealed = await asyncio.to_thread(client._request, "GET", f"{role}/reveal_password")
    assert (shown.action.value, shown.status.value) == ("apply_config", "finished")
    assert reset.role.password == revealed["password"]
    session = await asyncpg.connect(after)
    assert await session.fetchval("SELECT current_user") == "client-ana"
    await session.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(before)

    await account.change(client.database_update, "client-shop", database={"owner_name": OWNER})
    assert await _get_owner(account) == OWNER


async def test_the_client_reports_refusals(account: Account, neon: RunningEmulator) -> None:
    with pytest.raises(NeonAPIError, match="already exists"):
        await account.call_on_branch(account.client.role_create, "client-ana")
    other = NeonAPI("another", base_url=f"{neon.url}/")
    with pytest.raises(NeonAPIError, match="supplied credentials do not pass authentication"):
        await asyncio.to_thread(other.projects)
    other._session.close()


async def _get_owner(account: Account) -> str:
    return str(
        (await account.call_on_branch(account.client.database, "client-shop")).database.owner_name
    )
