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
from domain.lifecycle import State
from domain.targets import Isolation
from entrypoints.neon_emulator.state.faults import Fault, How
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.neon.checks import can_log_in
from tests.support.neon.fake_account import FakeAccount, open_fake_account
from tests.support.neon.fault_matrix import Cell
from tests.support.neon.service import ObservedService
from tests.support.provision_requests import unique_name

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds of the fast clock: enough for a temporary fault, not for a permanent one."""

LIMIT = 60.0
"""Real seconds after which a cell counts as hanging."""

WORKS = "works"
DELETION_PENDING = " †"
"""After an error: objects remain, and the record is to be deleted."""

SECRETS = ("npg_", "napi_")
"""Prefixes of the emulator's passwords and key."""


Results = Mapping[Cell, str | Exception]


async def run_cells(cells: Sequence[Cell]) -> Results:
    """Run the cells in two accounts at once, because they mostly wait. Return their results."""
    remaining, results = iter(cells), dict[Cell, str | Exception]()
    async with asyncio.TaskGroup() as runs:
        for _ in range(2):
            runs.create_task(_run_remaining(remaining, results))
    return results


async def _run_remaining(remaining: Iterator[Cell], results: dict[Cell, str | Exception]) -> None:
    """Run the remaining cells; open a new account whenever a cell fails."""
    for cell in remaining:
        async with open_fake_account() as fake_account:
            await _run_on_account(fake_account, chain([cell], remaining), results)


async def _run_on_account(
    fake_account: FakeAccount, cells: Iterable[Cell], results: dict[Cell, str | Exception]
) -> None:
    for cell in cells:
        try:
            async with asyncio.timeout(LIMIT):
                results[cell] = await run_cell(cell, fake_account)
        except Exception as error:  # the cell's own test raises it
            results[cell] = error
            return


async def run_cell(cell: Cell, fake_account: FakeAccount) -> str:
    """Return the caller's result. Raises AssertionError if the account is not as documented."""
    trial = create_trial(
        fake_account, cell.call.isolation, [cell.fault.create_fault(cell.call.route)]
    )
    run = {"create": trial.create, "rotate": trial.rotate, "delete": trial.delete}
    return await run[cell.call.use_case]()


def create_trial(
    fake_account: FakeAccount, isolation: Isolation, faults: Sequence[Fault]
) -> "Trial":
    bare = fake_account.long_timeout[isolation]
    return Trial(
        fake_account,
        faults,
        ObservedService(isolation, bare, fake_account.clock, patience=PATIENCE),
    )


@dataclass(frozen=True)
class Trial:
    """A use case with faults, in an account that must end unchanged."""

    fake_account: FakeAccount
    faults: Sequence[Fault]
    service: ObservedService

    async def create(self) -> str:
        outcome = await self._call_with_faults(
            lambda service: service.create_database()(_request())
        )
        record = await self.service.record()
        if isinstance(outcome, ProvisionedDatabase):
            assert record.state is State.READY, record.state
            await self._assert_exists(record, outcome.connection)
        else:
            assert record.state in {State.FAILED, State.DELETING}, record.state
        return await self._finish(outcome, record)

    async def rotate(self) -> str:
        created = await self.service.create_database()(_request())
        provision_request = await self.service.provision_request()
        outcome = await self._call_with_faults(
            lambda service: service.provider.rotate(provision_request)
        )
        if isinstance(outcome, PgvendError):
            repeated = await self.service.provider.rotate(provision_request)
            await self._assert_exists(created.database, repeated)
        else:
            await self._assert_exists(created.database, outcome)
            assert not await can_log_in(created.connection), "the old password works"
        return await self._finish(outcome, created.database)

    async def delete(self) -> str:
        created = await self.service.create_database()(_request())
        outcome = await self._call_with_faults(lambda service: service.delete(created.database))
        record = await self.service.record()
        is_pending = isinstance(outcome, PgvendError)
        assert record.state is (State.DELETING if is_pending else State.DELETED), record.state
        return await self._finish(outcome, record)

    async def _call_with_faults(
        self, call: Callable[[ObservedService], Awaitable[T]]
    ) -> T | PgvendError:
        """Run `call` with the faults. Return its result, or the domain error that it raises."""
        service = self.service
        if any(fault.how is How.HANG for fault in self.faults):
            service = replace(service, bare=self.fake_account.short_timeout[service.isolation])
        faults = self.fake_account.neon.emulator.faults
        for fault in self.faults:
            faults.add(fault)
        try:
            return await call(service)
        except PgvendError as error:
            return error
        finally:
            faults.clear()

    async def _assert_exists(self, database: Database, connection: Connection) -> None:
        """Check that the account has exactly one more database, and that its login works."""
        await PostgresLoginCheck().verify(connection)
        assert await self.fake_account.inspect() == self.fake_account.before.with_database(database)

    async def _finish(self, outcome: object, record: Database) -> str:
        """Delete the database, check that the account is unchanged, and return the result."""
        error = outcome if isinstance(outcome, PgvendError) else None
        output = self.service.collect_output(error)
        assert not any(secret in output for secret in SECRETS), output
        if not record.is_gone:
            await self.service.delete(record)
        assert await self.fake_account.inspect() == self.fake_account.before
        if error is None:
            return WORKS
        return f"`{error.code}`{DELETION_PENDING if record.state is State.DELETING else ''}"


def _request() -> CreateRequest:
    return CreateRequest(nickname=unique_name())
