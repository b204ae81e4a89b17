"""Retries of calls that the ports declare safe to repeat."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from domain.connection import Connection
from domain.errors import Unavailable
from domain.extensions import Extension
from domain.provisioning import (
    Confirm,
    InventoryItem,
    ProvisionRequest,
    Tenant,
    Tombstone,
    confirm_always,
)
from domain.retry import RetryPolicy
from domain.sizes import Measurement
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.metrics import NO_METRICS, Metrics
from ports.driven.randomness import Randomness
from ports.driven.size_limiter import SizeLimiter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retrying:
    """Repeats a call when, and for as long as, the policy says so."""

    policy: RetryPolicy
    clock: Clock
    randomness: Randomness
    metrics: Metrics = NO_METRICS

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        started_at = self.clock.elapsed()
        attempts: Counter[RetryPolicy] = Counter()
        while True:
            try:
                return await call()
            except Unavailable as error:
                policy = self.policy.policy_for(error)
                attempts[policy] += 1
                elapsed, jitter = self.clock.elapsed() - started_at, self.randomness.jitter()
                delay = policy.delay(error, attempts[policy], elapsed, jitter)
                if delay is None:
                    raise
                self.metrics.count_retry(error.code)
            await self.clock.sleep(delay)


@dataclass(frozen=True)
class RetryingProvider(DatabaseProvider):
    """Repeats every call except `ping`, which reports the current state."""

    inner: DatabaseProvider
    retrying: Retrying

    async def provision(self, request: ProvisionRequest) -> Connection:
        return await self.retrying(lambda: self.inner.provision(request))

    @property
    def can_copy(self) -> bool:
        return self.inner.can_copy

    async def extensions(self) -> Sequence[Extension]:
        return await self.retrying(self.inner.extensions)

    async def install(self, request: ProvisionRequest) -> None:
        await self.retrying(lambda: self.inner.install(request))

    async def reveal(self, request: ProvisionRequest) -> Connection:
        return await self.retrying(lambda: self.inner.reveal(request))

    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        return await self.retrying(lambda: self.inner.rotate(request, end_sessions=end_sessions))

    @property
    def rotation_ends_sessions(self) -> bool:
        return self.inner.rotation_ends_sessions

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        await self.retrying(lambda: self.inner.suspend(tenant, confirm))

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> Tombstone | None:
        return await self.retrying(lambda: self.inner.delete(tenant, confirm))

    async def inventory(self) -> Sequence[InventoryItem]:
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
class RetryingSizeLimiter(SizeLimiter):
    inner: SizeLimiter
    retrying: Retrying

    async def measure_sizes(
        self, tenant_ids: Collection[str] | None = None
    ) -> Mapping[str, Measurement]:
        return await self.retrying(lambda: self.inner.measure_sizes(tenant_ids))

    async def set_read_only(self, tenant: Tenant) -> None:
        await self.retrying(lambda: self.inner.set_read_only(tenant))

    async def clear_read_only(self, tenant: Tenant) -> None:
        await self.retrying(lambda: self.inner.clear_read_only(tenant))
