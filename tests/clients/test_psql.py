"""psql works with a database of pgvend, by a command line and by variables."""

from pathlib import Path

from tests.clients.places import Database, run_successfully

WHO = "SELECT current_database(), current_user"


async def answer(database: Database, script: str, folder: Path, **environment: str) -> list[str]:
    """Return what a shell that runs the script prints, by columns."""
    path = f"{database.place.programs}:/usr/bin:/bin"
    printed = await run_successfully("sh", "-euc", script, cwd=folder, PATH=path, **environment)
    return printed.strip().split("|")


async def test_the_format_for_psql_is_a_command_that_asks_for_the_password_alone(
    database: Database, tmp_path: Path
) -> None:
    connection = await database.connection()
    command = await database.written("psql")
    script = f'{command} --no-psqlrc -Atc "{WHO}"'

    told = await answer(database, script, tmp_path, PGPASSWORD=connection["password"])

    assert told == [connection["database"], connection["user"]]


async def test_the_variables_for_a_shell_are_those_of_libpq(
    database: Database, tmp_path: Path
) -> None:
    connection = await database.connection()
    (tmp_path / ".env").write_text(await database.written("env") + "\n")

    told = await answer(database, f'set -a; . ./.env; psql -Atc "{WHO}"', tmp_path)
    assert told == [connection["database"], connection["user"]]

    told = await answer(database, f'. ./.env; psql -Atc "{WHO}" "$DATABASE_URL"', tmp_path)
    assert told == [connection["database"], connection["user"]]
