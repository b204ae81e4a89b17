"""The API's lists follow changes that SQL makes."""

from tests.support.neon.client import OWNER
from tests.support.neon.emulator import RunningEmulator, create_object, new_name


async def test_the_lists_follow_what_sql_creates_and_drops(neon: RunningEmulator) -> None:
    role, database = new_name("role"), new_name("db")
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role}")
        await session.execute(f"CREATE DATABASE {database}")
        created = await neon.snapshot()
        shown = await neon.client.call("GET", neon.client.database(database))
        await session.execute(f"DROP ROLE {role}")
        await session.execute(f"DROP DATABASE {database}")
        dropped = await neon.snapshot()

    assert (role in created.listed_roles, database in created.listed_databases) == (True, True)
    assert shown.body["database"]["owner_name"] == OWNER
    assert (dropped.lists(role), dropped.lists(database)) == (False, False)


async def test_a_database_of_the_api_that_sql_dropped_is_not_listed(
    neon: RunningEmulator,
) -> None:
    database = await create_object(neon, "database")
    async with neon.session() as session:
        await session.execute(f"DROP DATABASE {database}")

    assert not (await neon.snapshot()).lists(database)


async def test_the_api_deletes_but_does_not_create_a_role_of_sql(
    neon: RunningEmulator,
) -> None:
    """It is not a member of neon_superuser and connects to every database through PUBLIC; the API
    does not know its password."""
    role, database = new_name("role"), await create_object(neon, "database")
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'npg_of_sql'")
    async with neon.session(OWNER, database, user=role, password="npg_of_sql") as session:
        assert await session.fetchval("SELECT current_user") == role
        assert not await session.fetchval("SELECT pg_has_role('neon_superuser', 'USAGE')")

    duplicate = await neon.client.create_role(role)
    revealed = await neon.client.call("GET", f"{neon.client.role(role)}/reveal_password")
    await neon.client.wait_until_done(await neon.client.delete_role(role))

    assert (duplicate.status, revealed.status) == (409, 412)
    assert not (await neon.snapshot()).has(role)


async def test_the_api_reveals_its_last_password_after_sql_changed_it(
    neon: RunningEmulator,
) -> None:
    role = new_name("role")
    created = await neon.client.wait_until_done(await neon.client.create_role(role))
    async with neon.session(role) as session:
        await session.execute(f"ALTER ROLE {role} PASSWORD 'npg_of_sql'")

    answer = await neon.client.call("GET", f"{neon.client.role(role)}/reveal_password")

    assert answer.body["password"] == created.body["role"]["password"]


async def test_an_owner_changed_by_sql_is_listed(neon: RunningEmulator) -> None:
    new_owner, database = new_name("role"), await create_object(neon, "database")
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {new_owner}; GRANT {new_owner} TO {OWNER}")
        await session.execute(f"ALTER DATABASE {database} OWNER TO {new_owner}")

    answer = await neon.client.call("GET", neon.client.database(database))

    assert answer.body["database"]["owner_name"] == new_owner


async def test_the_emulators_own_objects_are_hidden(
    neon: RunningEmulator,
) -> None:
    path, snapshot = f"{neon.client.project}/connection_uri", await neon.snapshot()

    for role in ("postgres", "pgvend_admin", "neon_superuser"):
        answer = await neon.client.call("GET", path, role_name=role, database_name="neondb")
        assert (snapshot.lists(role), answer.status) == (False, 404)
    assert not {"postgres", "template0", "template1"} & snapshot.listed_databases
