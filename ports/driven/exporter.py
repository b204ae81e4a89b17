"""The exporter: dumps databases into files."""

from abc import ABC, abstractmethod

from domain.provisioning import Confirm, Tenant, confirm_always


class Exporter(ABC):
    """Marks, errors, confirmation and cancellation are as for a DatabaseProvider.

    The files are in one folder, and only pgvend's own account can read them. A file is complete, or
    does not exist: also after a crash. No file of an export that was interrupted stays for long.
    """

    @abstractmethod
    async def export(self, tenant: Tenant, file: str, confirm: Confirm = confirm_always) -> int:
        """Dump the database of a suspended tenant into the file of that name, which is replaced,
        and return its size in bytes. Idempotent.

        The dump has the rights of the tenant's owner and no others, and shows one moment. The
        tenant stays suspended: it cannot log in, and after the call, an error or a cancellation its
        database is closed to others. A database that is being dumped admits no second session. One
        that `provision` opens meanwhile stays open.

        Raises DatabaseNotFound when the tenant has no intact database, and ExportFailed when the
        database cannot be dumped, or only into a file or in a time that exceeds the limits.
        """

    @abstractmethod
    async def remove(self, file: str) -> None:
        """Remove the file of that name if it exists. Raises ExportFailed."""
