"""What the records are known by as a whole, whatever becomes of the service's secret."""

from abc import ABC, abstractmethod
from collections.abc import Mapping


class Installation(ABC):
    """Every method may raise Unavailable."""

    @abstractmethod
    async def name(self, proposed: str) -> str:
        """What marks our databases outside: the name that was proposed first, kept from then on,
        whoever proposes another later. Of racing calls, one counts."""

    @abstractmethod
    async def count_by_secret(self, target: str) -> Mapping[str, int]:
        """How many databases on that target, which are not gone, have their password from the
        secret of each name."""
