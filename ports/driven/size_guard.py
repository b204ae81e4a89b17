"""Something that knows how large databases are, and can keep them from growing."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from domain.order import Tenant
from domain.sizes import Measure


class SizeGuard(ABC):
    """Errors, cancellation and marks are as for a DatabaseProvider."""

    @abstractmethod
    async def measures(self) -> Mapping[str, Measure]:
        """All databases that bear our mark and can be measured, by their tenants' ids. Slow: the
        server looks at every file. Changes nothing."""

    @abstractmethod
    async def confine(self, tenant: Tenant) -> None:
        """Make the tenant's sessions read-only from their beginning, and end those that there are.
        Idempotent.

        The tenant may switch that off, on purpose, in a session, so that it can make room. It holds
        whatever a provider does to the same tenant, but for deleting it. What is not there, or does
        not bear this tenant's mark, counts as confined.
        """

    @abstractmethod
    async def release(self, tenant: Tenant) -> None:
        """Undo `confine`; sessions that are idle end, so that pools open new ones. Idempotent. What
        is not there, or does not bear this tenant's mark, counts as released."""
