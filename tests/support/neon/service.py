"""The use cases with a provider on Neon, decorated as in the service, and the captured log."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from adapters.decorators.logging import CallLogger
from adapters.decorators.observing import ObservingLoginCheck, ObservingProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck
from adapters.memory.registry import MemoryRegistry
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.clock import SystemClock
from adapters.system.leases import InProcessLeases
from adapters.system.randomness import SystemRandomness
from domain.database import Database
from domain.errors import PgvendError
from domain.expiry import ExpiryPolicy
from domain.lifecycle import State
from domain.provisioning import ProvisionRequest
from domain.retry import RetryPolicy
from domain.targets import Isolation, Target
from entrypoints.wiring.neon import TIMEOUT, with_retries
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Query
from ports.use_cases.create_database import CreateDatabase
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.embedded_servers import Events
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import provider_on
from tests.support.provision_requests import deriver
from tests.support.use_cases import create_create_database, create_use_case


@dataclass(frozen=True)
class ObservedService:
    """A service with its own registry; its provider has one queue, as in the service."""

    isolation: Isolation
    bare: DatabaseProvider
    clock: Clock
    events: Events = field(default_factory=Events)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    leases: InProcessLeases = field(default_factory=InProcessLeases)
    patience: float = TIMEOUT
    """Seconds of the clock to wait for the queue, and then for another client's lock."""
    provider: DatabaseProvider = field(init=False)

    def __post_init__(self) -> None:
        provider: DatabaseProvider = ObservingProvider(self.bare, self._call_logger)
        retrying, log = Retrying(RetryPolicy(), self.clock, SystemRandomness()), self.events.log
        provider = with_retries(provider, self.isolation, retrying, log, self.patience)
        object.__setattr__(self, "provider", provider)

    def create_database(self) -> CreateDatabase:
        own = {"randomness": SystemRandomness(), "expiry": ExpiryPolicy()}
        return create_create_database(**self._parts(), **own, login_check=self._login_check())

    async def delete(self, database: Database) -> None:
        """Request the deletion and finish it."""
        delete = create_use_case(DeleteDatabase, self._parts())
        await delete.request(database.id)
        await delete.finish(database.id)

    async def delete_all(self, created: Sequence[ProvisionedDatabase]) -> None:
        """Delete all databases concurrently, and check that no record remains to be deleted."""
        await asyncio.gather(*(self.delete(each.database) for each in created))
        records = await self.registry.search(Query(limit=1000))
        assert {record.state for record in records} == {State.DELETED}

    def _parts(self) -> dict[str, Any]:
        target = Target(name="neon", provider="neon", isolation=self.isolation)
        own = {name: getattr(self, name) for name in ("registry", "provider", "leases", "clock")}
        return own | {"target": target}

    async def record(self) -> Database:
        (record,) = await self.registry.search(Query())
        return record

    async def provision_request(self) -> ProvisionRequest:
        """Return the request of the only record, to repeat it at the provider."""
        return (await self.record()).to_provision_request(deriver)

    def collect_output(self, error: PgvendError | None = None) -> str:
        """Return the text of the log, of an error and of its causes."""
        events = [self.events.fields(name) for name in set(self.events.names)]
        errors = traceback.format_exception(error) if error else []
        return "".join([repr(events), *errors])

    def _login_check(self) -> LoginCheck:
        login_check = NeonLoginCheck(PostgresLoginCheck(), self.clock)
        retrying = Retrying(RetryPolicy(), self.clock, SystemRandomness())
        return RetryingLoginCheck(ObservingLoginCheck(login_check, self._call_logger), retrying)

    @property
    def _call_logger(self) -> CallLogger:
        return CallLogger(self.clock, self.events.log)


@asynccontextmanager
async def serving(neon: RunningEmulator, isolation: Isolation) -> AsyncIterator[ObservedService]:
    async with provider_on(neon, isolation) as provider:
        yield ObservedService(isolation, provider, SystemClock())


async def assert_separate_databases(created: Sequence[ProvisionedDatabase]) -> None:
    connections = [each.connection for each in created]
    logins = {(each.host, each.port, each.database, each.user) for each in connections}
    assert len(logins) == len(created)
    for connection in connections:
        await PostgresLoginCheck().verify(connection)
