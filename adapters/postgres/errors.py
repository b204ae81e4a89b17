"""The driver's errors in our words: one table, at the adapter's edge."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

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


class Raced(ProviderBusy):
    """Somebody made or changed the same thing at the same moment: look again."""


LOGIN_REFUSED = "The PostgreSQL server refuses the login; check user and password."

UNPROVEN = (
    "The PostgreSQL server does not prove that it is the one that is meant: its certificate is for "
    "another host, or of an authority that is not trusted. Check the host, and sslrootcert or the "
    "authorities that the system trusts."
)

LACKS_PRIVILEGE = "The admin lacks a privilege: ALTER ROLE <admin> CREATEDB CREATEROLE INHERIT."

_LOST = ("08", "57P01", "57P02", "57P04", "57P05")  # the session is gone, and the answer with it

_RACE_WORDS = ("tuple concurrently", "could not find tuple", "cache lookup failed")
"""What XX000, the server's "this cannot happen", says when two sessions change one catalog row."""

_CONTROL_PLANE_WORDS = ("control plane", "curl request")
"""What XX000 says on Neon, where every change of a role or database is told to its control plane,
which may refuse it, as it refuses requests of its API."""

_TABLE: Mapping[str, tuple[type[PgvendError], str]] = {
    # SQLSTATE, or the first two characters of it: the longest that fits counts
    "23505": (Raced, "Another session made the same name at the same moment."),
    "42710": (Raced, "Another session made the same role at the same moment."),
    "42P04": (Raced, "Another session made the same database at the same moment."),
    "40": (Raced, "Another session changed the same thing at the same moment."),
    "XX000": (Raced, "Another session changed the same thing at the same moment."),
    "53100": (ProviderFull, "The PostgreSQL server's disk is full."),
    "53": (ProviderBusy, "The PostgreSQL server is out of connections or memory for now."),
    "55000": (ProviderBusy, "The database takes no logins for now."),
    "55006": (ProviderBusy, "The database is in use by another session."),
    "55P03": (ProviderBusy, "Another session works on the same database."),
    "57014": (ProviderBusy, "The PostgreSQL server took too long and stopped the statement."),
    "57P03": (ProviderBusy, "The PostgreSQL server is starting or stopping."),
    "28P01": (PasswordRefused, LOGIN_REFUSED),
    "28": (ProviderRejected, LOGIN_REFUSED),
    "3D000": (ProviderRejected, "The database to log in to does not exist on the server."),
    "42501": (
        ProviderRejected,
        LACKS_PRIVILEGE,
    ),
    "25006": (ProviderRejected, "The PostgreSQL server is read-only; name its primary."),
}


FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What the driver raises when the server refuses or cannot be reached."""


@contextmanager
def translated(lost: type[ProviderBusy | OutcomeUnknown]) -> Iterator[None]:
    """Turn what asyncpg raises into our errors, the driver's kept as `__cause__` only.

    `lost` is what a broken connection or a timeout means here: ProviderBusy while nothing has
    been asked for, OutcomeUnknown afterwards.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _translation(error, lost) from error
    except ClientConfigurationError:  # its text quotes the DSN
        raise ProviderRejected("The PostgreSQL server's URL says what no driver reads.") from None
    except ssl.SSLCertVerificationError as error:
        raise lost(UNPROVEN) from error
    except FAILURES as error:
        raise lost("The connection to the PostgreSQL server failed or timed out.") from error


def _translation(error: asyncpg.PostgresError, lost: type[PgvendError]) -> PgvendError:
    state = error.sqlstate or ""
    if state.startswith(_LOST):
        return lost("The connection to the PostgreSQL server broke.")
    if state == "XX000" and any(words in str(error) for words in _CONTROL_PLANE_WORDS):
        return _of_control_plane(str(error), lost)
    if state == "XX000" and not any(words in str(error) for words in _RACE_WORDS):
        return _unknown(state)
    kind, message = _TABLE.get(state) or _TABLE.get(state[:2]) or (None, "")
    return kind(message) if kind else _unknown(state)


def _of_control_plane(text: str, lost: type[PgvendError]) -> PgvendError:
    if "limit" in text and "code 429" not in text:
        return ProviderFull("The Neon project or account is at one of its limits.")
    return lost("Neon's control plane did not take the change.")


def _unknown(state: str) -> ProviderRejected:
    return ProviderRejected(f"The PostgreSQL server refuses (SQLSTATE {state or 'unknown'}).")
