"""Where sizes are not ours to limit."""

from collections.abc import Mapping

from domain.order import Tenant
from domain.sizes import Measure
from ports.driven.size_guard import SizeGuard


class NoSizeGuard(SizeGuard):
    """Measures nothing."""

    async def measures(self) -> Mapping[str, Measure]:
        return {}

    async def confine(self, tenant: Tenant) -> None:
        return

    async def release(self, tenant: Tenant) -> None:
        return
