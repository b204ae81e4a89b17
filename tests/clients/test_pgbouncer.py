"""A pooler in transaction mode serves many clients by the few sessions of a tenant."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients.pgbouncer import pgbouncer
from tests.clients.places import Database, run_successfully

pytestmark = pytest.mark.timeout(600)  # the first test installs the programs

PROGRAM = "python"


@pytest.mark.parametrize("script", ["with_pooled_psycopg.py", "with_pooled_asyncpg.py"])
async def test_more_clients_than_sessions_work_through_pgbouncer(
    script: str, database: Database, python_with_drivers: Path, program: Path
) -> None:
    parts = urlsplit(await database.format_connection("uri"))
    login, _, _ = parts.netloc.rpartition("@")
    async with pgbouncer(database) as port:
        pooled = parts._replace(netloc=f"{login}@127.0.0.1:{port}", query="sslmode=disable")
        await run_successfully(python_with_drivers, script, pooled.geturl(), cwd=program)

    rows = await database.rows("SELECT name FROM fruits ORDER BY name")
    assert rows == [(f"Äpfel {number}",) for number in range(10)]
