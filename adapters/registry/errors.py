"""What SQLAlchemy and the drivers raise, in our words: one table, at the adapter's edge."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoPlaceError

from domain.errors import NameTaken, RequestKnown, StartupError, Unavailable

FAILURES = (
    DBAPIError,
    NoPlaceError,  # in the pool
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # and with it TimeoutError
)
"""What is raised when the database refuses or cannot be reached."""

_TABLE: Mapping[str, str] = {
    # how SQLite calls the error, or SQLSTATE: the longest beginning that fits counts
    "SQLITE_BUSY": "The registry's file is locked by another program.",
    "SQLITE_CORRUPT": "The registry's file is damaged.",
    "SQLITE_FULL": "The registry's disk is full.",
    "SQLITE_IOERR": "The registry's disk fails, or is full.",
    "SQLITE_NOTADB": "The registry's file is damaged, or was never a registry.",
    "SQLITE_READONLY": "The registry's file may not be written to.",
    "25006": "The registry's PostgreSQL server is read-only.",
    "28": "The registry's PostgreSQL server refuses the login.",
    "3D000": "The registry's PostgreSQL server has no such database.",
    "42501": "The registry's PostgreSQL login lacks a privilege.",
    "42P07": "The registry's PostgreSQL database has a table named databases that is no registry.",
    "53100": "The registry's PostgreSQL server has no room left on its disk.",
    "53": "The registry's PostgreSQL server is out of connections or memory for now.",
}

_UNKNOWN = "The registry cannot be reached, or does not answer in time."


@contextmanager
def translated() -> Iterator[None]:
    """Turn what keeps a statement from being done into our errors: Unavailable, or RequestKnown or
    NameTaken for what is in a record's way. Neither the statement nor its values become part of it.
    """
    try:
        yield
    except IntegrityError as error:
        raise (RequestKnown if _is_about_request(error) else NameTaken) from None
    except FAILURES as error:
        raise Unavailable(reason(error)) from _of_driver(error)


@contextmanager
def told(mend: str) -> Iterator[None]:
    """Whatever keeps the registry from being opened is a StartupError that ends with the `mend`.

    Its cause is left out: what cannot be made of a URL is often quoted in it, password and all.
    """
    try:
        yield
    except (*FAILURES, ValueError) as error:
        raise StartupError(f"{reason(error)} {mend}") from None


def reason(error: Exception) -> str:
    driver = _of_driver(error)
    kind = getattr(driver, "sqlite_errorname", None) or getattr(driver, "sqlstate", None) or ""
    fitting = [beginning for beginning in _TABLE if kind.startswith(beginning)]
    return _TABLE[max(fitting, key=len)] if fitting else _UNKNOWN


def _is_about_request(error: IntegrityError) -> bool:
    """PostgreSQL names the index and SQLite the columns; neither text holds a value."""
    driver = _of_driver(error)
    return "request_key" in (getattr(driver, "constraint_name", None) or str(driver))


def _of_driver(error: BaseException) -> BaseException:
    """The driver's own error; SQLAlchemy's quote the statement."""
    original = error.orig if isinstance(error, DBAPIError) else None
    return (original and original.__cause__) or original or error
