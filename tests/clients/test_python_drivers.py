"""Drivers for Python and SQLAlchemy work with a database of pgvend."""

from pathlib import Path

import pytest

from tests.clients.places import PRIVATE, Database, run_failing, run_successfully

pytestmark = pytest.mark.timeout(600)  # the first test installs the programs

PROGRAM = "python"

FORMATS = {
    "with_psycopg.py": "uri",
    "with_asyncpg.py": "uri",
    "with_sqlalchemy.py": "sqlalchemy",
    "with_sqlalchemy_asyncio.py": "sqlalchemy",
}


@pytest.mark.parametrize("script", FORMATS)
async def test_a_driver_writes_and_reads_by_the_format_that_names_the_authority(
    script: str, database: Database, python_with_drivers: Path, program: Path
) -> None:
    url = await database.format_connection(FORMATS[script])

    await run_successfully(python_with_drivers, script, url, cwd=program)

    rows = await database.rows("SELECT name FROM fruits ORDER BY id")
    assert rows == [("Äpfel",), ("Birnen",)]


async def test_sqlalchemy_with_asyncpg_takes_the_authority_from_its_variable(
    database: Database, python_with_drivers: Path, program: Path
) -> None:
    url = await database.format_connection("sqlalchemy-asyncpg")
    authority = await database.name_authority("PGSSLROOTCERT")

    await run_successfully(
        python_with_drivers, "with_sqlalchemy_asyncio.py", url, cwd=program, **authority
    )

    rows = await database.rows("SELECT name FROM fruits ORDER BY id")
    assert rows == [("Äpfel",), ("Birnen",)]


@pytest.mark.parametrize("place", [PRIVATE], indirect=True)
@pytest.mark.parametrize("script", FORMATS)
async def test_a_driver_that_is_not_given_the_authority_refuses_the_server(
    script: str, database: Database, python_with_drivers: Path, program: Path
) -> None:
    url = await database.format_without_authority(FORMATS[script])

    assert "cert" in await run_failing(
        python_with_drivers, script, url, cwd=program, HOME=str(program)
    )

    assert await database.tables() == set()
