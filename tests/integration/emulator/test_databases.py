"""The emulator's databases: what the API says of them, and what they really are."""

import asyncpg
import pytest

from tests.support.neon.emulator import RunningEmulator, fresh, turned

OWNER = "neondb_owner"

PUBLIC_OWNER = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'"


async def test_a_new_database_is_answered_at_once_and_real_when_its_operation_has_finished(
    neon: RunningEmulator,
) -> None:
    name = fresh("db")
    async with turned(neon, operation_seconds=0.3):
        answer = await neon.client.create_database(name, OWNER)
        early = await neon.census()
        await neon.client.done(answer)

    assert answer.status == 201
    assert answer.body["database"]["owner_name"] == OWNER
    assert (name in early.listed_databases, name in early.real_databases) == (True, False)
    assert name in (await neon.census()).real_databases


async def test_a_databases_public_schema_is_its_owners(neon: RunningEmulator) -> None:
    role, name = fresh("role"), fresh("db")
    await neon.client.done(await neon.client.create_role(role))
    await neon.client.done(await neon.client.create_database(name, role))

    async with neon.session(role, name) as session:
        assert await session.fetchval(PUBLIC_OWNER) == role


async def test_everybody_may_connect_as_postgresql_has_it(neon: RunningEmulator) -> None:
    """A role made by SQL is no member of neon_superuser, and still comes in through PUBLIC."""
    role, name = fresh("plain"), await a_database(neon)
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'npg_of_sql'")

    async with neon.session(OWNER, name, user=role, password="npg_of_sql") as session:
        assert await session.fetchval("SELECT current_user") == role


async def test_an_owner_that_is_not_there_is_refused(neon: RunningEmulator) -> None:
    answer = await neon.client.create_database(fresh("db"), "nobody")

    assert answer.status == 422
    assert answer.body["message"] == 'database owner not found; role_name:"nobody"'


async def test_a_database_with_its_name_exists_only_once(neon: RunningEmulator) -> None:
    answer = await neon.client.create_database("neondb", OWNER)

    assert answer.status == 409
    assert "already exists" in answer.body["message"]


async def test_a_database_is_deleted_with_its_sessions(neon: RunningEmulator) -> None:
    name = await a_database(neon)
    async with neon.session(OWNER, name) as guest:
        answer = await neon.client.done(await neon.client.delete_database(name))

        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await guest.execute("SELECT 1")

    assert answer.status == 200
    census = await neon.census()
    assert name not in census.real_databases | census.listed_databases


async def test_a_database_is_gone_from_the_lists_before_it_is_gone(neon: RunningEmulator) -> None:
    name = await a_database(neon)
    async with turned(neon, operation_seconds=0.3):
        answer = await neon.client.delete_database(name)
        early = await neon.census()
        await neon.client.done(answer)

    assert (name in early.listed_databases, name in early.real_databases) == (False, True)


async def test_a_database_that_is_not_there_is_deleted_without_a_word(
    neon: RunningEmulator,
) -> None:
    answer = await neon.client.delete_database(fresh("db"))

    assert (answer.status, answer.body) == (204, None)


async def test_a_database_keeps_its_id_and_contents_when_it_is_renamed(
    neon: RunningEmulator,
) -> None:
    old, new = await a_database(neon), fresh("db")
    async with neon.session(OWNER, old) as session:
        await session.execute("CREATE TABLE notes ()")
    before = await neon.client.call("GET", neon.client.database(old))

    renamed = await neon.client.call(
        "PATCH", neon.client.database(old), {"database": {"name": new}}
    )
    await neon.client.done(renamed)

    assert renamed.body["database"]["id"] == before.body["database"]["id"]
    assert old not in (await neon.census()).real_databases
    async with neon.session(OWNER, new) as session:
        await session.execute("TABLE notes")


async def test_a_database_is_given_to_another_role(neon: RunningEmulator) -> None:
    name, heir = await a_database(neon), fresh("role")
    await neon.client.done(await neon.client.create_role(heir))

    given = await neon.client.call(
        "PATCH", neon.client.database(name), {"database": {"owner_name": heir}}
    )
    await neon.client.done(given)

    async with neon.session(heir, name) as session:
        assert await session.fetchval("SELECT pg_has_role('pg_database_owner', 'MEMBER')")


async def test_a_missing_database_is_not_found(neon: RunningEmulator) -> None:
    path = neon.client.database(fresh("db"))

    shown = await neon.client.call("GET", path)
    changed = await neon.client.call("PATCH", path, {"database": {"name": "x"}})

    assert (shown.status, changed.status) == (404, 404)


@pytest.mark.parametrize("name", ["", "x" * 64, "a\0b", "postgres", "template0", "template1"])
async def test_some_names_no_database_can_have(neon: RunningEmulator, name: str) -> None:
    answer = await neon.client.create_database(name, OWNER)

    assert answer.status == 400
    assert name not in await neon.client.names("databases")


@pytest.mark.parametrize("name", ["x" * 63, "Ünï/cødé ?#%", 'quoted "name"'])
async def test_all_others_it_can(neon: RunningEmulator, name: str) -> None:
    await neon.client.done(await neon.client.create_database(name, OWNER))

    async with neon.session(OWNER, name) as session:
        assert await session.fetchval("SELECT current_database()") == name
    await neon.client.done(await neon.client.delete_database(name))
    assert name not in (await neon.census()).real_databases


async def a_database(neon: RunningEmulator) -> str:
    name = fresh("db")
    await neon.client.done(await neon.client.create_database(name, OWNER))
    return name
