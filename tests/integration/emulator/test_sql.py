"""What SQL makes and drops, the API's lists follow."""

import pytest

from tests.support.neon.emulator import RunningEmulator, fresh


async def test_what_sql_makes_is_listed(neon: RunningEmulator) -> None:
    role, database = fresh("role"), fresh("db")
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role}")
        await session.execute(f"CREATE DATABASE {database}")

    shown = await neon.client.call("GET", neon.client.database(database))

    assert shown.body["database"]["owner_name"] == "neondb_owner"
    assert role in await neon.client.names("roles")


async def test_what_sql_drops_is_listed_no_more(neon: RunningEmulator) -> None:
    role, database = fresh("role"), fresh("db")
    await neon.client.done(await neon.client.create_database(database, "neondb_owner"))
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role}")
        assert {role, database} <= await listed(neon)

        await session.execute(f"DROP ROLE {role}")
        await session.execute(f"DROP DATABASE {database}")

    assert not {role, database} & await listed(neon)


async def test_a_role_of_sql_cannot_be_made_again_by_the_api(neon: RunningEmulator) -> None:
    role = fresh("role")
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role}")

    assert (await neon.client.create_role(role)).status == 409


async def test_a_role_of_sql_is_no_neon_superuser(neon: RunningEmulator) -> None:
    role = fresh("role")
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role}")

        assert not await session.fetchval(
            f"SELECT pg_has_role('{role}', 'neon_superuser', 'USAGE')"
        )


async def test_a_role_of_sql_is_deleted_by_the_api(neon: RunningEmulator) -> None:
    role = fresh("role")
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role}")

    await neon.client.done(await neon.client.delete_role(role))

    assert role not in (await neon.census()).real_roles


async def test_a_password_of_sql_is_not_known_to_the_api(neon: RunningEmulator) -> None:
    role = fresh("role")
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'npg_of_sql'")

    answer = await neon.client.call("GET", f"{neon.client.role(role)}/reveal_password")

    assert answer.status == 412


async def test_after_a_change_by_sql_the_api_tells_the_last_password_of_its_own(
    neon: RunningEmulator,
) -> None:
    role = fresh("role")
    created = await neon.client.done(await neon.client.create_role(role))
    async with neon.session(role) as session:
        await session.execute(f"ALTER ROLE {role} PASSWORD 'npg_of_sql'")

    answer = await neon.client.call("GET", f"{neon.client.role(role)}/reveal_password")

    assert answer.body["password"] == created.body["role"]["password"]


async def test_an_owner_that_sql_changes_is_listed(neon: RunningEmulator) -> None:
    heir, database = fresh("role"), fresh("db")
    await neon.client.done(await neon.client.create_database(database, "neondb_owner"))
    async with neon.session() as session:
        await session.execute(f"CREATE ROLE {heir}; GRANT {heir} TO neondb_owner")
        await session.execute(f"ALTER DATABASE {database} OWNER TO {heir}")

    answer = await neon.client.call("GET", neon.client.database(database))

    assert answer.body["database"]["owner_name"] == heir


async def test_the_emulators_own_roles_and_databases_are_not_listed(neon: RunningEmulator) -> None:
    census = await neon.census()

    assert not {"postgres", "pgvend_admin", "neon_superuser"} & census.listed_roles
    assert not {"postgres", "template0", "template1"} & census.listed_databases


@pytest.mark.parametrize("name", ["postgres", "pgvend_admin"])
async def test_nobody_logs_in_as_the_emulators_own_roles(neon: RunningEmulator, name: str) -> None:
    answer = await neon.client.call(
        "GET", f"{neon.client.project}/connection_uri", role_name=name, database_name="neondb"
    )

    assert answer.status == 404


async def listed(neon: RunningEmulator) -> frozenset[str]:
    return await neon.client.names("roles") | await neon.client.names("databases")
