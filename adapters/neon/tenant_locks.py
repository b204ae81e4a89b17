"""Locks that allow one call at a time for each tenant, within this process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TenantLocks:
    """The locks. Between processes, Neon and the table of claims refuse concurrent changes."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def hold(self, tenant_id: str) -> AsyncIterator[None]:
        self._users[tenant_id] += 1
        try:
            async with self._locks.setdefault(tenant_id, asyncio.Lock()):
                yield
        finally:
            self._users[tenant_id] -= 1
            if not self._users[tenant_id]:
                del self._users[tenant_id], self._locks[tenant_id]
