"""Migrations by Alembic, which takes longer to import than a start without migrations needs."""

from collections.abc import Iterable
from typing import Any

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def load_revisions() -> ScriptDirectory:
    """Return the revisions that this version of pgvend knows."""
    config = Config()
    config.set_main_option("script_location", "adapters.registry:migrations")
    return ScriptDirectory.from_config(config)


def run_migrations(connection: Connection, version_table: str, destination: str) -> None:
    """Run the missing migrations up to the revision `destination`, all in the open transaction.

    This does not use Alembic's env.py, whose global `context` and `op` would be shared by two
    registries that are opened at the same moment.
    """
    known = load_revisions()

    def missing(heads: tuple[str, ...], _: MigrationContext) -> Iterable[Any]:
        revisions = known.iterate_revisions(destination, heads, implicit_base=True)
        return [
            MigrationStep.upgrade_from_script(known.revision_map, revision)
            for revision in reversed([*revisions])
        ]

    context = MigrationContext.configure(
        connection, opts={"fn": missing, "version_table": version_table}
    )
    context.run_migrations(op=Operations(context))
