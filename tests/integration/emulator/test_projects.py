"""The emulator's projects, each with its own server, and the pages of long lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from adapters.embedded.listen_addresses import is_free
from tests.support.neon.client import OWNER
from tests.support.neon.emulator import RunningEmulator, create_object, new_name, override_behaviour


@dataclass(frozen=True)
class Project:
    """A project; `body` is the response to its creation."""

    body: Any

    @property
    def path(self) -> str:
        return f"/projects/{self.body['project']['id']}"

    @property
    def uri(self) -> str:
        (details,) = self.body["connection_uris"]
        return str(details["connection_uri"])


@asynccontextmanager
async def project(
    neon: RunningEmulator, *, done: bool = True, **properties: Any
) -> AsyncIterator[Project]:
    """Create a project, and delete it at the end."""
    created = await neon.client.create_project(**properties)
    if done:
        await neon.client.wait_until_done(created)
    yield (project := Project(created.body))
    assert (await neon.client.call("DELETE", project.path)).status == 200


async def test_no_other_program_can_take_a_projects_port_before_its_compute_runs(
    neon: RunningEmulator,
) -> None:
    async with project(neon, done=False) as starting:
        port = urlsplit(starting.uri).port
        assert port
        assert not is_free(port)


async def test_a_project_has_its_own_server_until_it_is_deleted(
    neon: RunningEmulator,
) -> None:
    branch = {"database_name": "Shop", "role_name": "keeper"}
    async with project(neon, name="shop", branch=branch, pg_version=18) as shop:
        session = await asyncpg.connect(shop.uri)
        (found,) = await session.fetch("SELECT current_user, current_database()")
        version = session.get_server_version().major
        await session.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(shop.uri, password=await _get_owner_password(neon))
    after_deletion = await neon.client.call("GET", shop.path)

    actions = [(each["action"], each["status"]) for each in shop.body["operations"]]
    assert actions == [("create_timeline", "running"), ("start_compute", "scheduling")]
    assert (*found, version) == ("keeper", "Shop", 18)
    assert after_deletion.status == 404
    assert not (neon.folder / shop.body["project"]["id"]).exists()
    with pytest.raises(ConnectionRefusedError):
        await asyncpg.connect(shop.uri)


async def test_an_unfinished_project_is_listed_but_not_reachable(neon: RunningEmulator) -> None:
    names: dict[str, Any] = {"role_name": OWNER, "database_name": "neondb"}
    async with override_behaviour(neon, start_compute_seconds=60), project(neon, done=False) as new:
        uri = await neon.client.call("GET", f"{new.path}/connection_uri", **names)
        parts = {
            part: await neon.client.call("GET", f"{new.path}{part}")
            for part in ("", "/branches", "/operations", "/endpoints")
        }
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(uri.body["uri"])

    assert {answer.status for answer in parts.values()} == {200}
    assert parts["/endpoints"].body["endpoints"][0]["current_state"] == "init"


async def test_pages_of_projects_continue_after_a_deleted_one(
    neon: RunningEmulator,
) -> None:
    name, pages = new_name("paged"), []
    created = [await neon.client.create_project(name=name) for _ in range(3)]
    ids = [each.body["project"]["id"] for each in created]
    query: dict[str, Any] = {"search": name}
    async with override_behaviour(neon, page_size=2):
        for deleted in (ids[1], ids[0], ids[2]):
            pages.append(await neon.client.call("GET", "/projects", **query))
            query |= pages[-1].body.get("pagination", {})
            await neon.client.call("DELETE", f"/projects/{deleted}")

    listed = [[each["id"] for each in page.body["projects"]] for page in pages]
    assert listed == [ids[:2], ids[2:], []]


async def test_a_project_without_stored_passwords_reveals_none(neon: RunningEmulator) -> None:
    async with project(neon, done=False, store_passwords=False) as other:
        branch = f"{other.path}/branches/{other.body['branch']['id']}"
        revealed = await neon.client.call("GET", f"{branch}/roles/{OWNER}/reveal_password")

    assert other.body["roles"][0]["password"]
    assert revealed.status == 412


async def test_the_last_page_of_branches_has_a_cursor_too(
    neon: RunningEmulator,
) -> None:
    path = f"{neon.client.project}/branches"
    first = await neon.client.call("GET", path)
    second = await neon.client.call("GET", path, cursor=first.body["pagination"]["next"])

    assert [branch["id"] for branch in first.body["branches"]] == [neon.branch_id]
    assert second.body["branches"] == []


async def test_operations_are_paged_newest_first(neon: RunningEmulator) -> None:
    await create_object(neon, "role")
    path = f"{neon.client.project}/operations"

    first = await neon.client.call("GET", path, limit="1")
    cursor = first.body["pagination"]["cursor"]
    second = await neon.client.call("GET", path, limit="1000", cursor=cursor)

    listed = [each["id"] for page in (first, second) for each in page.body["operations"]]
    known = [operation.id for operation in neon.emulator.first.operations.all]
    assert len(first.body["operations"]) == 1
    assert listed == known[::-1][:1001]


async def _get_owner_password(neon: RunningEmulator) -> str:
    """Return the password of the first project's owner."""
    return str(urlsplit(await neon.client.uri(OWNER, "neondb")).password)
