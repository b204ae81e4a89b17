"""psql works with a database of pgvend, by a command line and by variables."""

from pathlib import Path

from tests.clients.places import Database, run_successfully

WHO = "SELECT current_database(), current_user"


async def run_script(
    database: Database, script: str, folder: Path, **environment: str
) -> list[str]:
    """Return what a shell that runs the script prints, by columns."""
    path = f"{database.place.programs}:/usr/bin:/bin"
    printed = await run_successfully("sh", "-euc", script, cwd=folder, PATH=path, **environment)
    return printed.strip().split("|")


async def test_the_format_for_psql_is_a_command_that_needs_only_the_password(
    database: Database, tmp_path: Path
) -> None:
    connection = await database.connection()
    command = await database.format_connection("psql")
    script = f'{command} --no-psqlrc -Atc "{WHO}"'

    printed = await run_script(database, script, tmp_path, PGPASSWORD=connection["password"])

    assert printed == [connection["database"], connection["user"]]


async def test_the_variables_for_a_shell_are_those_of_libpq(
    database: Database, tmp_path: Path
) -> None:
    connection = await database.connection()
    (tmp_path / ".env").write_text(await database.format_connection("env") + "\n")

    printed = await run_script(database, f'set -a; . ./.env; psql -Atc "{WHO}"', tmp_path)
    assert printed == [connection["database"], connection["user"]]

    printed = await run_script(database, f'. ./.env; psql -Atc "{WHO}" "$DATABASE_URL"', tmp_path)
    assert printed == [connection["database"], connection["user"]]
