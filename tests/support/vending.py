"""The use cases over memory, and what is left behind afterwards."""

from dataclasses import dataclass, field

from adapters.memory.provider import MemoryLoginCheck, MemoryProvider, Trouble, no_trouble
from adapters.memory.registry import MemoryRegistry
from domain.database import Database
from domain.expiry import ExpiryPolicy
from domain.naming import Nickname
from domain.order import Order, Tenant
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Query, Registry
from ports.driving.retire import RetireDatabase
from ports.driving.vend import VendDatabase
from tests.support.clock import FakeClock
from tests.support.orders import deriver
from tests.support.randomness import SeededRandomness
from tests.support.records import TARGET


@dataclass
class Memory:
    """A registry and a provider that can be told to fail, and a look behind them."""

    trouble: Trouble = no_trouble
    capacity: int | None = None
    registry: Registry = field(default_factory=MemoryRegistry)
    clock: FakeClock = field(default_factory=FakeClock)
    randomness: SeededRandomness = field(default_factory=SeededRandomness)
    expiry: ExpiryPolicy = field(default_factory=ExpiryPolicy)

    def __post_init__(self) -> None:
        self.provider = MemoryProvider(capacity=self.capacity, trouble=self._trouble)

    def vend(
        self, *, registry: Registry | None = None, login_check: LoginCheck | None = None
    ) -> VendDatabase:
        return VendDatabase(
            registry=registry or self.registry,
            provider=self.provider,
            login_check=login_check or MemoryLoginCheck(self.provider),
            clock=self.clock,
            randomness=self.randomness,
            passwords=deriver,
            expiry=self.expiry,
            target=TARGET,
        )

    def retire(self) -> RetireDatabase:
        return RetireDatabase(registry=self.registry, provider=self.provider, clock=self.clock)

    async def records(self) -> list[Database]:
        return await self.registry.search(Query(limit=1000))

    async def only_record(self) -> Database:
        (record,) = await self.records()
        return record

    async def held(self) -> set[str]:
        """The ids of what is on the provider, half-made or whole."""
        self.trouble = no_trouble
        return {holding.id for holding in await self.provider.inventory()}

    async def occupy(self, nickname: str) -> None:
        """Put a stranger's database on the provider under that nickname's names."""
        names = Nickname(nickname).names()
        order = Order(tenant=Tenant(id="stranger", names=names), password=deriver("stranger", 0))
        await self.provider.provision(order)

    async def _trouble(self, moment: str) -> None:
        await self.trouble(moment)
