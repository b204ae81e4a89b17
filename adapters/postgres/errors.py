"""Translation of the driver's errors into domain errors, by one table."""

import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

import asyncpg
from asyncpg.exceptions import ClientConfigurationError

from domain.errors import (
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderFull,
    ProviderRejected,
)
from ports.driven.login_check import PasswordRefused

T = TypeVar("T")

MAX_ATTEMPTS = 5
"""The maximum number of attempts of one call after concurrent changes."""


class ConcurrentChange(ProviderBusy):
    """Another session created or changed the same object at the same time. A repeated call inspects
    the object again."""


LOGIN_REFUSED = "The PostgreSQL server refuses the login: check the user and the password."

SERVER_NOT_VERIFIED = (
    "The PostgreSQL server's certificate cannot be verified: it is for another host, or its "
    "authority is not trusted. Check the host, and sslrootcert or the authorities that the "
    "system trusts."
)

LACKS_PRIVILEGE = (
    "The admin lacks a privilege: have a superuser run "
    "ALTER ROLE <admin> CREATEDB CREATEROLE INHERIT;"
)

_LOST_SESSION = ("08", "57P01", "57P02", "57P04", "57P05")
"""SQLSTATEs, or their first two characters, of a session that ended before its answer arrived."""

_REFUSED_BY_PGBOUNCER = {"SASL authentication failed", "no such user"}
"""Texts of 08P01 (a protocol violation) by which PgBouncer refuses a login."""

_RACE_WORDS = ("tuple concurrently", "could not find tuple", "cache lookup failed")
"""Texts of XX000 (an internal error) after two sessions changed the same catalog row."""

_CONTROL_PLANE_WORDS = ("control plane", "curl request")
"""Texts of XX000 on Neon. Neon reports every change of a role or database to its control plane,
which may refuse it, as it may refuse requests to its API."""

_TABLE: Mapping[str, tuple[type[PgvendError], str]] = {
    # SQLSTATE or its first two characters; the longest match is used
    "23505": (ConcurrentChange, "Another session created the same name at the same time."),
    "42710": (ConcurrentChange, "Another session created the same role at the same time."),
    "42P04": (ConcurrentChange, "Another session created the same database at the same time."),
    "40": (ConcurrentChange, "Another session changed the same object at the same time."),
    "XX000": (ConcurrentChange, "Another session changed the same object at the same time."),
    "53100": (ProviderFull, "The PostgreSQL server's disk is full."),
    "53": (ProviderBusy, "The PostgreSQL server is out of connections or memory for now."),
    "55000": (ProviderBusy, "The database accepts no logins for now."),
    "55006": (ProviderBusy, "The database is in use by another session."),
    "55P03": (ProviderBusy, "Another session is changing the same database."),
    "57014": (ProviderBusy, "The PostgreSQL server took too long and stopped the statement."),
    "57P03": (ProviderBusy, "The PostgreSQL server is starting or stopping."),
    "28P01": (PasswordRefused, LOGIN_REFUSED),
    "28": (ProviderRejected, LOGIN_REFUSED),
    "3D000": (ProviderRejected, "The database to log in to does not exist on the server."),
    "42501": (ProviderRejected, LACKS_PRIVILEGE),
    "25006": (ProviderRejected, "The PostgreSQL server is read-only: set the DSN to its primary."),
}


FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Errors that the driver raises when the server refuses a request or cannot be reached."""


@contextmanager
def translate_errors(lost: type[ProviderBusy | OutcomeUnknown]) -> Iterator[None]:
    """Translate asyncpg's errors into domain errors; the driver's error stays as `__cause__` only.

    `lost` is the error for a broken connection or a timeout: ProviderBusy if nothing has been
    requested yet, OutcomeUnknown afterwards.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _translate(error, lost) from error
    except ClientConfigurationError:  # its text quotes the DSN
        raise ProviderRejected(
            "The PostgreSQL server's URL is invalid: the driver cannot read it."
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise lost(SERVER_NOT_VERIFIED) from error
    except FAILURES as error:
        raise lost("The connection to the PostgreSQL server failed or timed out.") from error


def _translate(error: asyncpg.PostgresError, lost: type[PgvendError]) -> PgvendError:
    state = error.sqlstate or ""
    if state == "08P01" and str(error) in _REFUSED_BY_PGBOUNCER:
        return PasswordRefused(LOGIN_REFUSED)
    if state.startswith(_LOST_SESSION):
        return lost("The connection to the PostgreSQL server broke.")
    if state == "XX000" and any(words in str(error) for words in _CONTROL_PLANE_WORDS):
        return _translate_control_plane(str(error), lost)
    if state == "XX000" and not any(words in str(error) for words in _RACE_WORDS):
        return _create_unknown_error(state)
    error_type, message = _TABLE.get(state) or _TABLE.get(state[:2]) or (None, "")
    return error_type(message) if error_type else _create_unknown_error(state)


def _translate_control_plane(text: str, lost: type[PgvendError]) -> PgvendError:
    if "limit" in text and "code 429" not in text:
        return ProviderFull("The Neon project or account is at one of its limits.")
    return lost("Neon's control plane did not accept the change.")


def _create_unknown_error(state: str) -> ProviderRejected:
    return ProviderRejected(
        f"The PostgreSQL server refuses the request (SQLSTATE {state or 'unknown'})."
    )


async def retry_races(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat the call after concurrent changes, up to MAX_ATTEMPTS times in all."""
    for _ in range(MAX_ATTEMPTS - 1):
        with suppress(ConcurrentChange):
            return await call()
    return await call()
