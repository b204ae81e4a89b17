"""The use cases over a provider on Neon, as the service wraps it, with an ear on its log."""

import traceback
from dataclasses import dataclass, field

from adapters.decorators.observed import Observation, ObservedLoginCheck, ObservedProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck
from adapters.memory.leases import MemoryLeases
from adapters.memory.registry import MemoryRegistry
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.randomness import SystemRandomness
from domain.database import Database
from domain.errors import PgvendError
from domain.expiry import ExpiryPolicy
from domain.order import Order
from domain.retry import RetryPolicy
from domain.target import Isolation, Target
from entrypoints.neon_parts import PATIENCE, cared_for
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Query
from ports.driving.retire import RetireDatabase
from ports.driving.vend import VendDatabase
from tests.support.bundles import Events
from tests.support.making import vend_with
from tests.support.orders import deriver


@dataclass(frozen=True)
class Watched:
    """A service with a registry of its own; its provider has one queue, as the service's has."""

    isolation: Isolation
    bare: DatabaseProvider
    clock: Clock
    events: Events = field(default_factory=Events)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    patience: float = PATIENCE
    """Seconds of the clock's: for one's turn, and then for others who have locked the project."""
    provider: DatabaseProvider = field(init=False)

    def __post_init__(self) -> None:
        provider: DatabaseProvider = ObservedProvider(self.bare, self._observed)
        clock, randomness, log = self.clock, SystemRandomness(), self.events.log
        provider = cared_for(provider, self.isolation, clock, randomness, log, self.patience)
        object.__setattr__(self, "provider", provider)

    def vend(self) -> VendDatabase:
        return vend_with(
            registry=self.registry,
            provider=self.provider,
            login_check=self._login_check(),
            leases=self.leases,
            clock=self.clock,
            randomness=SystemRandomness(),
            expiry=ExpiryPolicy(),
            target=self._target(),
        )

    async def retire(self, database: Database) -> None:
        """From the promise to the end."""
        await self._retire().promise(database.id)
        await self._retire().finish(database.id)

    def _retire(self) -> RetireDatabase:
        return RetireDatabase(
            registry=self.registry,
            provider=self.provider,
            leases=self.leases,
            clock=self.clock,
            target=self._target(),
        )

    def _target(self) -> Target:
        return Target(name="neon", provider="neon", isolation=self.isolation)

    async def record(self) -> Database:
        (record,) = await self.registry.search(Query())
        return record

    async def order(self) -> Order:
        """What was ordered, to be asked of the provider again."""
        record = await self.record()
        return Order(tenant=record.tenant, password=deriver(record.id, record.rotation))

    def said(self, error: PgvendError | None = None) -> str:
        """All that was: in the log, and by an error and those that led to it."""
        events = [self.events.fields(name) for name in set(self.events.names)]
        errors = traceback.format_exception(error) if error else []
        return "".join([repr(events), *errors])

    def _login_check(self) -> LoginCheck:
        patient = NeonLoginCheck(PostgresLoginCheck(), self.clock)
        return RetryingLoginCheck(ObservedLoginCheck(patient, self._observed), self._retrying)

    @property
    def _observed(self) -> Observation:
        return Observation(self.clock, self.events.log)

    @property
    def _retrying(self) -> Retrying:
        return Retrying(RetryPolicy(), self.clock, SystemRandomness())
