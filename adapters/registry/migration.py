"""Migration of the tables to the state that `schema` describes."""

from collections.abc import Iterable
from typing import Any

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from domain.errors import StartupError

VERSION_TABLE = "pgvend_revision"
"""Not Alembic's usual one, which another program may have in the same database."""


def load_revisions() -> ScriptDirectory:
    """Return the revisions that this version of pgvend knows."""
    config = Config()
    config.set_main_option("script_location", "adapters.registry:migrations")
    return ScriptDirectory.from_config(config)


def migrate(connection: Connection, destination: str = "head") -> None:
    """Run the missing migrations up to the revision `destination`, all in the open transaction.
    Raises StartupError when a newer pgvend migrated the tables.

    This does not use Alembic's env.py, whose global `context` and `op` would be shared by two
    registries that are opened at the same moment.
    """
    known = load_revisions()

    def missing(heads: tuple[str, ...], _: MigrationContext) -> Iterable[Any]:
        _check_known(known, heads)
        revisions = known.iterate_revisions(destination, heads, implicit_base=True)
        return [
            MigrationStep.upgrade_from_script(known.revision_map, revision)
            for revision in reversed([*revisions])
        ]

    context = MigrationContext.configure(
        connection, opts={"fn": missing, "version_table": VERSION_TABLE}
    )
    context.run_migrations(op=Operations(context))


def _check_known(known: ScriptDirectory, heads: Iterable[str]) -> None:
    newer = set(heads) - {script.revision for script in known.walk_revisions()}
    if newer:
        raise StartupError(
            f"A newer pgvend migrated the registry (its revision is {', '.join(newer)}): start "
            "that version or a later one."
        )
