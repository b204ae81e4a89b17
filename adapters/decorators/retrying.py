"""Trying again, where the port says that repeating is safe."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from domain.connection import Connection
from domain.errors import OutcomeUnknown, ProviderBusy, Unavailable
from domain.extensions import Extension
from domain.order import Holding, Order, Tenant, Tombstone
from domain.retry import RetryPolicy
from domain.sizes import Measure
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.randomness import Randomness
from ports.driven.size_guard import SizeGuard

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retrying:
    """Calls again `after` these errors, but those of `never`, while the policy allows it."""

    policy: RetryPolicy
    clock: Clock
    randomness: Randomness
    after: tuple[type[Unavailable], ...] = (ProviderBusy, OutcomeUnknown)
    never: tuple[type[Unavailable], ...] = ()

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        begin = self.clock.elapsed()
        attempt = 1
        while True:
            try:
                return await call()
            except self.never:
                raise
            except self.after as error:
                await self._wait_or_give_up(error, attempt, self.clock.elapsed() - begin)
            attempt += 1

    async def _wait_or_give_up(self, error: Unavailable, attempt: int, elapsed: float) -> None:
        jitter = self.randomness.jitter()
        pause = self.policy.pause(attempt, elapsed, jitter, error.retry_after)
        if pause is None:
            raise error
        await self.clock.sleep(pause)


@dataclass(frozen=True)
class RetryingProvider(DatabaseProvider):
    """Repeats every call but `ping`, whose caller wants to know how it is now."""

    inner: DatabaseProvider
    retrying: Retrying

    async def provision(self, order: Order) -> Connection:
        return await self.retrying(lambda: self.inner.provision(order))

    async def extensions(self) -> Sequence[Extension]:
        return await self.retrying(self.inner.extensions)

    async def install(self, order: Order) -> None:
        await self.retrying(lambda: self.inner.install(order))

    async def reveal(self, order: Order) -> Connection:
        return await self.retrying(lambda: self.inner.reveal(order))

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        return await self.retrying(lambda: self.inner.rotate(order, end_sessions=end_sessions))

    @property
    def rotation_ends_sessions(self) -> bool:
        return self.inner.rotation_ends_sessions

    async def suspend(self, tenant: Tenant) -> None:
        await self.retrying(lambda: self.inner.suspend(tenant))

    async def delete(self, tenant: Tenant) -> Tombstone | None:
        return await self.retrying(lambda: self.inner.delete(tenant))

    async def inventory(self) -> Sequence[Holding]:
        return await self.retrying(self.inner.inventory)

    async def ping(self) -> None:
        await self.inner.ping()


@dataclass(frozen=True)
class RetryingLoginCheck(LoginCheck):
    inner: LoginCheck
    retrying: Retrying

    async def verify(self, connection: Connection) -> None:
        await self.retrying(lambda: self.inner.verify(connection))


@dataclass(frozen=True)
class RetryingSizeGuard(SizeGuard):
    inner: SizeGuard
    retrying: Retrying

    async def measures(self) -> Mapping[str, Measure]:
        return await self.retrying(self.inner.measures)

    async def confine(self, tenant: Tenant) -> None:
        await self.retrying(lambda: self.inner.confine(tenant))

    async def release(self, tenant: Tenant) -> None:
        await self.retrying(lambda: self.inner.release(tenant))
