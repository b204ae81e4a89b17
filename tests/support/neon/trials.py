"""What comes of a cell of the fault matrix: the whole use case, and what is there afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.database import Database
from domain.errors import PgvendError
from domain.states import State
from domain.target import Isolation
from entrypoints.neon_emulator.faults import Fault, How
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.neon.checks import works
from tests.support.neon.fault_matrix import Cell
from tests.support.neon.service import Watched
from tests.support.neon.street import Street, opened_street
from tests.support.orders import unique_name

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds of a clock that hurries: enough for what happens now and then, not for ever."""

LIMIT = 60.0
"""Real seconds after which a cell counts as hanging."""

WORKS = "works"
PROMISED = " †"
"""After an error: something was left, and the record promises to drop it."""

SECRETS = ("npg_", "napi_")
"""How the passwords begin that the emulator makes, and its key."""


Results = Mapping[Cell, str | Exception]


async def results_of(cells: Sequence[Cell]) -> Results:
    """By two streets at once: much of a cell's time is spent waiting."""
    left, results = iter(cells), dict[Cell, str | Exception]()
    async with asyncio.TaskGroup() as walks:
        for _ in range(2):
            walks.create_task(_walk(left, results))
    return results


async def _walk(left: Iterator[Cell], results: dict[Cell, str | Exception]) -> None:
    """From street to street: one is left behind when a cell has not left it as it was."""
    for cell in left:
        async with opened_street() as street:
            await _live_in(street, chain([cell], left), results)


async def _live_in(
    street: Street, cells: Iterable[Cell], results: dict[Cell, str | Exception]
) -> None:
    for cell in cells:
        try:
            async with asyncio.timeout(LIMIT):
                results[cell] = await result_of(cell, street)
        except Exception as error:  # the cell's own test tells of it
            results[cell] = error
            return


async def result_of(cell: Cell, street: Street) -> str:
    """What the caller gets. Raises AssertionError where anything is not as promised."""
    trial = trial_of(street, cell.call.isolation, [cell.trouble.fault(cell.call.route)])
    asked = {"vend": trial.vend, "rotate": trial.rotate, "delete": trial.delete}
    return await asked[cell.call.asked]()


def trial_of(street: Street, isolation: Isolation, faults: Sequence[Fault]) -> "Trial":
    bare = street.patient[isolation]
    return Trial(street, faults, Watched(isolation, bare, street.clock, patience=PATIENCE))


@dataclass(frozen=True)
class Trial:
    """A call that suffers faults, on a street that is left as it was."""

    street: Street
    faults: Sequence[Fault]
    service: Watched

    async def vend(self) -> str:
        outcome = await self._suffered(lambda service: service.vend()(_request()))
        record = await self.service.record()
        if isinstance(outcome, Vended):
            assert record.state is State.READY, record.state
            await self._assert_there(record, outcome.connection)
        else:
            assert record.state in {State.FAILED, State.DELETING}, record.state
        return await self._told(outcome, record)

    async def rotate(self) -> str:
        vended = await self.service.vend()(_request())
        order = await self.service.order()
        outcome = await self._suffered(lambda service: service.provider.rotate(order))
        if isinstance(outcome, PgvendError):
            asked_again = await self.service.provider.rotate(order)
            await self._assert_there(vended.database, asked_again)
        else:
            await self._assert_there(vended.database, outcome)
            assert not await works(vended.connection), "the old password works"
        return await self._told(outcome, vended.database)

    async def delete(self) -> str:
        vended = await self.service.vend()(_request())
        outcome = await self._suffered(lambda service: service.delete(vended.database))
        record = await self.service.record()
        is_promised = isinstance(outcome, PgvendError)
        assert record.state is (State.DELETING if is_promised else State.DELETED), record.state
        return await self._told(outcome, record)

    async def _suffered(self, call: Callable[[Watched], Awaitable[T]]) -> T | PgvendError:
        """What `call` comes to under the faults: an error of ours, or what it is to bring."""
        service = self.service
        if any(fault.how is How.HANG for fault in self.faults):
            service = replace(service, bare=self.street.hasty[service.isolation])
        faults = self.street.neon.emulator.faults
        for fault in self.faults:
            faults.add(fault)
        try:
            return await call(service)
        except PgvendError as error:
            return error
        finally:
            faults.clear()

    async def _assert_there(self, database: Database, connection: Connection) -> None:
        """That one database more, once, and a login to it."""
        await PostgresLoginCheck().verify(connection)
        assert await self.street.sight() == self.street.before.with_database(database)

    async def _told(self, outcome: object, record: Database) -> str:
        """The result, after all of it is gone again: what failed, by itself or by its promise."""
        error = outcome if isinstance(outcome, PgvendError) else None
        said = self.service.said(error)
        assert not any(secret in said for secret in SECRETS), said
        if not record.is_gone:
            await self.service.delete(record)
        assert await self.street.sight() == self.street.before
        if error is None:
            return WORKS
        return f"`{error.code}`{PROMISED if record.state is State.DELETING else ''}"


def _request() -> VendRequest:
    return VendRequest(nickname=unique_name())
