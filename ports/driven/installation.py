"""The identity of an installation, independent of the service's secret."""

from abc import ABC, abstractmethod
from collections.abc import Mapping


class Installation(ABC):
    """Every method may raise Unavailable."""

    @abstractmethod
    async def name(self, proposed: str) -> str:
        """Return the name that marks our databases on the provider: the first one ever proposed,
        stored since then. Of concurrent first calls, one counts."""

    @abstractmethod
    async def count_by_secret(self, target: str) -> Mapping[str, int]:
        """Return how many live databases on that target derive their password from the secret of
        each name."""
