"""Objects of another client with names that pgvend wants: never imported or deleted."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from domain.errors import NameTaken
from domain.lifecycle import State
from domain.names import Nickname, PgNames
from domain.targets import Isolation
from ports.use_cases.create_request import CreateRequest, OnConflict
from tests.support.neon.client import OWNER, NeonClient
from tests.support.neon.emulator import RunningEmulator, Snapshot, running_emulator
from tests.support.neon.service import assert_separate_databases, serving
from tests.support.provision_requests import unique_name

Create = Callable[[NeonClient, PgNames], Awaitable[object]]


async def _create_role(client: NeonClient, names: PgNames) -> None:
    await client.wait_until_done(await client.create_role(names.owner))


async def _begin_role(client: NeonClient, names: PgNames) -> None:
    """Create a role without waiting for its operation."""
    await client.create_role(names.owner)


async def _create_database(client: NeonClient, names: PgNames) -> None:
    await client.wait_until_done(await client.create_database(names.database, OWNER))


INTRUSIONS: dict[str, tuple[str, str, Create]] = {
    "a role, after the claim": ("POST", "/roles", _create_role),
    "a role whose operation runs": ("POST", "/roles", _begin_role),
    "a database, after the claim": ("POST", "/roles", _create_database),
    "a database, before the tenant's": ("POST", "/databases", _create_database),
}
"""What another client creates just before pgvend's next request of that method and path ending."""

EACH = pytest.mark.parametrize("intrusion", INTRUSIONS)


class SharedProject:
    """A project that another client also uses."""

    neon: RunningEmulator
    has_acted = True

    def intrude(self, intrusion: str, request: CreateRequest) -> PgNames:
        """Let another client use the names that the request would get. Return them."""
        names = Nickname(request.nickname).derive_names()
        self._intrusion, self._names, self.has_acted = INTRUSIONS[intrusion], names, False
        return names

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.has_acted:
            method, ending, create = self._intrusion
            if request.method == method and request.path.endswith(ending):
                self.has_acted = True
                await create(self.neon.client, self._names)
        return await handler(request)

    async def snapshot(self) -> Snapshot:
        await self.neon.emulator.first.operations.wait_until_idle()
        return await self.neon.snapshot()

    async def foreign_state(self, names: PgNames) -> tuple[bool, str | None]:
        """Return whether the role exists, and the owner of the database."""
        owners = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1"
        async with self.neon.session() as session:
            owner = await session.fetchval(owners, names.database)
        return names.owner in (await self.snapshot()).real_roles, owner


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[SharedProject]:
    shared = SharedProject()
    async with running_emulator(middlewares=[shared.middleware], checked=False) as neon:
        shared.neon = neon
        yield shared


@EACH
async def test_a_database_gets_another_name_if_a_client_takes_its_own(
    shared: SharedProject, intrusion: str
) -> None:
    request = CreateRequest(nickname=unique_name())
    async with serving(shared.neon, Isolation.NONE) as service:
        names = shared.intrude(intrusion, request)
        created = await service.create_database()(request)

        assert shared.has_acted
        assert created.database.names != names
        await assert_separate_databases([created])
        foreign_state = await shared.foreign_state(names)
        await service.delete_all([created])
        assert await service.provider.inventory() == []
        assert await shared.foreign_state(names) == foreign_state
        assert any(foreign_state), "the other client's object is gone"


@EACH
async def test_a_creation_that_rejects_conflicts_changes_nothing(
    shared: SharedProject, intrusion: str
) -> None:
    request = CreateRequest(nickname=unique_name(), on_conflict=OnConflict.REJECT)
    async with serving(shared.neon, Isolation.NONE) as service:
        names = shared.intrude(intrusion, request)
        before = await shared.snapshot()
        with pytest.raises(NameTaken):
            await service.create_database()(request)

        after = await shared.snapshot()
        assert (await service.record()).state is State.FAILED
        assert after.real_roles - before.real_roles <= {names.owner}
        assert len(after.real_roles | after.real_databases) == 1 + len(
            before.real_roles | before.real_databases
        )
        assert await service.provider.inventory() == []
