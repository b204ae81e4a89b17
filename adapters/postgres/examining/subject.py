"""What is examined, and how it is asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import asyncpg

from adapters.postgres.examining.marks import Known
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.checkup import Outcome, Verdict
from domain.errors import PgvendError
from ports.driven.clock import Clock

QUESTION_TIMEOUT = 10.0
"""Seconds for the answer to one question."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A server, and what we know ourselves. `has_superuser` is off where the operator has none to
    ask (Neon): the admin mends what it can."""

    server: Server
    known: Known
    clock: Clock
    has_superuser: bool = True


Question = Callable[[Session, Subject], Awaitable[Outcome]]

Questions = Mapping[str, Question]


async def row(session: Session, query: str, *values: object) -> asyncpg.Record:
    """The one row of a query that always has one."""
    [found] = await session.fetch(query, *values)
    return found


async def answer(question: Question, session: Session, subject: Subject) -> Outcome:
    """In a transaction of its own that could change nothing. No failure hides the next question."""
    try:
        async with asyncio.timeout(QUESTION_TIMEOUT), session.transaction(readonly=True):
            return await question(session, subject)
    except asyncpg.InsufficientPrivilegeError:
        return Outcome(Verdict.UNKNOWN, "The admin may not look at that.")
    except PgvendError as error:
        return Outcome(Verdict.UNKNOWN, str(error))
    except Exception as error:
        return Outcome(Verdict.UNKNOWN, f"The server did not say ({type(error).__name__}).")
