"""Alembic migrates a database of pgvend up and down."""

from pathlib import Path

import pytest

from tests.clients.places import Database, run_successfully

pytestmark = pytest.mark.timeout(600)  # the first test installs the programs

PROGRAM = "alembic"


async def test_alembic_upgrades_to_head_and_downgrades_to_base(
    database: Database, python_with_drivers: Path, program: Path
) -> None:
    alembic = python_with_drivers.with_name("alembic")
    url = {"DATABASE_URL": await database.format_connection("sqlalchemy")}

    await run_successfully(alembic, "upgrade", "head", cwd=program, **url)
    assert "b2 (head)" in await run_successfully(alembic, "current", cwd=program, **url)
    assert await database.rows("SELECT name, colour::text FROM fruits") == [("Äpfel", "red")]

    await run_successfully(alembic, "downgrade", "base", cwd=program, **url)
    assert await database.tables() == {"alembic_version"}
    assert await database.rows("SELECT FROM pg_type WHERE typname = 'colour'") == []
