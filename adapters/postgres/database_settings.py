"""Settings that a tenant gave its database and its role (ALTER DATABASE ... SET)."""

import re
from collections.abc import Iterator
from contextlib import suppress

import asyncpg

from adapters.postgres.quoting import quote_identifier, quote_literal
from adapters.postgres.sessions import Session

NAMED = tuple[str, str]
"""The names of a role and of its database."""

LISTS = frozenset({"local_preload_libraries", "search_path", "temp_tablespaces"})
"""Settings that are lists of names, each of which may be quoted. A tenant may set no other one."""

OWN = frozenset({"role", "session_authorization"})
"""Settings that name the source's role."""

SIZE_LIMIT = "default_transaction_read_only"
"""The setting of the role in the database by which pgvend itself limits its size."""

_SETTINGS = """
SELECT setdatabase <> 0 AS of_database, setrole <> 0 AS of_role,
       split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS entry
WHERE setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = $1))
  AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = $2))
  AND (setrole <> 0 OR setdatabase <> 0)
"""

_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(?:,|$)')

_REFUSALS = (
    asyncpg.SyntaxOrAccessError,  # an operator's setting, or an unknown one
    asyncpg.DataError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)


async def copy_settings(session: Session, source: NAMED, copy: NAMED) -> None:
    """Copy the settings of the source, as far as the copy's owner may set them itself. `session` is
    not in a tenant's database, and its user is a member of the copy's owner."""
    for row in await session.fetch(_SETTINGS, *source):
        if not _belongs_to_source(row):
            with suppress(*_REFUSALS):
                await session.execute(_build_statement(row, copy))


def _belongs_to_source(row: asyncpg.Record) -> bool:
    is_limit = row["name"] == SIZE_LIMIT and row["of_role"] and row["of_database"]
    return row["name"] in OWN or is_limit


def _build_statement(row: asyncpg.Record, copy: NAMED) -> str:
    """Return a transaction that sets the setting as the copy's owner."""
    role, database = map(quote_identifier, copy)
    place = f"DATABASE {database}"
    if row["of_role"]:
        place = f"ROLE {role}{f' IN {place}' if row['of_database'] else ''}"
    values = split_names(row["value"]) if row["name"] in LISTS else [row["value"]]
    literals = ", ".join(map(quote_literal, values))
    statement = f"ALTER {place} SET {quote_identifier(row['name'])} TO {literals}"
    return f"SET LOCAL ROLE {role}; {statement}"


def split_names(text: str) -> Iterator[str]:
    """Yield the names in a list as PostgreSQL reads them: unquoted ones in lower case. A tenant can
    store any text, which must never become a part of a statement."""
    for match in _ELEMENT.finditer(text):
        quoted, bare = match.groups()
        yield bare.lower() if quoted is None else quoted.replace('""', '"')
