"""List the extensions that a new database may have."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.extensions import Extension
from ports.driven.database_provider import DatabaseProvider


@dataclass(frozen=True, kw_only=True)
class ListExtensions:
    provider: DatabaseProvider

    async def __call__(self) -> Sequence[Extension]:
        """Return them ordered by name. Raises what the provider's `extensions` raises."""
        return await self.provider.extensions()
