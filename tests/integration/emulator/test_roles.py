"""The emulator's roles: what the API says of them, and what they really are."""

import asyncpg
import pytest

from tests.support.neon.emulator import RunningEmulator, fresh, turned

RIGHTS = """
SELECT rolcanlogin, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication, rolinherit, rolsuper
FROM pg_roles WHERE rolname = $1
"""


async def test_a_new_role_is_answered_at_once_and_real_when_its_operation_has_finished(
    neon: RunningEmulator,
) -> None:
    name = fresh("role")
    async with turned(neon, operation_seconds=0.3):
        answer = await neon.client.create_role(name)
        early = await neon.census()
        await neon.client.done(answer)

    assert answer.status == 201
    assert answer.body["role"]["name"] == name
    assert (name in early.listed_roles, name in early.real_roles) == (True, False)
    assert name in (await neon.census()).real_roles


async def test_a_role_of_the_api_has_nearly_every_right(neon: RunningEmulator) -> None:
    name = await a_role(neon)

    async with neon.session(name) as session:
        rights = dict((await session.fetch(RIGHTS, name))[0])
        is_member = await session.fetchval("SELECT pg_has_role('neon_superuser', 'MEMBER')")

    assert rights.pop("rolsuper") is False
    assert all(rights.values())
    assert is_member


async def test_a_role_reads_and_writes_its_neighbours_tables(neon: RunningEmulator) -> None:
    """Which is why vending needs more than the API's roles."""
    neighbour, intruder, database = await a_role(neon), await a_role(neon), fresh("db")
    await neon.client.done(await neon.client.create_database(database, neighbour))
    async with neon.session(neighbour, database) as session:
        await session.execute("CREATE TABLE secrets AS SELECT 'mine' AS secret")

    async with neon.session(intruder, database) as session:
        await session.execute("UPDATE secrets SET secret = secret || ' no more'")

        assert await session.fetchval("SELECT secret FROM secrets") == "mine no more"


async def test_a_role_cannot_create_in_a_neighbours_public_schema(neon: RunningEmulator) -> None:
    neighbour, intruder, database = await a_role(neon), await a_role(neon), fresh("db")
    await neon.client.done(await neon.client.create_database(database, neighbour))

    async with neon.session(intruder, database) as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("CREATE TABLE public.mine ()")


async def test_a_role_with_its_name_exists_only_once(neon: RunningEmulator) -> None:
    name = await a_role(neon)

    again = await neon.client.create_role(name)

    assert again.status == 409
    assert "already exists" in again.body["message"]


async def test_a_role_that_is_not_there_is_deleted_without_a_word(neon: RunningEmulator) -> None:
    answer = await neon.client.delete_role(fresh("role"))

    assert (answer.status, answer.body) == (204, None)


async def test_a_role_is_gone_from_the_list_before_it_is_gone(neon: RunningEmulator) -> None:
    name = await a_role(neon)
    async with turned(neon, operation_seconds=0.3):
        answer = await neon.client.delete_role(name)
        early = await neon.census()
        await neon.client.done(answer)

    assert (name in early.listed_roles, name in early.real_roles) == (False, True)


async def test_a_role_that_owns_a_database_is_not_deleted(neon: RunningEmulator) -> None:
    answer = await neon.client.delete_role("neondb_owner")

    assert answer.status == 422
    assert "neondb_owner" in (await neon.census()).real_roles


async def test_what_a_deleted_role_owned_goes_to_the_databases_owner(
    neon: RunningEmulator,
) -> None:
    name = await a_role(neon)
    async with neon.session() as owner:
        await owner.execute(f"GRANT CREATE ON SCHEMA public TO {name}")
    async with neon.session(name) as session:
        await session.execute(f"CREATE TABLE {name} ()")

    await neon.client.done(await neon.client.delete_role(name))

    assert name not in (await neon.census()).real_roles
    async with neon.session() as owner:
        owners = "SELECT tableowner FROM pg_tables WHERE tablename = $1"
        assert await owner.fetchval(owners, name) == "neondb_owner"


async def test_a_role_that_granted_roles_of_its_own_is_deleted(neon: RunningEmulator) -> None:
    name = await a_role(neon)
    async with neon.session(name) as session:
        await session.execute(f"CREATE ROLE {name}_1; CREATE ROLE {name}_2")
        await session.execute(f"GRANT {name}_1 TO {name}_2")
        await session.execute(f"GRANT CONNECT ON DATABASE neondb TO {name}_1")

    await neon.client.done(await neon.client.delete_role(name))

    assert name not in (await neon.census()).real_roles


async def test_a_role_without_login_has_no_password(neon: RunningEmulator) -> None:
    name = fresh("role")
    created = await neon.client.done(await neon.client.create_role(name, no_login=True))

    assert "password" not in created.body["role"]
    async with neon.session() as session:
        assert not (await session.fetch(RIGHTS, name))[0]["rolcanlogin"]


@pytest.mark.parametrize("name", ["", "x" * 64, "é" * 32, "a\0b", "pg_mine", "neon_superuser"])
async def test_some_names_no_role_can_have(neon: RunningEmulator, name: str) -> None:
    answer = await neon.client.create_role(name)

    assert answer.status == 400
    assert name not in await neon.client.names("roles")


@pytest.mark.parametrize("name", ["x" * 63, "Ünï/cødé ?#%", 'quoted "name"', "back\\slash'"])
async def test_all_others_it_can(neon: RunningEmulator, name: str) -> None:
    await neon.client.done(await neon.client.create_role(name))

    async with neon.session(name) as session:
        assert await session.fetchval("SELECT current_user") == name
    await neon.client.done(await neon.client.delete_role(name))
    assert name not in (await neon.census()).real_roles


async def a_role(neon: RunningEmulator) -> str:
    name = fresh("role")
    await neon.client.done(await neon.client.create_role(name))
    return name
