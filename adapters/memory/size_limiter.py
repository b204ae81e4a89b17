"""A size limiter for providers that limit sizes themselves."""

from collections.abc import Collection, Mapping

from domain.provisioning import Tenant
from domain.sizes import Measurement
from ports.driven.size_limiter import SizeLimiter


class NoSizeLimiter(SizeLimiter):
    """Reports no sizes and changes nothing."""

    async def measure_sizes(
        self, tenant_ids: Collection[str] | None = None
    ) -> Mapping[str, Measurement]:
        return {}

    async def set_read_only(self, tenant: Tenant) -> None:
        return

    async def clear_read_only(self, tenant: Tenant) -> None:
        return
