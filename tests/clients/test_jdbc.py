"""PostgreSQL's JDBC driver works with a database of pgvend."""

import shutil
from pathlib import Path

import pytest

from tests.clients.places import Database, run_successfully
from tests.support.requirements import skip_without

PROGRAM = "java"

DRIVER = Path("/usr/share/java/postgresql.jar")


@pytest.fixture
def java() -> tuple[str, ...]:
    """The command that compiles and runs a program of one file, with the driver."""
    if not shutil.which("javac"):
        skip_without("javac: apt-get install default-jdk-headless")
    if not DRIVER.exists():
        skip_without("PostgreSQL's JDBC driver: apt-get install libpostgresql-jdbc-java")
    return ("java", "-cp", str(DRIVER), "--source", "17")


async def test_jdbc_writes_and_reads(
    database: Database, java: tuple[str, ...], program: Path
) -> None:
    url = await database.format_connection("jdbc")

    await run_successfully(*java, "-Dfile.encoding=UTF-8", "Main.java", url, cwd=program)

    rows = await database.rows("SELECT name FROM fruits ORDER BY id")
    assert rows == [("Äpfel",), ("Birnen",)]
