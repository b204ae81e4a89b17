"""Trials of the fault matrix: run the whole use case and check the account afterwards."""

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
from domain.targets import Isolation
from entrypoints.neon_emulator.state.faults import Fault, How
from ports.use_cases.create_database import VendRequest
from ports.use_cases.provisioned_database import Vended
from tests.support.neon.checks import works
from tests.support.neon.fake_account import Street, opened_street
from tests.support.neon.fault_matrix import Cell
from tests.support.neon.service import Watched
from tests.support.provision_requests import unique_name

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds of the fast clock: enough for a temporary fault, not for a permanent one."""

LIMIT = 60.0
"""Real seconds after which a cell counts as hanging."""

WORKS = "works"
PROMISED = " †"
"""After an error: objects remain, and the record is to be deleted."""

SECRETS = ("npg_", "napi_")
"""Prefixes of the emulator's passwords and key."""


Results = Mapping[Cell, str | Exception]


async def results_of(cells: Sequence[Cell]) -> Results:
    """Run the cells in two accounts at once, because they mostly wait. Return their results."""
    remaining, results = iter(cells), dict[Cell, str | Exception]()
    async with asyncio.TaskGroup() as runs:
        for _ in range(2):
            runs.create_task(_walk(remaining, results))
    return results


async def _walk(remaining: Iterator[Cell], results: dict[Cell, str | Exception]) -> None:
    """Run the remaining cells; open a new account whenever a cell fails."""
    for cell in remaining:
        async with opened_street() as street:
            await _live_in(street, chain([cell], remaining), results)


async def _live_in(
    street: Street, cells: Iterable[Cell], results: dict[Cell, str | Exception]
) -> None:
    for cell in cells:
        try:
            async with asyncio.timeout(LIMIT):
                results[cell] = await result_of(cell, street)
        except Exception as error:  # the cell's own test raises it
            results[cell] = error
            return


async def result_of(cell: Cell, street: Street) -> str:
    """Return what the caller gets. Raises AssertionError if the account is not as documented."""
    trial = trial_of(street, cell.call.isolation, [cell.trouble.fault(cell.call.route)])
    run = {"create": trial.create, "rotate": trial.rotate, "delete": trial.delete}
    return await run[cell.call.asked]()


def trial_of(street: Street, isolation: Isolation, faults: Sequence[Fault]) -> "Trial":
    bare = street.patient[isolation]
    return Trial(street, faults, Watched(isolation, bare, street.clock, patience=PATIENCE))


@dataclass(frozen=True)
class Trial:
    """A use case with faults, in an account that must end unchanged."""

    street: Street
    faults: Sequence[Fault]
    service: Watched

    async def create(self) -> str:
        outcome = await self._suffered(lambda service: service.create_database()(_request()))
        record = await self.service.record()
        if isinstance(outcome, Vended):
            assert record.state is State.READY, record.state
            await self._assert_there(record, outcome.connection)
        else:
            assert record.state in {State.FAILED, State.DELETING}, record.state
        return await self._told(outcome, record)

    async def rotate(self) -> str:
        created = await self.service.create_database()(_request())
        order = await self.service.order()
        outcome = await self._suffered(lambda service: service.provider.rotate(order))
        if isinstance(outcome, PgvendError):
            repeated = await self.service.provider.rotate(order)
            await self._assert_there(created.database, repeated)
        else:
            await self._assert_there(created.database, outcome)
            assert not await works(created.connection), "the old password works"
        return await self._told(outcome, created.database)

    async def delete(self) -> str:
        created = await self.service.create_database()(_request())
        outcome = await self._suffered(lambda service: service.delete(created.database))
        record = await self.service.record()
        is_pending = isinstance(outcome, PgvendError)
        assert record.state is (State.DELETING if is_pending else State.DELETED), record.state
        return await self._told(outcome, record)

    async def _suffered(self, call: Callable[[Watched], Awaitable[T]]) -> T | PgvendError:
        """Run `call` with the faults. Return its result, or the domain error that it raises."""
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
        """Check that the account has exactly one more database, and that its login works."""
        await PostgresLoginCheck().verify(connection)
        assert await self.street.inspect() == self.street.before.with_database(database)

    async def _told(self, outcome: object, record: Database) -> str:
        """Delete the database, check that the account is unchanged, and return the result."""
        error = outcome if isinstance(outcome, PgvendError) else None
        output = self.service.said(error)
        assert not any(secret in output for secret in SECRETS), output
        if not record.is_gone:
            await self.service.delete(record)
        assert await self.street.inspect() == self.street.before
        if error is None:
            return WORKS
        return f"`{error.code}`{PROMISED if record.state is State.DELETING else ''}"


def _request() -> VendRequest:
    return VendRequest(nickname=unique_name())
