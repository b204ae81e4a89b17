"""The context of a check, and its execution."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

import asyncpg

from adapters.postgres.marks import Marks
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.doctor import Outcome, Verdict
from domain.errors import PgvendError
from ports.driven.clock import Clock

CHECK_TIMEOUT = 10.0
"""Seconds that one check may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalState:
    """Facts that pgvend knows without the server: the name of this installation, None before it has
    one, and the ids of the live records."""

    installation: str | None = None
    record_ids: Collection[str] = ()

    def has_mark(self, mark: str) -> bool:
        """Return whether this installation wrote the mark."""
        if self.installation is None:
            return False
        return Marks(self.installation).id_from_mark(mark) is not None


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """A server, and facts that pgvend knows without it. `has_superuser` is false if the operator
    cannot use a superuser (Neon): the fixes are then for the admin."""

    server: Server
    local_state: LocalState
    clock: Clock
    has_superuser: bool = True


CheckFunction = Callable[[Session, CheckContext], Awaitable[Outcome]]

CheckFunctions = Mapping[str, CheckFunction]
"""Check functions by the names of their checks."""


async def fetch_row(session: Session, query: str, *values: object) -> asyncpg.Record:
    """Return the row of a query that always returns exactly one."""
    [row] = await session.fetch(query, *values)
    return row


async def run_check_function(
    check_function: CheckFunction, session: Session, context: CheckContext
) -> Outcome:
    """Run one check in a read-only transaction of its own. An error does not prevent the next
    check."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT), session.transaction(readonly=True):
            return await check_function(session, context)
    except asyncpg.InsufficientPrivilegeError:
        return Outcome(Verdict.UNKNOWN, "The admin lacks a privilege that this check needs.")
    except PgvendError as error:
        return Outcome(Verdict.UNKNOWN, str(error))
    except Exception as error:
        return Outcome(Verdict.UNKNOWN, f"The check failed ({type(error).__name__}).")
