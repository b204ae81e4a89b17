"""Migration of the tables from nothing and from every earlier revision."""

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.executor import Executor
from adapters.registry.migration import VERSION_TABLE, list_revisions, migrate
from adapters.registry.registry import SqlRegistry
from adapters.registry.rows import row_from_database
from adapters.registry.schema import DATABASES, IS_LIVE, IS_NOT_INTERNAL, METADATA
from adapters.registry.upgrade import load_revisions
from domain.errors import NameTaken, StartupError
from domain.lifecycle import GONE, INTERNAL
from tests.integration.registry.conftest import empty_database
from tests.support.records import new_record
from tests.support.registries import IDEMPOTENCY_KEY, registry_file
from tests.support.servers import OperatorsServer, ram_folder

REVISIONS = list_revisions()

OPEN_REGISTRY = """
import sys
from pathlib import Path
from adapters.registry.sqlite import prepare
from entrypoints.cli import run_service
prepare(Path(sys.argv[1]), 5.0)
print("alembic" in sys.modules)
"""

INDEXES = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexdef FROM pg_indexes WHERE tablename = 'databases'",
}

COLUMNS = {
    "sqlite": "SELECT name, type, \"notnull\", pk FROM pragma_table_info('databases')",
    "postgresql": "SELECT column_name, data_type, is_nullable, collation_name "
    "FROM information_schema.columns WHERE table_name = 'databases'",
}


def test_the_files_of_migrations_are_named_by_their_revisions() -> None:
    scripts = load_revisions().walk_revisions()

    assert [script.revision for script in scripts][::-1] == REVISIONS


def test_revisions_are_numbered_in_order() -> None:
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS


def test_records_are_live_in_the_states_that_the_indexes_do_not_exclude() -> None:
    assert set(re.findall(r"'(\w+)'", IS_LIVE.text)) == GONE
    assert set(re.findall(r"'(\w+)'", IS_NOT_INTERNAL.text)) == INTERNAL


async def test_migrated_tables_equal_the_schema(
    engine: AsyncEngine, server: OperatorsServer | None
) -> None:
    """This includes the conditions of indexes and collations, which Alembic does not compare."""
    async with (
        empty_database(server) as other,
        engine.begin() as migrated,
        other.begin() as created,
    ):
        await migrated.run_sync(migrate)
        await created.run_sync(METADATA.create_all)

        assert await migrated.run_sync(_find_differences) == []
        for query in (COLUMNS, INDEXES):
            assert await migrated.run_sync(_describe, query) == await created.run_sync(
                _describe, query
            )


async def test_migrating_again_changes_nothing(engine: AsyncEngine) -> None:
    registry = await _migrate(engine)
    kept = await registry.add(new_record())

    await _migrate(engine)

    assert await registry.get(kept.id) == kept


async def test_alembic_is_imported_only_to_migrate() -> None:
    with ram_folder() as folder:
        first, second = [await _open_registry(folder) for _ in range(2)]

    assert (first, second) == ("True", "False")


async def test_migrations_that_are_rolled_back_leave_nothing(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.exec_driver_sql("BEGIN")
        await connection.run_sync(migrate)
        await connection.exec_driver_sql("ROLLBACK")

        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == []


@pytest.mark.parametrize("revision", REVISIONS)
async def test_records_of_every_revision_are_kept(engine: AsyncEngine, revision: str) -> None:
    old = replace(
        new_record("Sales", labels={"team": "a"}), version=1, idempotency_key=IDEMPOTENCY_KEY
    )
    async with engine.begin() as connection:
        await connection.run_sync(partial(migrate, destination=revision))
        await connection.run_sync(partial(_insert, row=row_from_database(old)))

    registry = await _migrate(engine)

    assert await registry.get(old.id) == old
    with pytest.raises(NameTaken):
        await registry.add(new_record("Sales"))


async def test_a_registry_of_a_newer_pgvend_is_refused_unchanged(engine: AsyncEngine) -> None:
    kept = await (await _migrate(engine)).add(new_record())
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    with pytest.raises(StartupError, match=r"newer pgvend .*9999.*start that version"):
        await _migrate(engine)

    assert await SqlRegistry(Executor(engine, engine)).get(kept.id) == kept


async def test_another_programs_migrations_are_ignored(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        await connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))

    registry = await _migrate(engine)

    await registry.ping()


async def _open_registry(folder: Path) -> str:
    """Open the registry in a new process. Return whether it imported Alembic."""
    file = str(registry_file(folder))
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN_REGISTRY, file, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await program.communicate()
    return output.decode().strip()


async def _migrate(engine: AsyncEngine) -> SqlRegistry:
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    return SqlRegistry(Executor(engine, engine))


def _find_differences(connection: Connection) -> Sequence[Any]:
    options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


def _describe(connection: Connection, query: Mapping[str, str]) -> list[str]:
    rows = connection.execute(text(query[connection.dialect.name]))
    return sorted(" ".join(map(str, row)) for row in rows)


def _insert(connection: Connection, row: Mapping[str, Any]) -> None:
    """Insert the record's row, in the columns that the table has at this revision."""
    columns = {column["name"] for column in inspect(connection).get_columns("databases")}
    known = [column for column in DATABASES.columns if column.name in columns]
    table = Table("databases", MetaData(), *(column._copy() for column in known))
    values = {column.name: row[column.name] for column in known if column.name in row}
    connection.execute(table.insert().values(values))
