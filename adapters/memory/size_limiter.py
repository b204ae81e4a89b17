"""A size limiter for providers that limit sizes themselves."""

from collections.abc import Mapping

from domain.provisioning import Tenant
from domain.sizes import Measure
from ports.driven.size_limiter import SizeGuard


class NoSizeGuard(SizeGuard):
    """Reports no sizes and changes nothing."""

    async def measures(self) -> Mapping[str, Measure]:
        return {}

    async def confine(self, tenant: Tenant) -> None:
        return

    async def release(self, tenant: Tenant) -> None:
        return
