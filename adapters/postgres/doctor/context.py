"""The context of a check, and how a check runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import asyncpg

from adapters.postgres.doctor.marks import LocalState
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.doctor import Outcome, Verdict
from domain.errors import PgvendError
from ports.driven.clock import Clock

CHECK_TIMEOUT = 10.0
"""Seconds that one check may take."""


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


async def fetch_row(session: Session, query: str, *values: object) -> asyncpg.Record:
    """Return the row of a query that always returns exactly one."""
    [found] = await session.fetch(query, *values)
    return found


async def run_check_function(
    question: CheckFunction, session: Session, context: CheckContext
) -> Outcome:
    """Run one check in a read-only transaction of its own. An error does not prevent the next
    check."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT), session.transaction(readonly=True):
            return await question(session, context)
    except asyncpg.InsufficientPrivilegeError:
        return Outcome(Verdict.UNKNOWN, "The admin lacks the privilege for this check.")
    except PgvendError as error:
        return Outcome(Verdict.UNKNOWN, str(error))
    except Exception as error:
        return Outcome(Verdict.UNKNOWN, f"The check failed ({type(error).__name__}).")
