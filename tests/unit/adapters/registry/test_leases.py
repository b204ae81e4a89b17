"""Leases on a PostgreSQL server: which of them are released."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from adapters.registry.leases import PostgresLeases
from adapters.registry.postgres import Session
from domain.errors import Unavailable


@dataclass
class FakeSession:
    """Answers each attempt to take a lock with `answer`, or raises it."""

    answer: bool | Exception
    statements: list[str] = field(default_factory=list)

    async def fetchval(self, statement: str, _: int) -> Any:
        self.statements.append(statement)
        if isinstance(self.answer, Exception) and "try" in statement:
            raise self.answer
        return self.answer

    def is_closed(self) -> bool:
        return False

    async def close(self) -> None:
        pass

    @property
    def releases(self) -> int:
        return sum("unlock" in statement for statement in self.statements)


def create_leases(session: FakeSession) -> PostgresLeases:
    async def connect() -> Session:
        return cast("Session", session)

    return PostgresLeases(connect)


@pytest.mark.parametrize("is_free", [True, False])
async def test_only_a_lease_that_was_acquired_is_released(is_free: bool) -> None:
    """The server logs a warning for a lock that the session does not hold."""
    session = FakeSession(is_free)
    async with create_leases(session).acquire("work") as is_acquired:
        assert is_acquired == is_free
    assert session.releases == is_free


async def test_a_lease_whose_answer_was_lost_is_released() -> None:
    session = FakeSession(TimeoutError())
    with pytest.raises(Unavailable):
        async with create_leases(session).acquire("work"):
            pass
    assert session.releases == 1
