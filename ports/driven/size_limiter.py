"""The size limiter: measures databases, and makes them read-only."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

from domain.provisioning import Tenant
from domain.sizes import Measurement


class SizeLimiter(ABC):
    """Errors, cancellation and marks are as for a DatabaseProvider."""

    @abstractmethod
    async def measure_sizes(
        self, tenant_ids: Collection[str] | None = None
    ) -> Mapping[str, Measurement]:
        """Return the sizes of all databases that have our mark and can be measured, by their
        tenants' ids, except for spares; with `tenant_ids`, only of these tenants. Slow: the server
        inspects every file. Changes nothing."""

    @abstractmethod
    async def set_read_only(self, tenant: Tenant) -> None:
        """Make new sessions of the tenant read-only by default, and end the open ones. Idempotent.

        The tenant can deliberately override this in a session, to delete data. It stays in force
        through every call of a provider for the same tenant, except a deletion. A tenant that does
        not exist, or lacks this tenant's mark, counts as read-only.
        """

    @abstractmethod
    async def clear_read_only(self, tenant: Tenant) -> None:
        """Make the tenant's sessions writable again. Idle sessions end, so that pools open new
        ones. Idempotent. A tenant that does not exist, or lacks this tenant's mark, counts as
        writable."""
