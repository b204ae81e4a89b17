"""An attack, and common ways to run one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import asyncpg

from tests.security.outcome import Kind, Outcome
from tests.security.stage import Stage, Stopped

Attempt = Callable[[Stage], Awaitable[Outcome]]
Promise = Mapping[str, Outcome]

NOTHING: Promise = {}

ABSENCES = (
    asyncpg.FeatureNotSupportedError,  # the extension is not installed on the server
    asyncpg.UndefinedFileError,  # the same, before PostgreSQL 16
)


@dataclass(frozen=True)
class Attack:
    """An action that B tries, with its expected outcome: stopped, unless `promised` has another one
    for the mode, or for the mode and version. `crosses` marks attacks that would break the
    isolation of tenants: they reach A or its data."""

    title: str
    attempt: Attempt = field(repr=False)
    promised: Promise = field(default_factory=dict, hash=False)
    crosses: bool = False

    def __str__(self) -> str:
        return self.title

    def promise(self, kind: Kind) -> Outcome:
        return self.promised.get(str(kind)) or self.promised.get(kind.mode) or Outcome.STOPPED

    async def __call__(self, stage: Stage) -> Outcome:
        """Run the attack. Raises every error that is not a refusal."""
        if stage.kind.is_neon and self.promise(stage.kind) is Outcome.UNTRIED:
            return Outcome.UNTRIED  # an emulator's outcome proves nothing
        try:
            return await self.attempt(stage)
        except Stopped:
            return Outcome.STOPPED
        except ABSENCES as error:  # ALTER SYSTEM raises the same code if it is disabled
            return Outcome.UNTRIED if "extension" in str(error) else Outcome.STOPPED


def attacks(
    way: Callable[[str], Attempt],
    tried: Mapping[str, str],
    promised: Promise = NOTHING,
    *,
    crosses: bool = False,
) -> tuple[Attack, ...]:
    """Return attacks that run in the same way with the same outcome, from titles and statements."""
    return tuple(
        Attack(title, way(text), promised, crosses=crosses) for title, text in tried.items()
    )


def in_own(statements: str) -> Attempt:
    """Run the statements in B's own database, in a transaction that is rolled back."""

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_b() as session:
            await _run(session, stage, statements)
        return stage.happened

    return attempt


def of_own(statements: str) -> Attempt:
    """Run the statements in B's own database, where they affect only B's own objects."""

    async def attempt(stage: Stage) -> Outcome:
        await in_own(statements)(stage)
        return Outcome.OWN

    return attempt


def at_once(statement: str, undo: str = "") -> Attempt:
    """Run a statement that cannot run in a transaction, and undo it."""

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_b() as session:
            await session.execute(stage.filled(statement))
            await session.execute(stage.filled(undo))
        return stage.happened

    return attempt


def at_neighbours(statements: str) -> Attempt:
    """Run the statements in A's database, if B can log in to it, and roll back."""

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_guest() as session:
            await _run(session, stage, statements)
        return Outcome.POSSIBLE

    return attempt


def invited(statements: str, happened: Outcome = Outcome.POSSIBLE) -> Attempt:
    """Run the statements in A's database after A has granted everybody CONNECT."""
    to_all = "CONNECT ON DATABASE {a_database}"

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_a() as owner:
            await owner.execute(stage.filled(f"GRANT {to_all} TO PUBLIC"))
            try:
                await at_neighbours(statements)(stage)
                return happened
            finally:
                await owner.execute(stage.filled(f"REVOKE {to_all} FROM PUBLIC"))

    return attempt


def logs_in(**login: str) -> Attempt:
    """Log in with B's connection, changed by `login`."""

    async def attempt(stage: Stage) -> Outcome:
        changes = {
            name: value.format(a=stage.a.user, admin=stage.admin, hall=stage.hall)
            for name, value in login.items()
        }
        async with stage.as_b(**changes):
            return stage.happened

    return attempt


def into(database: str) -> Attempt:
    return logs_in(database=database)


async def _run(session: asyncpg.Connection, stage: Stage, statements: str) -> None:
    transaction = session.transaction()
    await transaction.start()
    await session.execute(stage.filled(statements))
    await transaction.rollback()
