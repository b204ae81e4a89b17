"""The emulator's projects: each has a server of its own."""

from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support.neon.client import NeonClient
from tests.support.neon.emulator import RunningEmulator, fresh, turned


async def test_a_new_project_is_reached_when_its_operations_have_finished(
    neon: RunningEmulator,
) -> None:
    created = await neon.client.create_project(
        name="shop", branch={"database_name": "Shop", "role_name": "keeper"}
    )
    actions = [(each["action"], each["status"]) for each in created.body["operations"]]
    await neon.client.done(created)

    (details,) = created.body["connection_uris"]
    assert actions == [("create_timeline", "running"), ("start_compute", "scheduling")]
    assert await who_and_where(details["connection_uri"]) == ("keeper", "Shop")
    await leave(neon.client, created.body)


async def test_an_unfinished_project_answers_and_is_not_reached(neon: RunningEmulator) -> None:
    async with turned(neon, start_compute_seconds=60):
        created = await neon.client.create_project()
        path = f"/projects/{created.body['project']['id']}"
        names: dict[str, Any] = {"role_name": "neondb_owner", "database_name": "neondb"}
        answer = await neon.client.call("GET", f"{path}/connection_uri", **names)
        endpoints = await neon.client.call("GET", f"{path}/endpoints")

        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(answer.body["uri"])
        await leave(neon.client, created.body)

    assert endpoints.body["endpoints"][0]["current_state"] == "init"


async def test_projects_do_not_share_a_server(neon: RunningEmulator) -> None:
    created = await neon.client.done(await neon.client.create_project())
    (details,) = created.body["connection_uris"]
    other = urlsplit(details["connection_uri"])
    ours = urlsplit(await neon.client.uri("neondb_owner", "neondb"))

    assert other.port != ours.port
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host="127.0.0.1",
            port=other.port,
            user=ours.username,
            password=ours.password,
            database="neondb",
        )
    await leave(neon.client, created.body)


async def test_a_deleted_project_is_gone_and_so_is_its_server(neon: RunningEmulator) -> None:
    created = await neon.client.done(await neon.client.create_project())
    (details,) = created.body["connection_uris"]

    await leave(neon.client, created.body)

    project_id = created.body["project"]["id"]
    assert (await neon.client.call("GET", f"/projects/{project_id}")).status == 404
    assert not (neon.folder / project_id).exists()
    with pytest.raises(ConnectionRefusedError):
        await asyncpg.connect(details["connection_uri"])


async def test_the_older_postgresql_is_to_be_had(neon: RunningEmulator) -> None:
    created = await neon.client.done(await neon.client.create_project(pg_version=16))
    (details,) = created.body["connection_uris"]

    session = await asyncpg.connect(details["connection_uri"])
    assert session.get_server_version().major == 16
    await session.close()
    await leave(neon.client, created.body)


async def test_one_that_is_not_bundled_is_refused(neon: RunningEmulator) -> None:
    answer = await neon.client.create_project(pg_version=17)

    assert answer.status == 400


async def test_projects_come_in_pages(neon: RunningEmulator) -> None:
    name = fresh("paged")
    made = [(await neon.client.create_project(name=name)).body for _ in range(3)]
    async with turned(neon, page_size=2):
        first = await neon.client.call("GET", "/projects", search=name)
        cursor = first.body["pagination"]["cursor"]
        second = await neon.client.call("GET", "/projects", search=name, cursor=cursor)
        last = await neon.client.call(
            "GET", "/projects", search=name, cursor=second.body["pagination"]["cursor"]
        )
    for body in made:
        await leave(neon.client, body)

    assert [len(page.body["projects"]) for page in (first, second, last)] == [2, 1, 0]
    listed = [each["id"] for page in (first, second) for each in page.body["projects"]]
    assert listed == [body["project"]["id"] for body in made]


async def test_a_page_goes_on_after_a_project_that_is_gone(neon: RunningEmulator) -> None:
    name = fresh("paged")
    made = [(await neon.client.create_project(name=name)).body for _ in range(2)]
    first = await neon.client.call("GET", "/projects", search=name, limit="1")
    await leave(neon.client, made[0])

    second = await neon.client.call(
        "GET", "/projects", search=name, cursor=first.body["pagination"]["cursor"]
    )

    assert [each["id"] for each in second.body["projects"]] == [made[1]["project"]["id"]]
    await leave(neon.client, made[1])


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "401"}, {"cursor": "x"}])
async def test_a_page_that_cannot_be_is_refused(
    neon: RunningEmulator, query: dict[str, Any]
) -> None:
    assert (await neon.client.call("GET", "/projects", **query)).status == 400


async def test_two_projects_may_have_one_name(neon: RunningEmulator) -> None:
    made = [await neon.client.create_project(name="twin") for _ in range(2)]
    for answer in made:
        await leave(neon.client, answer.body)

    assert {answer.status for answer in made} == {201}


async def test_a_project_that_stores_no_passwords_reveals_none(neon: RunningEmulator) -> None:
    created = await neon.client.create_project(store_passwords=False)
    branch = f"/projects/{created.body['project']['id']}/branches/{created.body['branch']['id']}"

    revealed = await neon.client.call("GET", f"{branch}/roles/neondb_owner/reveal_password")

    assert created.body["roles"][0]["password"]
    assert revealed.status == 412
    await leave(neon.client, created.body)


async def test_the_list_of_branches_names_a_next_page_even_on_the_last(
    neon: RunningEmulator,
) -> None:
    path = f"{neon.client.project}/branches"
    first = await neon.client.call("GET", path)
    second = await neon.client.call("GET", path, cursor=first.body["pagination"]["next"])

    assert [branch["id"] for branch in first.body["branches"]] == [neon.branch_id]
    assert second.body["branches"] == []


async def test_operations_are_listed_newest_first_and_in_pages(neon: RunningEmulator) -> None:
    made = await neon.client.done(await neon.client.create_role(fresh("role")))
    path = f"{neon.client.project}/operations"

    first = await neon.client.call("GET", path, limit="1")
    cursor = first.body["pagination"]["cursor"]
    second = await neon.client.call("GET", path, limit="1000", cursor=cursor)

    (newest,) = first.body["operations"]
    assert newest["id"] == made.body["operations"][0]["id"]
    older = [operation["id"] for operation in second.body["operations"]]
    known = [operation.id for operation in neon.emulator.first.operations.all]
    assert older == known[-2::-1][:1000]


@pytest.mark.parametrize("missing", ["role_name", "database_name"])
async def test_a_connection_uri_needs_a_role_and_a_database(
    neon: RunningEmulator, missing: str
) -> None:
    names: dict[str, Any] = {"role_name": "neondb_owner", "database_name": "neondb"}
    del names[missing]

    answer = await neon.client.call("GET", f"{neon.client.project}/connection_uri", **names)

    assert answer.status == 400


async def who_and_where(uri: str) -> tuple[str, str]:
    session = await asyncpg.connect(uri)
    try:
        (row,) = await session.fetch("SELECT current_user, current_database()")
        return row["current_user"], row["current_database"]
    finally:
        await session.close()


async def leave(client: NeonClient, created: Any) -> None:
    answer = await client.call("DELETE", f"/projects/{created['project']['id']}")
    assert answer.status == 200
