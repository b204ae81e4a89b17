"""The emulator's roles and databases, in the API and in PostgreSQL."""

import asyncpg
import pytest

from tests.support.neon.client import OWNER
from tests.support.neon.emulator import (
    RunningEmulator,
    create_object,
    is_alive,
    new_name,
    override_behaviour,
)

KINDS = ("role", "database")
EACH = pytest.mark.parametrize("kind", KINDS)

RIGHTS = """
SELECT rolcanlogin, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication, rolinherit, rolsuper
FROM pg_roles WHERE rolname = $1
"""
PUBLIC_OWNER = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'"

IMPOSSIBLE = {
    "role": ["", "x" * 64, "é" * 32, "a\0b", "pg_mine", "neon_superuser"],
    "database": ["", "x" * 64, "a\0b", "postgres", "template0", "template1"],
}
UNUSUAL = ["x" * 63, "Ünï/cødé ?#%", 'quoted "name"', "back\\slash'"]


@EACH
async def test_a_new_object_is_listed_before_it_exists(neon: RunningEmulator, kind: str) -> None:
    name = new_name(kind)
    async with override_behaviour(neon, operation_seconds=0.3):
        answer = await neon.client.create(kind, name)
        early = await neon.snapshot()
        await neon.client.wait_until_done(answer)

    assert (answer.status, answer.body[kind]["name"]) == (201, name)
    assert (early.lists(name), early.has(name)) == (True, False)
    assert (await neon.snapshot()).has(name)


@EACH
async def test_a_deleted_object_leaves_the_lists_before_it_is_dropped(
    neon: RunningEmulator, kind: str
) -> None:
    name = await create_object(neon, kind)
    async with override_behaviour(neon, operation_seconds=0.3):
        answer = await neon.client.delete(kind, name)
        early = await neon.snapshot()
        await neon.client.wait_until_done(answer)

    late = await neon.snapshot()
    assert answer.status == 200
    assert (early.lists(name), early.has(name)) == (False, True)
    assert (late.lists(name), late.has(name)) == (False, False)


@EACH
async def test_deleting_a_missing_object_succeeds_even_if_locked(
    neon: RunningEmulator, kind: str
) -> None:
    async with override_behaviour(neon):
        neon.emulator.first.operations.lock(None)
        answer = await neon.client.delete(kind, new_name(kind))

    assert (answer.status, answer.body) == (204, None)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in IMPOSSIBLE.items() for name in names]
)
async def test_invalid_names_are_refused(neon: RunningEmulator, kind: str, name: str) -> None:
    assert (await neon.client.create(kind, name)).status == 400
    assert name not in await neon.client.names(f"{kind}s")


@pytest.mark.parametrize("name", UNUSUAL)
async def test_unusual_names_are_accepted(neon: RunningEmulator, name: str) -> None:
    await neon.client.wait_until_done(await neon.client.create_role(name))
    await neon.client.wait_until_done(await neon.client.create_database(name, name))

    shown = {kind: await neon.client.call("GET", neon.client.path(kind, name)) for kind in KINDS}
    async with neon.session(name, name) as session:
        user, current = (await session.fetch("SELECT current_user, current_database()"))[0]
    await neon.client.wait_until_done(await neon.client.delete_database(name))
    await neon.client.wait_until_done(await neon.client.delete_role(name))
    assert [shown[kind].body[kind]["name"] for kind in KINDS] == [name, name]
    assert (user, current) == (name, name)
    assert not (await neon.snapshot()).has(name)


async def test_a_role_has_nearly_all_privileges_or_no_login(
    neon: RunningEmulator,
) -> None:
    name, group = await create_object(neon, "role"), new_name("group")
    created = await neon.client.wait_until_done(await neon.client.create_role(group, no_login=True))

    async with neon.session(name) as session:
        rights = dict((await session.fetch(RIGHTS, name))[0])
        is_member = await session.fetchval("SELECT pg_has_role('neon_superuser', 'MEMBER')")
        group_rights = dict((await session.fetch(RIGHTS, group))[0])
    assert rights.pop("rolsuper") is False
    assert all(rights.values())
    assert is_member
    assert "password" not in created.body["role"]
    assert not group_rights["rolcanlogin"]


async def test_a_role_changes_other_roles_tables_but_cannot_create(
    neon: RunningEmulator,
) -> None:
    """Roles of the API therefore do not isolate tenants."""
    neighbour, intruder = await create_object(neon, "role"), await create_object(neon, "role")
    database = new_name("database")
    await neon.client.wait_until_done(await neon.client.create_database(database, neighbour))
    async with neon.session(neighbour, database) as session:
        assert await session.fetchval(PUBLIC_OWNER) == neighbour
        await session.execute("CREATE TABLE secrets AS SELECT 'mine' AS secret")

    async with neon.session(intruder, database) as session:
        await session.execute("UPDATE secrets SET secret = secret || ' no more'")
        assert await session.fetchval("SELECT secret FROM secrets") == "mine no more"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("CREATE TABLE public.mine ()")


async def test_a_deleted_roles_objects_go_to_the_databases_owner(
    neon: RunningEmulator,
) -> None:
    """The role is deleted although it has granted other roles."""
    name, owners = (
        await create_object(neon, "role"),
        "SELECT tableowner FROM pg_tables WHERE tablename = $1",
    )
    async with neon.session() as owner:
        await owner.execute(f"GRANT CREATE ON SCHEMA public TO {name}")
    async with neon.session(name) as session:
        await session.execute(f"CREATE TABLE {name} (); CREATE ROLE {name}_1; CREATE ROLE {name}_2")
        await session.execute(f"GRANT {name}_1 TO {name}_2")
        await session.execute(f"GRANT CONNECT ON DATABASE neondb TO {name}_1")

    await neon.client.wait_until_done(await neon.client.delete_role(name))

    assert not (await neon.snapshot()).has(name)
    async with neon.session() as owner:
        assert await owner.fetchval(owners, name) == OWNER


async def test_a_database_is_deleted_with_its_sessions(neon: RunningEmulator) -> None:
    name = await create_object(neon, "database")
    async with neon.session(OWNER, name) as session:
        await neon.client.wait_until_done(await neon.client.delete_database(name))

        assert not await is_alive(session)


async def test_a_renamed_database_keeps_its_id_and_contents(
    neon: RunningEmulator,
) -> None:
    old, new, new_owner = (
        await create_object(neon, "database"),
        new_name("database"),
        await create_object(neon, "role"),
    )
    async with neon.session(OWNER, old) as session:
        await session.execute("CREATE TABLE notes ()")
    before = await neon.client.call("GET", neon.client.database(old))

    change = {"database": {"name": new}}
    renamed = await neon.client.call("PATCH", neon.client.database(old), change)
    await neon.client.wait_until_done(renamed)
    change = {"database": {"owner_name": new_owner}}
    await neon.client.wait_until_done(
        await neon.client.call("PATCH", neon.client.database(new), change)
    )

    assert renamed.body["database"]["id"] == before.body["database"]["id"]
    assert not (await neon.snapshot()).has(old)
    async with neon.session(new_owner, new) as session:
        assert await session.fetchval("SELECT to_regclass('notes') IS NOT NULL")
        assert await session.fetchval("SELECT pg_has_role('pg_database_owner', 'MEMBER')")
