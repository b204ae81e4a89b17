"""One database's record."""

from dataclasses import dataclass

from domain.database import Database
from ports.driven.registry import Registry


@dataclass(frozen=True, kw_only=True)
class ShowDatabase:
    registry: Registry

    async def __call__(self, database_id: str) -> Database:
        """The record of that id. Raises DatabaseNotFound."""
        return await self.registry.get(database_id)
