"""Describe a caller to itself."""

from dataclasses import dataclass

from domain.callers import Caller
from ports.driven.registry import Registry


@dataclass(frozen=True, slots=True)
class CallerDescription:
    """`databases` is the number that the caller's quota counts."""

    caller: Caller
    databases: int


@dataclass(frozen=True, kw_only=True)
class DescribeCaller:
    registry: Registry

    async def __call__(self, caller: Caller) -> CallerDescription:
        """Return the caller with its number of databases. Raises Unavailable."""
        return CallerDescription(caller, await self.registry.count_live(caller.name))
