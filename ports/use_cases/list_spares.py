"""List the levels of spares."""

from dataclasses import dataclass

from domain.spares import SpareLevel, list_levels
from ports.use_cases.spare_pool import SparePool


@dataclass(frozen=True, kw_only=True)
class ListSpares:
    pool: SparePool

    async def __call__(self) -> list[SpareLevel]:
        """Return the level of each template in the settings, and of `default`. Nothing is ready
        before this process compared the spares with the provider: it claims none until then.
        Raises Unavailable."""
        spares = await self.pool.list_spares() if self.pool.is_compared else []
        wanted = await self.pool.list_wanted()
        return list_levels(spares, self.pool.counts, wanted)
