"""Show the record of a database."""

from dataclasses import dataclass

from domain.callers import ANYONE, Caller
from domain.database import Database
from ports.driven.registry import Registry
from ports.use_cases.records import get_record


@dataclass(frozen=True, kw_only=True)
class ShowDatabase:
    registry: Registry

    async def __call__(self, database_id: str, caller: Caller = ANYONE) -> Database:
        """Return the record. Raises DatabaseNotFound, also for a database of another caller."""
        return await get_record(self.registry, database_id, caller)
