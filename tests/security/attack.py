"""An attack, and common ways to run one."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from adapters.postgres.errors import FAILURES
from tests.security.outcome import Kind, Outcome
from tests.security.stage import Refused, Stage

Attempt = Callable[[Stage], Awaitable[Outcome]]
ExpectedOutcomes = Mapping[str, Outcome]

NOTHING: ExpectedOutcomes = {}

MISSING_EXTENSION_ERRORS = (
    asyncpg.FeatureNotSupportedError,  # the extension is not installed on the server
    asyncpg.UndefinedFileError,  # the same, before PostgreSQL 16
)


@dataclass(frozen=True)
class Attack:
    """An action that B tries. It is expected to be stopped, unless `expected` has another outcome
    for the mode, or for the mode and version. `crosses_tenants` marks attacks that would break the
    isolation of tenants: they reach A or its data."""

    title: str
    attempt: Attempt = field(repr=False)
    expected: ExpectedOutcomes = field(default_factory=dict, hash=False)
    crosses_tenants: bool = False

    def __str__(self) -> str:
        return self.title

    def expected_outcome(self, kind: Kind) -> Outcome:
        return self.expected.get(str(kind)) or self.expected.get(kind.mode) or Outcome.STOPPED

    async def __call__(self, stage: Stage) -> Outcome:
        """Run the attack. Raises every error that is not a refusal."""
        if stage.kind.is_neon and self.expected_outcome(stage.kind) is Outcome.UNTRIED:
            return Outcome.UNTRIED  # an emulator's outcome proves nothing
        try:
            return await self.attempt(stage)
        except Refused:
            return Outcome.STOPPED
        except MISSING_EXTENSION_ERRORS as error:
            # ALTER SYSTEM raises the same error if it is disabled
            return Outcome.UNTRIED if "extension" in str(error) else Outcome.STOPPED


def create_attacks(
    create_attempt: Callable[[str], Attempt],
    attempts: Mapping[str, str],
    expected: ExpectedOutcomes = NOTHING,
    *,
    crosses_tenants: bool = False,
) -> tuple[Attack, ...]:
    """Create attacks that run in the same way with the same outcome, from titles and statements."""
    return tuple(
        Attack(title, create_attempt(statement), expected, crosses_tenants=crosses_tenants)
        for title, statement in attempts.items()
    )


def in_own_database(statements: str) -> Attempt:
    """Run the statements in B's own database, in a transaction that is rolled back."""

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_b() as session:
            await _run_and_roll_back(session, stage, statements)
        return stage.success

    return attempt


def on_own_objects(statements: str) -> Attempt:
    """Run the statements in B's own database, where they affect only B's own objects."""

    async def attempt(stage: Stage) -> Outcome:
        await in_own_database(statements)(stage)
        return Outcome.OWN

    return attempt


def outside_transaction(statement: str, undo: str = "") -> Attempt:
    """Run a statement that cannot run in a transaction, and undo it."""

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_b() as session:
            await session.execute(stage.fill_names(statement))
            await session.execute(stage.fill_names(undo))
        return stage.success

    return attempt


def in_neighbours_database(statements: str) -> Attempt:
    """Run the statements in A's database, if B can log in to it, and roll back."""

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_b_in_a() as session:
            await _run_and_roll_back(session, stage, statements)
        return Outcome.POSSIBLE

    return attempt


def in_open_database(statements: str, success: Outcome = Outcome.POSSIBLE) -> Attempt:
    """Run the statements in A's database after A has granted everybody CONNECT."""
    to_all = "CONNECT ON DATABASE {a_database}"

    async def attempt(stage: Stage) -> Outcome:
        async with stage.as_a() as owner:
            await owner.execute(stage.fill_names(f"GRANT {to_all} TO PUBLIC"))
            try:
                await in_neighbours_database(statements)(stage)
                return success
            finally:
                await owner.execute(stage.fill_names(f"REVOKE {to_all} FROM PUBLIC"))

    return attempt


def log_in_with(**login: str) -> Attempt:
    """Log in with B's connection, changed by `login`."""

    async def attempt(stage: Stage) -> Outcome:
        changes = {
            name: value.format(
                a=stage.a.user, admin=stage.admin, admin_database=stage.admin_database
            )
            for name, value in login.items()
        }
        async with stage.as_b(**changes):
            return stage.success

    return attempt


def log_in_to(database: str) -> Attempt:
    return log_in_with(database=database)


async def try_statement(session: asyncpg.Connection, statement: str) -> None:
    """Run the statement; an error is not a result, because the guard may end the session."""
    with suppress(*FAILURES):
        await session.execute(statement)


async def _run_and_roll_back(session: asyncpg.Connection, stage: Stage, statements: str) -> None:
    transaction = session.transaction()
    await transaction.start()
    await session.execute(stage.fill_names(statements))
    await transaction.rollback()
