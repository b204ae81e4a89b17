"""Drivers and migration tools for Node.js work with a database of pgvend."""

from pathlib import Path

import pytest

from tests.clients.places import PRIVATE, Database, run_failing, run_successfully

pytestmark = pytest.mark.timeout(600)  # the first test installs the programs

PROGRAM = "node"

FRUITS = "SELECT name FROM fruits ORDER BY name"
WRITTEN = [("Birnen",), ("Äpfel",)]


@pytest.fixture
def project(program: Path, node_modules: Path) -> Path:
    (program / "node_modules").symlink_to(node_modules)
    return program


@pytest.fixture
async def url(database: Database) -> dict[str, str]:
    """The environment of the programs."""
    return {"DATABASE_URL": await database.format_connection("node")}


async def test_pg_writes_and_reads(database: Database, project: Path, url: dict[str, str]) -> None:
    await run_successfully("node", "with_pg.js", cwd=project, **url)

    assert await database.rows(FRUITS) == WRITTEN


async def test_postgres_js_takes_the_authority_from_the_variable_of_nodejs(
    database: Database, project: Path
) -> None:
    url = {"DATABASE_URL": await database.format_without_authority("node")}
    authority = await database.name_authority("NODE_EXTRA_CA_CERTS")

    await run_successfully("node", "with_postgres.js", cwd=project, **url, **authority)

    assert await database.rows(FRUITS) == WRITTEN


async def test_knex_migrates_to_the_latest_and_back(
    database: Database, project: Path, url: dict[str, str]
) -> None:
    knex = project / "node_modules" / ".bin" / "knex"

    await run_successfully(knex, "migrate:latest", cwd=project, **url)
    assert await database.rows(FRUITS) == WRITTEN

    await run_successfully(knex, "migrate:rollback", cwd=project, **url)
    assert "fruits" not in await database.tables()


async def test_drizzle_kit_migrates_and_pushes(
    database: Database, project: Path, url: dict[str, str]
) -> None:
    kit = project / "node_modules" / ".bin" / "drizzle-kit"

    await run_successfully(kit, "generate", cwd=project, **url)
    await run_successfully(kit, "migrate", cwd=project, **url)
    await run_successfully("node", "with_drizzle.js", cwd=project, **url)
    assert "No changes detected" in await run_successfully(
        kit, "push", "--force", cwd=project, **url
    )

    assert await database.rows(FRUITS) == WRITTEN


async def test_typeorm_runs_and_reverts_a_migration(
    database: Database, project: Path, url: dict[str, str]
) -> None:
    typeorm = project / "node_modules" / ".bin" / "typeorm"
    source = ("-d", "data_source.js")

    await run_successfully(typeorm, "migration:run", *source, cwd=project, **url)
    await run_successfully("node", "with_typeorm.js", cwd=project, **url)
    assert await database.rows(FRUITS) == WRITTEN

    await run_successfully(typeorm, "migration:revert", *source, cwd=project, **url)
    assert "fruits" not in await database.tables()


@pytest.mark.parametrize("place", [PRIVATE], indirect=True)
@pytest.mark.parametrize("script", ["with_pg.js", "with_postgres.js"])
async def test_a_driver_that_is_not_given_the_authority_refuses_the_server(
    script: str, database: Database, project: Path
) -> None:
    url = {"DATABASE_URL": await database.format_without_authority("node")}

    assert "certificate" in await run_failing("node", script, cwd=project, **url)

    assert await database.tables() == set()
