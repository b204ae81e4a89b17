"""Databases by their handles: nickname, database name or id."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from entrypoints.cli.client import get_member, list_all, send_request
from entrypoints.cli.errors import ExitStatus, RequestError

Database = Mapping[str, Any]
"""The record of a database, as the service answers it."""


def find_database(handle: str, *, measure: bool = False) -> Database:
    """Return the record of the database with that id, database name or nickname, the first of these
    that matches; with its size, if it is to be measured and can be. Raises RequestError, for
    several matches too."""
    if handle in {"", ".", ".."}:  # which would change the path
        raise RequestError(f"There is no database {handle!r}.", ExitStatus.NOT_FOUND)
    query = [("size", "true")] if measure else []
    database: Database = send_request("GET", "databases", handle, query=query)
    get_member(database, "id")
    return database


def find_id(handle: str) -> str:
    """Return the id of that database. Raises RequestError."""
    return str(find_database(handle)["id"])


def list_databases(filters: Sequence[tuple[str, str]] = ()) -> Iterator[Database]:
    """Yield the databases, the newest first; deleted and failed ones only if a filter asks for
    their state. Raises RequestError."""
    for database in list_all("databases", "databases", filters):
        get_member(database, "id")
        yield database
