"""An installation that is over when the process ends."""

from collections import Counter
from collections.abc import Mapping

from domain.states import LIVE
from ports.driven.installation import Installation
from ports.driven.registry import Query, Registry
from ports.records import every


class MemoryInstallation(Installation):
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._name = ""

    async def name(self, proposed: str) -> str:
        self._name = self._name or proposed
        return self._name

    async def secrets(self, target: str) -> Mapping[str, int]:
        live = await every(self._registry, Query(states=LIVE, target=target))
        return Counter(record.secret for record in live)
