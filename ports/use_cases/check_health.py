"""Check whether the registry and the provider would answer a request now."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.errors import PgvendError
from domain.spares import SpareLevel
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Registry
from ports.use_cases.guard_server import GuardServer, GuardStatus

OK = "ok"

ListLevels = Callable[[], Awaitable[Sequence[SpareLevel]]]

TIMEOUT = 5.0
"""Seconds for one part to answer; health checks of load balancers do not wait longer."""


@dataclass(frozen=True, slots=True)
class Health:
    """`checks` has `ok` or an error code for each part. `guard` is the last status of the guard, if
    there is one; `spares` are the levels of spares that are wanted, as far as they could be read.
    Neither affects whether requests are answered."""

    checks: Mapping[str, str]
    guard: GuardStatus | None = None
    spares: Sequence[SpareLevel] = ()

    @property
    def is_ok(self) -> bool:
        return all(outcome == OK for outcome in self.checks.values())


@dataclass(frozen=True, kw_only=True)
class CheckHealth:
    registry: Registry
    provider: DatabaseProvider
    guard: GuardServer | None = None
    list_spares: ListLevels | None = None
    timeout: float = TIMEOUT
    _running: list[asyncio.Task[Health]] = field(default_factory=list, init=False, repr=False)

    async def __call__(self) -> Health:
        """Check the health, or wait for the check that is running: anybody may call this, and each
        check takes a session on the server."""
        if not self._running:
            self._running.append(asyncio.create_task(self._check_parts()))
            self._running[0].add_done_callback(lambda _: self._running.clear())
        return await asyncio.shield(self._running[0])

    async def _check_parts(self) -> Health:
        parts = {"registry": self.registry.ping(), "provider": self.provider.ping()}
        checks = asyncio.gather(*map(self._check_part, parts.values()))
        outcomes, spares = await asyncio.gather(checks, self._read_spares())
        status = self.guard.status if self.guard else None
        return Health(dict(zip(parts, outcomes, strict=True)), status, spares)

    async def _read_spares(self) -> Sequence[SpareLevel]:
        if self.list_spares is None:
            return ()
        try:
            async with asyncio.timeout(self.timeout):
                levels = await self.list_spares()
        except Exception:  # the check of the registry reports it
            return ()
        return [level for level in levels if level.wanted]

    async def _check_part(self, ping: Awaitable[None]) -> str:
        try:
            async with asyncio.timeout(self.timeout):
                await ping
        except PgvendError as error:
            return error.code
        except TimeoutError:
            return "timeout"
        except Exception:
            return "internal_error"
        return OK
