"""The installation in memory, for the lifetime of the process."""

import sys
from collections import Counter
from collections.abc import Mapping

from domain.lifecycle import LIVE
from ports.driven.installation import Installation
from ports.driven.registry import Query, Registry


class MemoryInstallation(Installation):
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._name = ""

    async def name(self, proposed: str) -> str:
        self._name = self._name or proposed
        return self._name

    async def count_by_secret(self, target: str) -> Mapping[str, int]:
        query = Query(states=LIVE, shape="", target=target, limit=sys.maxsize)
        live = await self._registry.search(query)
        return Counter(record.secret for record in live)
