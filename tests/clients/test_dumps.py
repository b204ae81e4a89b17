"""pg_dump and pg_restore copy a database into another one, as their tenants."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.clients.places import Database, Place, run_successfully
from tests.support.servers import BUNDLED_MAJOR

FILL = """
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE fruits (id serial PRIMARY KEY, name text NOT NULL, colour colour);
INSERT INTO fruits (name, colour) VALUES ('Äpfel', 'red'), ('Birnen', 'green');
CREATE SCHEMA stock;
CREATE VIEW stock.green AS SELECT name FROM fruits WHERE colour = 'green';
COMMENT ON TABLE fruits IS 'what grows';
"""

ANYWHERE = ("hstore", "CREATE TABLE things AS SELECT 'a=>1'::hstore AS of")

EXTENSIONS = {
    BUNDLED_MAJOR: ("vector", "CREATE TABLE things AS SELECT '[1,2,3]'::vector AS of"),
}
"""An extension of each server, and a table that needs it."""

WITHOUT_OWNERS = ("--no-owner", "--no-privileges")
"""Options of pg_restore: another database has another owner."""


@pytest.fixture
async def target(place: Place, tmp_path: Path) -> Database:
    return await place.create(tmp_path / "target.pem")


async def execute(database: Database, script: str) -> None:
    await run_successfully(
        database.place.programs / "psql",
        *("--no-psqlrc", "--set=ON_ERROR_STOP=1"),
        *("--dbname", await database.format_connection("uri"), "--command", script),
        cwd=database.ca_file.parent,
    )


async def dump(database: Database, folder: Path) -> None:
    options = (
        "--format=custom",
        "--file=dump",
        "--dbname",
        await database.format_connection("uri"),
    )
    await run_successfully(database.place.programs / "pg_dump", *options, cwd=folder)


async def restore(database: Database, folder: Path, options: Sequence[str] = ()) -> None:
    options = (*options, *WITHOUT_OWNERS, "--exit-on-error", "--single-transaction")
    url = await database.format_connection("uri")
    program = database.place.programs / "pg_restore"
    await run_successfully(program, *options, "--dbname", url, "dump", cwd=folder)


async def fruit_names(database: Database) -> list[str]:
    rows = await database.rows("SELECT name FROM fruits ORDER BY id")
    assert await database.rows("SELECT name FROM stock.green") == [("Birnen",)]
    return [name for (name,) in rows]


async def test_a_dump_restores_into_another_database_and_back(
    database: Database, target: Database, tmp_path: Path
) -> None:
    await execute(database, FILL)
    await dump(database, tmp_path)
    await restore(target, tmp_path)
    assert await fruit_names(target) == ["Äpfel", "Birnen"]

    await execute(target, "DELETE FROM fruits WHERE name = 'Äpfel'")
    await dump(target, tmp_path)
    await restore(database, tmp_path, ("--clean", "--if-exists"))
    assert await fruit_names(database) == ["Birnen"]


async def test_an_extension_is_restored_with_the_comment_of_its_tenant(
    place: Place, target: Database, tmp_path: Path
) -> None:
    name, fill = EXTENSIONS.get(place.major, ANYWHERE)
    source = await place.create(tmp_path / "ca.pem", "--extension", name)
    await execute(source, f"{fill}; COMMENT ON EXTENSION {name} IS 'of the tenant'")
    await dump(source, tmp_path)

    for database in (target, target, source):
        options = ("--clean", "--if-exists")
        await restore(database, tmp_path, options)
        query = "SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = '{}'"
        assert await database.rows(query.format(name)) == [("of the tenant",)]
        assert await database.rows("SELECT count(*) FROM things") == [(1,)]
