"""Migration of the tables to the state that `schema` describes."""

from collections.abc import Sequence, Set
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from domain.errors import StartupError

VERSION_TABLE = "pgvend_revision"
"""Not Alembic's usual one, which another program may have in the same database."""

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def list_revisions() -> Sequence[str]:
    """Return the revisions that this version of pgvend knows, the oldest first: the name of the
    file of each migration begins with its number."""
    return sorted(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*_*.py"))


def migrate(connection: Connection, destination: str = "head") -> None:
    """Run the missing migrations up to the revision `destination`, all in the open transaction.
    Raises StartupError when a newer pgvend migrated the tables."""
    found, known = _read_revisions(connection), list_revisions()
    if newer := found - {*known}:
        raise StartupError(
            f"A newer pgvend migrated the registry (its revision is {', '.join(sorted(newer))}): "
            "start that version or a later one."
        )
    if found != {known[-1]}:
        from adapters.registry.upgrade import run_migrations  # noqa: PLC0415 - most starts need none

        run_migrations(connection, VERSION_TABLE, destination)


def _read_revisions(connection: Connection) -> Set[str]:
    """Return the revision of the tables, nothing if there are none yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return frozenset()
    rows = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return frozenset(rows.scalars())
