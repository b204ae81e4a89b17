"""Translation of the errors of SQLAlchemy and the drivers, in one table."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from domain.errors import NameTaken, RequestAlreadyRecorded, StartupError, Unavailable

DRIVER_ERRORS = (
    DBAPIError,
    PoolTimeoutError,  # in the pool
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # includes TimeoutError
)
"""The errors raised when the database refuses a statement or cannot be reached."""

INTEGRITY_ERRORS = (IntegrityError, sqlite3.IntegrityError)
"""The errors raised when another record conflicts."""

_MESSAGES: Mapping[str, str] = {
    # SQLite's name of the error, or the SQLSTATE; the longest matching prefix applies
    "SQLITE_BUSY": "The registry's file is locked by another program.",
    "SQLITE_CORRUPT": "The registry's file is damaged.",
    "SQLITE_FULL": "The registry's disk is full.",
    "SQLITE_IOERR": "The registry's disk fails or is full.",
    "SQLITE_NOTADB": "The registry's file is damaged or is not a registry.",
    "SQLITE_READONLY": "The registry's file is not writable.",
    "25006": "The registry's PostgreSQL server is read-only.",
    "28": "The registry's PostgreSQL server refuses the login.",
    "3D000": "The registry's PostgreSQL server has no such database.",
    "42501": "The registry's PostgreSQL login lacks a privilege.",
    "42P07": "The registry's PostgreSQL database has a table named databases that is not pgvend's.",
    "53100": "The registry's PostgreSQL server has no free disk space.",
    "53": "The registry's PostgreSQL server is out of connections or memory.",
}

_DEFAULT_MESSAGE = "The registry cannot be reached or does not answer in time."


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate the errors of a statement: to RequestAlreadyRecorded or NameTaken where another
    record conflicts, and to Unavailable otherwise. The new error contains neither the statement nor
    its values.
    """
    try:
        yield
    except INTEGRITY_ERRORS as error:
        raise (RequestAlreadyRecorded if _concerns_request(error) else NameTaken) from None
    except DRIVER_ERRORS as error:
        raise Unavailable(error_message(error)) from _driver_error(error)


@contextmanager
def startup_errors(fix: str) -> Iterator[None]:
    """Translate the errors of opening the registry to a StartupError that ends with `fix`.

    The error has no cause: the message of an invalid URL often quotes it, including the password.
    """
    try:
        yield
    except (*DRIVER_ERRORS, ValueError) as error:
        raise StartupError(f"{error_message(error)} {fix}") from None


def error_message(error: Exception) -> str:
    """Return the message for an error of a driver."""
    driver = _driver_error(error)
    kind = getattr(driver, "sqlite_errorname", None) or getattr(driver, "sqlstate", None) or ""
    prefixes = [prefix for prefix in _MESSAGES if kind.startswith(prefix)]
    return _MESSAGES[max(prefixes, key=len)] if prefixes else _DEFAULT_MESSAGE


def _concerns_request(error: Exception) -> bool:
    """Return whether the idempotency key conflicts. PostgreSQL names the index and SQLite the
    columns; neither text contains a value."""
    driver = _driver_error(error)
    return "request_key" in (getattr(driver, "constraint_name", None) or str(driver))


def _driver_error(error: BaseException) -> BaseException:
    """Return the driver's own error; SQLAlchemy's errors quote the statement."""
    original = error.orig if isinstance(error, DBAPIError) else None
    return (original and original.__cause__) or original or error
